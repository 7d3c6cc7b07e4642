"""Takes the README's pictures of the page: `python -m localstack.console.pictures` (`make pictures`).

Plays the straddle on a platform of its own: one picture while it runs, one after it failed for want of a
login and was redriven.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from brokers.clock import IST
from localstack.console.browser import browser, executable
from localstack.demo import running_platform
from localstack.platform import Market, Platform
from localstack.seed import ACCOUNT, SECOND_ACCOUNT
from localstack.site import ROOT, machine_arn
from localstack.stage import Stage
from tasks.domain.ids import run_key

if TYPE_CHECKING:
    from playwright.sync_api import Page

BEGIN = datetime(2026, 11, 23, 9, 20, tzinfo=IST)
FOLDER = ROOT / "docs" / "pictures"
VIEW = {"width": 1440, "height": 900}
SETTLED_MS = 900
"""For what the page animates."""


def main() -> int:
    path = executable()
    if path is None:
        print("There is no chromium here: apt-get install chromium")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_platform(Market(), BEGIN) as platform, browser(path) as opened:
        platform.start_console()
        page = opened.new_page(viewport=VIEW, reduced_motion="reduce", color_scheme="light")  # type: ignore[arg-type]
        for taken in (_running(page, platform), _redriven(page, platform)):
            print(f"{taken.relative_to(ROOT)}  {taken.stat().st_size // 1024} kB")
    return 0


def _running(page: Page, platform: Platform) -> Path:
    """The put rests in the book and is chased; the call has filled."""
    stage = Stage.new(platform, "bn-straddle", accounts=(ACCOUNT,))
    stage.exchange.fault("hold_open", symbol="*PE", side="SELL", seconds=3600)
    stage.send("ENTRY")
    stage.play(stage.entry + timedelta(seconds=4))
    page.goto(_address(platform, stage, ACCOUNT))
    page.locator('[data-state="WaitForSellFill"][data-status="RUNNING"]').wait_for()
    page.get_by_text("FILLED", exact=True).wait_for()
    taken = _take(page, "running.png")
    stage.exchange.clear_faults()
    return taken


def _redriven(page: Page, platform: Platform) -> Path:
    stage = Stage.new(platform, "bn-straddle-2", accounts=(ACCOUNT, SECOND_ACCOUNT))
    stage.exchange.expire_token(SECOND_ACCOUNT)
    stage.send("ENTRY")
    stage.play(stage.entry + timedelta(seconds=8))
    stage.log_in_again(SECOND_ACCOUNT)
    stage.redrive(SECOND_ACCOUNT)
    stage.play(stage.entry + timedelta(minutes=1))
    page.goto(f"{_address(platform, stage, SECOND_ACCOUNT)}?view=table")
    page.get_by_role("button", name="PlanAccount").click()
    page.get_by_text("redrive 1").wait_for()
    return _take(page, "redriven.png")


def _address(platform: Platform, stage: Stage, account: str) -> str:
    machine = machine_arn("AccountBasket").replace(":stateMachine:", ":execution:")
    name = f"{run_key(stage.plan.strategy_id, stage.entry.date())}-{account}-ENTRY"
    return f"{platform.site.console_url}/execution/{machine}:{name}"


def _take(page: Page, name: str) -> Path:
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=FOLDER / name, scale="css")
    return FOLDER / name


if __name__ == "__main__":
    sys.exit(main())
