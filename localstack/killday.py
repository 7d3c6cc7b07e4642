"""A day of the local platform under `kill -9`: `python -m localstack.killday` (`make killday`).

The whole platform as `make up` starts it, supervisor included, at its real speed. A person's strategies enter
and exit by their schedules all the time, in three accounts; commands come over the HTTP API as well. Every 20
to 60 seconds one process is killed: the Step Functions endpoint, the emulator, the schedule loop, the page, the
API's Lambda or any other; or the line to the broker is cut. Nobody but the supervisor starts anything again.

Exit code 0 if at the end every account is flat at the broker, both ledgers agree order by order, no leg was
entered or closed for more than its plan, every strategy ran, nothing still runs, the API's lists say what the
tables say, and 95 % of the kills were over within 30 seconds.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

from localstack.cases import BEGIN
from localstack.demo import LAST
from localstack.exchange import BrokerLedger, Exchange
from localstack.ledger import compare, table
from localstack.people import Person
from localstack.platform import CANNOT_START, Market, Platform
from localstack.seed import CREDENTIALS, stores
from localstack.site import MACHINES, Ports, Site, machine_arn
from localstack.victims import Kill, Killer, whole
from tasks.cli.errors import ApiRefused, Unreachable
from tasks.domain.ids import Purpose, order_id
from tasks.stores.ports import AccountRun

ACCOUNTS = tuple(CREDENTIALS)
PASSWORD = "Kill-Day-Passphrase-7!"  # noqa: S105  (of a person of this one run)

GAP = (20.0, 60.0)
"""Seconds between two kills."""

P95 = 30.0
"""Seconds within which 95 of 100 kills are to be over."""

HOLDS = timedelta(minutes=3)
"""From an entry to its exit."""

AT_THE_END = 300.0
"""Seconds in which what still runs has to end."""

SERVER_ERRORS = 500

SHAPES: dict[str, list[dict[str, Any]]] = {
    "Straddle": [
        {"side": "SELL", "right": "CE", "lots": 1, "strike": "ATM"},
        {"side": "SELL", "right": "PE", "lots": 1, "strike": "ATM"},
    ],
    "Condor": [
        {"side": "SELL", "right": "CE", "lots": 1, "strike": "ATM+2"},
        {"side": "BUY", "right": "CE", "lots": 1, "strike": "ATM+5"},
        {"side": "SELL", "right": "PE", "lots": 1, "strike": "ATM-2"},
        {"side": "BUY", "right": "PE", "lots": 1, "strike": "ATM-5"},
    ],
    "Call": [{"side": "BUY", "right": "CE", "lots": 2, "strike": "ATM+1"}],
}
TAKING_PART = (ACCOUNTS[:1], ACCOUNTS[1:], ACCOUNTS)
BY_HAND = "By hand"


@dataclass(slots=True)
class Trader:
    """A person who trades over the HTTP API and, as a client should, asks again until there is an answer."""

    platform: Platform
    person: Person
    asked_again: int = 0

    @classmethod
    def arrives(cls, platform: Platform, strategies: Sequence[dict[str, Any]]) -> Trader:
        person = Person.arrives(platform, "kill-day@example.com", PASSWORD, admin=True)
        for account in ACCOUNTS:
            person.links(account)
            person.logs_in(account)
        made = person.api.send("POST", "/baskets", {"name": "Kill day", "strategies": list(strategies)})
        person.api.send("POST", f"/baskets/{made['basket_id']}/enable")
        return cls(platform, person)

    def ask(self, what: Callable[[], Any]) -> Any:
        """Until it is answered: no answer and a 5xx are asked again, with the same idempotency key."""
        while True:
            try:
                return what()
            except Unreachable:
                self.asked_again += 1
            except ApiRefused as refused:
                if refused.status < SERVER_ERRORS:
                    raise
                self.asked_again += 1
            time.sleep(0.5)

    def strategies(self) -> dict[str, str]:
        rows = self.ask(lambda: self.person.api.get("/strategies"))
        return {row["name"]: row["strategy_id"] for row in rows}

    def run(self, strategy_id: str, key: str, exit_time: str) -> str:
        """Run now; the run's key."""
        body = {"exit_time": exit_time}
        made: str = self.ask(lambda: self._send(key, f"/strategies/{strategy_id}/run", body))["run_key"]
        return made

    def square_off(self, strategy_id: str) -> None:
        self.ask(lambda: self._send("", f"/strategies/{strategy_id}/square-off", None))

    def rows(self, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(lambda: self.person.api.get(f"/{what}", limit=500))
        return found

    def _send(self, key: str, path: str, body: Any) -> Any:
        if key:
            self.person.api.new_key = lambda: key
        return self.person.api.send("POST", path, body)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the day came to."""

    claims: Sequence[tuple[str, bool]]
    ledgers: Sequence[str]

    @property
    def good(self) -> bool:
        return all(holds for _, holds in self.claims)


def strategy(
    name: str, number: int, entry: datetime, leave: datetime, *, weekday: str = "MON"
) -> dict[str, Any]:
    shapes = list(SHAPES.items())
    shape, legs = shapes[number % len(shapes)]
    return {
        "name": name or f"{shape} {entry:%H:%M}",
        "underlying": ("BANKNIFTY", "NIFTY")[number % 2],
        "entry_time": f"{entry:%H:%M}",
        "exit_time": f"{leave:%H:%M}",
        "weekdays": [weekday],
        "dte": None,
        "legs": legs,
        "accounts": list(TAKING_PART[number // len(shapes) % len(TAKING_PART)]),
    }


def planned(now: datetime, minutes: int) -> list[dict[str, Any]]:
    """A strategy every two minutes, from four minutes after `now`; the last is out by the end."""
    first = now.replace(second=0, microsecond=0) + timedelta(minutes=4)
    entries = [first + timedelta(minutes=2 * n) for n in range(max(1, (minutes - 6) // 2))]
    return [strategy("", number, entry, entry + HOLDS) for number, entry in enumerate(entries[:19])]


@dataclass(slots=True)
class Day:
    """One day. `commands` are the runs that were started by hand."""

    platform: Platform
    minutes: int
    killer: Killer
    trader: Trader
    commands: list[str] = field(default_factory=list)

    def play(self) -> None:
        """Kill until the last exit; meanwhile somebody runs and squares off a strategy by hand."""
        end = self.platform.clock.now() + timedelta(minutes=self.minutes)
        over = threading.Event()
        hand = threading.Thread(target=self._by_hand, args=(end, over), name="by hand")
        hand.start()
        while (now := self.platform.clock.now()) < end:
            gap = min(self.killer.chance.uniform(*GAP), (end - now).total_seconds())
            time.sleep(gap)
            if self.platform.clock.now() < end:
                self.killer.kill()
        over.set()
        hand.join()

    def _by_hand(self, end: datetime, over: threading.Event) -> None:
        mine = self.trader.strategies()[BY_HAND]
        while not over.wait(45.0) and self.platform.clock.now() < end - timedelta(minutes=2):
            key = f"kill-day-{len(self.commands)}"
            self.commands.append(self.trader.run(mine, key, f"{end:%H:%M}"))
            if over.wait(60.0):
                break
            self.trader.square_off(mine)


def settle(platform: Platform, *, seconds: float = AT_THE_END) -> list[str]:
    """Wait until no execution runs and no change waits; the names of what still runs after `seconds`."""
    deadline = time.monotonic() + seconds
    while (running := list(_running(platform))) and time.monotonic() < deadline:
        time.sleep(1.0)
    if not running:
        platform.conductor.settle()
    return running


def _running(platform: Platform) -> Iterator[str]:
    client = platform.aws.step_functions
    for machine in MACHINES:
        pages = client.get_paginator("list_executions").paginate(
            stateMachineArn=machine_arn(machine), statusFilter="RUNNING"
        )
        yield from (execution["name"] for page in pages for execution in page["executions"])


def judge(platform: Platform, trader: Trader, expected: Sequence[str], running: Sequence[str]) -> Judgement:
    """Hold everything against the exchange's own ledger. `expected` are the strategies that had to run."""
    today, tables = platform.clock.now().date(), stores(platform.aws)
    broker = Exchange(platform.site.simulator_url).ledger()
    plans = tables.runs.accounts_of_day(today)
    orders = [row for plan in plans for row in tables.orders.by_run_account(plan.run_key, plan.account)]
    positions = tables.positions.by_user_date(trader.person.user_id, today)
    both = compare(ACCOUNTS, orders, positions, broker)
    held = [units for account in broker.positions.values() for units in account.values()]
    ran = {plan.strategy_id for plan in plans}
    said = {row["order_id"]: row["status"] for row in trader.rows("orders")}
    ours = {row.order_id: row.status for row in orders}
    tags = Counter(entry.tag for entry in broker.orders)
    claims = [
        (f"every account is flat at the broker ({len(broker.orders)} orders)", not any(held)),
        (f"both ledgers agree, {len(both.pairs)} orders one by one", both.agree),
        ("no order is there twice", all(count == 1 for count in tags.values())),
        ("no leg was entered or closed for more than its plan", not list(_too_much(plans, broker))),
        (f"every strategy ran: {len(ran)} of {len(set(expected))}", set(expected) <= ran),
        (f"nothing still runs {', '.join(running)}".strip(), not running),
        ("the API's lists say what the tables say", said == ours),
    ]
    return Judgement(claims, table(both))


def _too_much(plans: Sequence[AccountRun], broker: BrokerLedger) -> Iterator[str]:
    """Positions of which the exchange traded more, in or out, than was planned."""
    by_tag = {entry.tag: entry for entry in broker.orders}
    filled: Counter[tuple[str, bool]] = Counter()
    positions = {(plan.account, leg.position_id): sum(leg.slices) for plan in plans for leg in plan.legs}
    for tag, entry in by_tag.items():
        filled[tag[1:17], tag.startswith(Purpose.ENTRY)] += entry.filled_quantity
    for (account, position), units in positions.items():
        digest = _digest(position)
        if max(filled[digest, True], filled[digest, False]) > units:
            yield f"{account} {position}: {filled[digest, True]} in, {filled[digest, False]} out of {units}"


def _digest(position_id: str) -> str:
    """The part of a tag that is its position's."""
    return order_id(Purpose.ENTRY, position_id, slice_no=1, attempt=1)[1:17]


def recovery(kills: Sequence[Kill]) -> tuple[str, bool]:
    """How long the platform took to be whole again."""
    seconds = sorted(kill.seconds for kill in kills if kill.seconds is not None)
    lost = len(kills) - len(seconds)
    if not seconds:
        return f"{len(kills)} kills, none survived", not kills
    median, p95 = statistics.median(seconds), seconds[ceil(0.95 * len(seconds)) - 1]
    figures = f"{median:.1f} s (median), {p95:.1f} s (p95), {seconds[-1]:.1f} s (longest)"
    never = f"; {lost} times never" if lost else ""
    return f"{len(kills)} kills, whole again after {figures}{never}", not lost and p95 <= P95


@contextmanager
def supervised(now: datetime) -> Iterator[Platform]:
    """A platform of its own as `make up` starts it: with the page and the supervisor."""
    with tempfile.TemporaryDirectory(prefix="algo-", ignore_cleanup_errors=True) as folder:
        platform = Platform(Site(Path(folder), Ports.free()))
        try:
            platform.start(now, Market())
            platform.start_console()
            platform.start_supervisor()
            yield platform
        finally:
            platform.stop()
            shutil.rmtree(LAST, ignore_errors=True)
            shutil.copytree(folder, LAST, dirs_exist_ok=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m localstack.killday", description=__doc__)
    parser.add_argument("--minutes", type=int, default=20, help="how long, of real time (20)")
    parser.add_argument("--seed", type=int, default=1, help="of the victims and the moments")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the platform is stopped
    try:
        with supervised(BEGIN) as platform:
            return play(platform, options.minutes, options.seed, tell=lambda line: print(line, flush=True))
    except CANNOT_START as error:
        print(error)
        return 1


def play(platform: Platform, minutes: int, seed: int, *, tell: Callable[[str], None]) -> int:
    now = platform.clock.now()
    strategies = planned(now, minutes)
    by_hand = strategy(BY_HAND, 0, now + timedelta(hours=1), now + timedelta(hours=2), weekday="SAT")
    trader = Trader.arrives(platform, [*strategies, by_hand])
    Exchange(platform.site.simulator_url).fault("slow_fill", symbol="*PE", count=0, seconds=3)
    tell(f"{len(strategies)} strategies, {len(ACCOUNTS)} accounts, {minutes} minutes of kills, seed {seed}")

    def line(kill: Kill) -> None:
        after = "NEVER whole again" if kill.seconds is None else f"whole again after {kill.seconds:4.1f} s"
        tell(f"{kill.at:%H:%M:%S}  kill -9  {kill.victim:<15} {kill.what:<28} {after}")

    platform.conductor.settle()
    expected = trader.strategies()
    day = Day(platform, minutes, Killer(platform, random.Random(seed), line), trader)
    day.play()
    running = settle(platform)
    names = [each for name, each in expected.items() if name != BY_HAND or day.commands]
    judgement = judge(platform, trader, names, running)
    recovered = recovery(day.killer.kills)
    for text, holds in (*judgement.claims, recovered):
        tell(f"  {'✓' if holds else '✗'} {text}")
    tell(f"  {len(day.commands)} runs by hand over the API, {trader.asked_again} calls asked again")
    good = judgement.good and recovered[1] and whole(platform)
    if not good:
        tell("\n".join(judgement.ledgers))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
