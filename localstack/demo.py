"""One strategy's day, from its schedule to its profit or loss: `python -m localstack.demo` (`make demo`).

Starts a platform of its own on free ports, plays the day with the jumping clock, tells what happens and stops
everything. Exit code 0 if the day ended as it should: flat, with the broker's ledger and ours agreeing, or
skipped with a reason.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from brokers.clock import IST
from localstack import report
from localstack.exchange import Exchange
from localstack.history import End, Watcher
from localstack.platform import CANNOT_START, Market, Platform
from localstack.seed import USER, Plan, seed, stores, write_schedules
from localstack.site import MACHINES, ROOT, Ports, Site, machine_arn
from localstack.story import Story
from tasks.domain.ids import run_key

LAST = ROOT / ".local" / "last-demo"
EXPIRY_MONDAY = date(2026, 11, 23)
"""BANKNIFTY's monthly expiry falls on Tuesday 24 November 2026, a holiday, and so moves to the Monday."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that `finally` runs
    try:
        return _show(options)
    except CANNOT_START as error:
        print(error)
        return 1


def _show(options: argparse.Namespace) -> int:
    plan = Plan(weekdays=options.weekdays.upper().split(","))
    began = time.monotonic()
    with running_platform(Market(options.instruments), _at(options.date, "09:20")) as platform:
        seed(platform.aws, platform.site.simulator_url, plan)
        write_schedules(platform.aws, plan)
        _introduce(plan, options.date, options.instruments, time.monotonic() - began)
        ends = play(platform, options.date)
        code = _conclude(platform, plan, options.date, ends)
    _heading("Where to look further")
    print(f"  every event of every execution   {_short(LAST)}/history/*.json")
    print(f"  what each process logged         {_short(LAST)}/*.log")
    print("  the machines as a graph          README.md; as JSON: workflows/definitions/")
    print("  the platform to play with        make up AT=2026-11-23T09:20, then make strategy")
    print(f"\n{time.monotonic() - began:.0f} s in all")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localstack.demo", description=__doc__)
    parser.add_argument("--date", type=date.fromisoformat, default=EXPIRY_MONDAY, help="market date to play")
    parser.add_argument("--instruments", type=Path, help="a Kite instruments CSV to trade from")
    parser.add_argument("--weekdays", default="MON,WED,FRI", help="days on which the strategy trades")
    return parser


@contextmanager
def running_platform(market: Market, now: datetime) -> Iterator[Platform]:
    """A platform on free ports; when it is over, it is stopped and its logs are in `.local/last-demo`."""
    with tempfile.TemporaryDirectory(prefix="algo-") as folder:
        platform = Platform(Site(Path(folder), Ports.free()))
        try:
            platform.start(now, market)
            yield platform
        finally:
            platform.stop()
            shutil.rmtree(LAST, ignore_errors=True)
            shutil.copytree(folder, LAST, dirs_exist_ok=True)  # two demos may end at once


def play(platform: Platform, day: date) -> list[End]:
    """Let the day pass, and tell it; how each execution ended."""
    platform.clock.set(_at(day, "09:27:30"))
    story, ends = Story(), list[End]()
    watcher = Watcher(platform.aws.step_functions, [machine_arn(name) for name in MACHINES])

    def tell() -> None:
        for item in watcher.news():
            print(story.tell(item), flush=True)
            if isinstance(item, End):
                ends.append(item)

    platform.conductor.between = tell
    while platform.conductor.step(until=_at(day, "16:00")):
        pass
    tell()
    _save_histories(platform, watcher)
    return ends


def _save_histories(platform: Platform, watcher: Watcher) -> None:
    folder = platform.site.state / "history"
    folder.mkdir(exist_ok=True)
    for arn, events in watcher.histories().items():
        name = arn.rsplit(":", 1)[-1]
        (folder / f"{name}.json").write_text(json.dumps(events, indent=1, default=str))


def _introduce(plan: Plan, day: date, instruments: Path | None, seconds: float) -> None:
    legs = ", ".join(f"{leg['side']} {leg['lots']} lot {leg['strike']} {leg['right']}" for leg in plan.legs)
    source = instruments.name if instruments else "made by the exchange's rules"
    print(f"Market date {day:%A %d %B %Y}. Platform started in {seconds:.1f} s, on free ports of its own.\n")
    print(f"{plan.name} of {USER}: {plan.underlying}, {legs}")
    print(
        f"  enters {plan.entry:%H:%M}, exits {plan.exit:%H:%M}, on {', '.join(plan.weekdays)}, "
        f"with {plan.dte} days to expiry"
    )
    print(f"  scheduled two minutes early in Asia/Kolkata; instruments: {source}\n")


def _conclude(platform: Platform, plan: Plan, day: date, ends: list[End]) -> int:
    failed = [end for end in ends if end.status != "SUCCEEDED"]
    key = run_key(plan.strategy_id, day)
    broker = Exchange(platform.site.simulator_url).ledger()
    result = report.read_day(stores(platform.aws), broker, key, plan.accounts, day)
    if not result.orders:
        return _no_trade(ends, failed)
    for heading, lines in (
        ("Orders", report.orders(result)),
        ("Fills", report.fills(broker)),
        ("Positions", report.positions(result)),
        ("The broker's ledger beside ours", report.ledgers(result)),
    ):
        _heading(heading)
        print("\n".join(f"  {line}" for line in lines))
    return 0 if not failed and result.flat and result.comparison.agree else 1


def _no_trade(ends: list[End], failed: list[End]) -> int:
    """Nothing was ordered: fine if the entry said why."""
    reasons = [end.output["result"]["reason"] for end in ends if "result" in end.output]
    if not ends:
        reasons = ["the strategy does not trade on this weekday, so no schedule was due"]
    _heading("No trade")
    print(f"  {'; '.join(reasons) or 'and no execution says why'}")
    return 0 if reasons and not failed else 1


def _heading(text: str) -> None:
    print(f"\n{text}")


def _at(day: date, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=IST)


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
