"""The report in a real browser: what it shows is the ledger's, and everybody can read it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from brokers.model import Side
from localstack.console.browser import browser as open_browser
from tasks.domain.charges import Executed, contract_note
from tasks.domain.money import rupees
from tasks.reports.day import report_of
from tasks.reports.page import page as html_of
from tasks.reports.records import read
from tests.console.running import ROOT, chromium
from tests.reports.played import ASHA, DAY, Played, at, full_day

pytestmark = pytest.mark.slow

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def day() -> Played:
    return full_day()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser(chromium()) as found:
        yield found


@pytest.fixture(scope="module")
def file(day: Played, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html_of(report_of(read(day.stores, ASHA, DAY, at("15:45")))), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    """Opened from the disk. Whatever it asks for beyond itself, or complains of, fails the test."""
    found = browser.new_page(viewport={"width": 1100, "height": 900})
    found.set_default_timeout(8_000)
    asked: list[str] = []
    said: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    found.on("request", note)
    found.on("console", lambda message: said.append(message.text))
    found.goto(file.as_uri())
    yield found
    assert asked == [file.as_uri()]
    assert said == []
    found.close()


def test_what_it_shows_is_the_ledgers(page: Page, day: Played) -> None:
    """Worked out again from the orders, without the report's own code."""
    rows = [row for row in day.stores.orders._rows.values() if row.filled_quantity]
    cash, notes = Decimal(0), dict[str, list[Executed]]()
    for row in rows:
        value = row.filled_quantity * row.average_price
        cash += value if row.side is Side.SELL else -value
        item = Executed(row.order_id, row.broker, row.exchange, row.side, value)
        notes.setdefault(row.account, []).append(item)
    charged = sum((contract_note(note, DAY).total.total for note in notes.values()), Decimal(0))
    expect(page.locator("h1")).to_contain_text(rupees(cash - charged))
    facts = page.locator("header dl")
    for amount in (cash, charged):
        expect(facts).to_contain_text(rupees(amount))
    expect(page.locator("#charges tr.sum")).to_contain_text(rupees(charged))
    articles = page.locator("#runs article")
    expect(articles).to_have_count(len(day.stores.orders._rows))
    for row in rows:
        line = f"{row.filled_quantity} at {row.average_price:.2f}; the quote at the signal was {row.quote:.2f}"
        expect(articles.filter(has_text=row.symbol).filter(has_text=line).first).to_be_visible()
    expect(page.locator("#skipped")).to_contain_text("trades on WED, and today is MON")
    expect(page.locator("#troubles")).to_contain_text("the reply to the order was lost")
    expect(page.locator("#next")).to_contain_text("Wednesday 25 November")
    expect(page.locator("svg.day path.curve")).to_be_visible()


def test_an_order_tells_its_way_and_a_run_folds(page: Page) -> None:
    first = page.locator("#runs article").first
    steps = first.locator(".way li")
    expect(steps).to_have_count(4)
    expect(steps).to_have_text(["signal09:30:00.412", "sent+80 ms", "accepted+110 ms", "filled+1.0 s"])
    page.locator("summary").first.click()
    expect(first).to_be_hidden()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1100, "light"), (1100, "dark")])
def test_everybody_can_read_it(browser: Browser, file: Path, width: int, scheme: Any) -> None:
    """No sideways scrolling on a phone, and axe finds nothing, contrast included, in light and in dark."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make page")
    found = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    found.goto(file.as_uri())
    assert found.evaluate("document.documentElement.scrollWidth") <= width
    found.add_script_tag(path=AXE)
    violations = found.evaluate("axe.run().then(found => found.violations)")
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
    found.close()


def test_it_prints_on_white_with_nothing_folded_away(browser: Browser, file: Path, tmp_path: Path) -> None:
    found = browser.new_page(color_scheme="dark")
    found.goto(file.as_uri())
    found.emulate_media(media="print", color_scheme="dark")
    assert found.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    found.pdf(path=tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").stat().st_size > 20_000
    found.close()
