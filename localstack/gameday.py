"""A game day: `python -m localstack.gameday NAME` (`make gameday NAME=rejected-exit`).

A platform of its own on free ports plays a day on which something goes badly wrong, and says who is called. You
mend it, by the runbook page of the alarm; `--fix` does what the page says. Exit code 0 if the alarm came, the
broker holds nothing in the end, every account says that it is flat, and our orders are what the broker has.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from localstack import report
from localstack.cases import BEGIN
from localstack.demo import running_platform
from localstack.disasters import DISASTERS, Disaster
from localstack.pager import Page, pages
from localstack.platform import CANNOT_START, Market, Platform
from localstack.seed import ACCOUNT, stores
from localstack.stage import Stage
from tasks.alarms import runbook
from tasks.domain.ids import is_ours, run_key
from tasks.stores.ports import Phase

Claim = tuple[str, bool]


@dataclass(slots=True)
class Game:
    """One disaster in progress, and what its operator may do about it."""

    disaster: Disaster
    stage: Stage
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.stage.platform.clock.now()

    # --- what the operator has ---

    def do(self, command: str) -> None:
        """One of `COMMANDS`. What it could not do, it says."""
        COMMANDS[command](self)

    def log_in(self) -> None:
        """the account's owner logs in (`./algo account login`)"""
        self.stage.log_in_again(ACCOUNT)

    def terminal(self) -> None:
        """close everything at the broker's terminal"""
        self.stage.exchange.square_off(ACCOUNT)

    def square_off(self) -> None:
        """start the exit now, under its own name (`./algo square-off`)"""
        self.stage.start_exit(ACCOUNT)

    def redrive(self) -> None:
        """redrive the exit that ended badly (`aws stepfunctions redrive-execution`)"""
        self.stage.redrive(ACCOUNT, "EXIT")

    def clear(self) -> None:
        """the broker mends what was wrong with it"""
        self.stage.exchange.clear_faults()

    def wait(self) -> None:
        """let four minutes pass, in which the platform's own machines look at everything"""
        for _ in range(4):
            self.stage.wait(self.stage.platform.clock.now() + timedelta(minutes=1))

    def tell_pages(self) -> None:
        """who was called so far"""
        print("\n".join(f"  {page}" for page in self.pages()) or "  nobody", flush=True)

    def tell_state(self) -> None:
        """what is true now, of what has to be true in the end"""
        print("\n".join(f"  {'✓' if holds else '✗'} {text}" for text, holds in self.claims()), flush=True)

    # --- how it stands ---

    def pages(self) -> list[Page]:
        """Who was called since this disaster began."""
        site = self.stage.platform.site
        everything = pages(site.state / "ministack.log", self.stage.platform.aws.step_functions)
        return [page for page in everything if page.at >= self.began]

    def claims(self) -> list[Claim]:
        """What must hold in the end."""
        outcome = self.stage.outcome()
        day = self.stage.entry.date()
        plan = stores(self.stage.platform.aws).runs.account(run_key(self.stage.plan.strategy_id, day), ACCOUNT)
        return [
            (f"a person was called: {self.disaster.alarm or 'nobody needs to be'}", self._called()),
            ("the broker holds nothing", all(net.theirs == 0 for net in outcome.day.comparison.nets)),
            ("the account is flat by its own word", plan is not None and plan.phase is Phase.FLAT),
            ("every order of ours is what the broker has", not list(_differences(outcome.day))),
        ]

    def _called(self) -> bool:
        return not self.disaster.alarm or self.disaster.alarm in {page.alarm for page in self.pages()}


def _differences(day: report.Day) -> Iterable[str]:
    """Of our own orders: what was traded at the terminal has no row, and needs none."""
    for pair in day.comparison.pairs:
        if pair.ours is not None or (pair.theirs is not None and is_ours(pair.theirs.tag)):
            yield from pair.differences


COMMANDS: dict[str, Callable[[Game], None]] = {
    "login": Game.log_in,
    "terminal": Game.terminal,
    "square-off": Game.square_off,
    "redrive": Game.redrive,
    "clear": Game.clear,
    "wait": Game.wait,
    "pages": Game.tell_pages,
    "state": Game.tell_state,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m localstack.gameday", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the disaster; without one, the list")
    parser.add_argument("--fix", action="store_true", help="do what the runbook page says")
    options = parser.parse_args(arguments)
    known = {one.name: one for one in DISASTERS}
    if options.name is None:
        print("\n".join(f"{one.name:<22} {one.says}" for one in DISASTERS))
        return 0
    if options.name not in known:
        parser.error(f"no disaster {options.name}; there are {', '.join(known)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the platform is stopped
    try:
        with running_platform(Market(), BEGIN) as platform:
            if not options.fix:
                platform.start_console()
            return 0 if play(platform, known[options.name], fix=options.fix) else 1
    except CANNOT_START as error:
        print(error)
        return 1


def play(platform: Platform, disaster: Disaster, *, fix: bool) -> bool:
    """Strike, tell who was called, mend, and say whether it is over."""
    print(f"━━ {disaster.name}: {disaster.says}", flush=True)
    game = Game(disaster, Stage.new(platform, disaster.name))
    disaster.strike(game.stage)
    print("Called:")
    game.tell_pages()
    if disaster.alarm:
        print(f"The page to read: {runbook(disaster.alarm)}", flush=True)
    mend = _by_the_book if fix else _by_hand
    mend(game)
    print("In the end:")
    game.tell_state()
    return all(holds for _, holds in game.claims())


def _by_the_book(game: Game) -> None:
    for command in game.disaster.fix:
        print(f"> {command}: {COMMANDS[command].__doc__}", flush=True)
        game.do(command)


def _by_hand(game: Game) -> None:
    site = game.stage.platform.site
    print(f"\nThe clock runs. Executions: {site.console_url}   aws: --endpoint-url {site.aws_url}")
    print(f"Step Functions: {site.step_functions_url}   exchange: {site.simulator_url}/_sim/ledger")
    print("\n".join(f"  {name:<11} {does.__doc__}" for name, does in COMMANDS.items()))
    print("  done        see whether it is over", flush=True)
    for line in sys.stdin:
        command = line.strip()
        if command == "done":
            return
        if command in COMMANDS:
            game.do(command)
        elif command:
            print(f"no {command!r}: {', '.join([*COMMANDS, 'done'])}")
        print("> ", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
