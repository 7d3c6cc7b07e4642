"""Takes the README's picture of a report: `python -m tests.reports.picture` (`make pictures`)."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from localstack.console.browser import browser, executable
from localstack.site import ROOT
from tasks.reports.day import report_of
from tasks.reports.page import page as html_of
from tasks.reports.records import read
from tests.reports.played import ASHA, DAY, at, full_day

TARGET = ROOT / "docs" / "pictures" / "report.png"


def main() -> int:
    path = executable()
    if path is None:
        print("There is no chromium here: apt-get install chromium")
        return 1
    day = full_day()
    for account in ("ZA1234", "ZB5678"):
        day.close_books(account)
    html = html_of(report_of(read(day.stores, ASHA, DAY, at("15:45"))))
    with TemporaryDirectory() as folder, browser(path) as opened:
        file = Path(folder) / "report.html"
        file.write_text(html, encoding="utf-8")
        page = opened.new_page(viewport={"width": 960, "height": 1240}, color_scheme="light")
        page.goto(file.as_uri())
        page.screenshot(path=TARGET, scale="css")
    print(f"{TARGET.relative_to(ROOT)}  {TARGET.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
