"""The five black-box faults, through the whole HTTP stack: `python -m localstack.blackbox` (`make blackbox`).

A person sends a command to the HTTP API, as a client of any platform would; it goes through the Step Functions
endpoint, the Lambdas and the official `kiteconnect` to the exchange simulator, which goes wrong. Then two
questions: what did the platform say (its API), and what did the broker have (the exchange's own ledger)? Beside
it, what OpenAlgo did with the same fault: that column was measured on another day and is only quoted.

Exit code 0 if for every fault the broker has what was asked for or nothing, and the platform says so.
"""

from __future__ import annotations

import argparse
import signal
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests

from localstack.cases import BEGIN
from localstack.demo import running_platform
from localstack.exchange import BrokerEntry, BrokerLedger, Exchange
from localstack.ledger import compare
from localstack.people import Person
from localstack.platform import CANNOT_START, Market, Platform
from localstack.seed import ACCOUNT, stores

PEER = "OpenAlgo 2.0.2.1, live path"
QUOTED = (
    "measured in November 2026 with the same faults at a Kite-shaped broker; quoted here, not measured again"
)

PASSWORD = "Black-Box-Passphrase-7!"  # noqa: S105  (of a person of this one run)

PATIENCE = timedelta(minutes=3)
"""Platform time in which an entry settles, whatever happened to it."""

Legs = Sequence[Mapping[str, Any]]
ONE: Legs = ({"side": "SELL", "right": "CE", "lots": 1, "strike": "ATM"},)
FOUR: Legs = tuple(
    {"side": "SELL", "right": right, "lots": 1, "strike": strike}
    for right, strikes in (("CE", ("ATM", "ATM+2")), ("PE", ("ATM", "ATM-2")))
    for strike in strikes
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One fault as it was seen from outside. Orders are the API's rows; `broker` what the exchange took."""

    answers: Sequence[tuple[int, str]]
    """HTTP status and run of each command."""
    orders: Sequence[Mapping[str, Any]]
    runs: Sequence[Mapping[str, Any]]
    broker: Sequence[BrokerEntry]
    held: Mapping[str, int]
    """The account's net position in each contract when all had settled, zero left out."""
    struck: Collection[str]
    """The simulator's switches that did strike."""
    ends_well: bool
    """After a square-off: nothing is held, and both ledgers agree order by order."""

    @property
    def entries(self) -> Sequence[BrokerEntry]:
        """What the broker has and did not reject, without what closes."""
        return [entry for entry in self.broker if entry.status != "REJECTED" and not entry.tag.startswith("X")]

    @property
    def said(self) -> str:
        """What the API said, in its own words."""
        commands = "; ".join(f"HTTP {status}, run {run.rpartition('-')[2]}" for status, run in self.answers)
        rows = Counter((row["purpose"], row["status"]) for row in self.orders)
        orders = ", ".join(
            f"{count} {'entry' if purpose == 'N' else 'exit'} {status}"
            for (purpose, status), count in rows.items()
        )
        account = ", ".join(row["status"] for row in self.runs)
        return f"{commands}. Orders, {self.seconds:.0f} s later: {orders}. Account: {account}"

    @property
    def seconds(self) -> float:
        """From the first order's intent to the last change of any, of the platform's time."""
        claimed = [datetime.fromisoformat(row["claimed_at"]) for row in self.orders]
        changed = [datetime.fromisoformat(row["updated_at"]) for row in self.orders]
        return (max(changed) - min(claimed)).total_seconds() if self.orders else 0.0

    @property
    def had(self) -> str:
        """What the exchange's ledger holds of it."""
        found = Counter(
            ("exit" if entry.tag.startswith("X") else "entry", entry.status) for entry in self.broker
        )
        orders = ", ".join(f"{count} {kind} {status}" for (kind, status), count in found.items()) or "nothing"
        held = ", ".join(f"{quantity} {symbol}" for symbol, quantity in self.held.items()) or "nothing"
        return f"{orders}; held then: {held}"

    def all_said(self, status: str, *, entries: int) -> bool:
        """The broker has so many entries, and the API calls each of ours `status`, under the broker's id."""
        ours = {row["broker_order_id"] for row in self.orders if row["status"] == status}
        return len(self.entries) == entries and ours >= {entry.broker_order_id for entry in self.entries}


@dataclass(frozen=True, slots=True)
class Fault:
    """One black-box fault.

    Parameters
    ----------
    says
        What goes wrong.
    peer_said, peer_had
        What the peer's API answered, and what its broker had. Quoted.
    legs
        What is ordered.
    holds
        What must be so.
    switch, details
        The simulator's switch; "" for none.
    commands
        How often the client sends its command, under one idempotency key.
    """

    name: str
    says: str
    peer_said: str
    peer_had: str
    legs: Legs
    holds: Callable[[Seen], bool]
    switch: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    commands: int = 1

    def good(self, seen: Seen) -> bool:
        """It went wrong as it should, and ended as it should."""
        return seen.struck == {self.switch} - {""} and self.holds(seen) and seen.ends_well


def _one_order(seen: Seen) -> bool:
    return seen.all_said("FILLED", entries=1) and len(seen.held) == 1


def _one_run(seen: Seen) -> bool:
    return _one_order(seen) and len({run for _, run in seen.answers}) == 1


def _undone(seen: Seen) -> bool:
    rejected = [row for row in seen.orders if row["status"] == "REJECTED"]
    return len(rejected) == 2 and not seen.held and {row["status"] for row in seen.runs} == {"FLAT"}


FAULTS = (
    Fault(
        "same-order-twice",
        "The client sends the same order twice",
        "two successes",
        "2 orders",
        ONE,
        _one_run,
        commands=2,
    ),
    Fault(
        "accepted-then-502",
        "The broker takes the order, its gateway answers 502",
        "HTTP 500, failed to place order",
        "1 order",
        ONE,
        _one_order,
        "bad_gateway_accepted",
    ),
    Fault(
        "accepted-then-silence",
        "The broker takes the order and never answers",
        "the same error, after 120 s",
        "1 order",
        ONE,
        _one_order,
        "hang_accepted",
    ),
    Fault(
        "two-of-four-rejected",
        "Of four legs both puts are rejected",
        "HTTP 200, success",
        "2 calls open, not unwound",
        FOUR,
        _undone,
        "reject",
        {"symbol": "*PE", "count": 0, "reason": "Insufficient funds"},
    ),
    Fault(
        "rate-limit",
        "The broker answers 429",
        "429 passed on, not tried again",
        "0 orders",
        ONE,
        _one_order,
        "too_many_requests",
    ),
)


@dataclass(slots=True)
class Client:
    """Somebody who trades over HTTP and nothing else."""

    platform: Platform
    person: Person
    strategies: Mapping[str, str]
    _statuses: list[int] = field(default_factory=list)

    @classmethod
    def arrives(cls, platform: Platform, faults: Iterable[Fault]) -> Client:
        """Sign up, link the account, log in at the broker, make a strategy for each fault."""
        person = Person.arrives(platform, "black-box@example.com", PASSWORD, admin=True)
        person.links(ACCOUNT)
        person.logs_in(ACCOUNT)
        strategies = [_strategy(fault) for fault in faults]
        made = person.api.send("POST", "/baskets", {"name": "Black box", "strategies": strategies})
        person.api.send("POST", f"/baskets/{made['basket_id']}/enable")
        platform.conductor.settle()  # the lists follow by events
        listed = person.api.get("/strategies", basket_id=made["basket_id"])
        client = cls(platform, person, {row["name"]: row["strategy_id"] for row in listed})
        person.api.session.hooks["response"].append(client._note)
        return client

    def commands(self, fault: Fault) -> list[tuple[int, str]]:
        """Send the command as often as the fault says, as a client does that lost the answer."""
        key = f"blackbox-{fault.name}"
        self.person.api.new_key = lambda: key
        return [self._run(self.strategies[fault.name]) for _ in range(fault.commands)]

    def square_off(self, fault: Fault) -> None:
        self.person.api.send("POST", f"/strategies/{self.strategies[fault.name]}/square-off")
        self.play()

    def rows(self, what: str, fault: Fault) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.person.api.get(
            f"/{what}", strategy_id=self.strategies[fault.name], date=self.today.isoformat()
        )
        return found

    @property
    def today(self) -> Any:
        return self.platform.clock.now().date()

    def play(self) -> None:
        """Let time pass until what was set off is done."""
        until: datetime = self.platform.clock.now() + PATIENCE
        while self.platform.conductor.step(until=until):
            pass

    def _run(self, strategy_id: str) -> tuple[int, str]:
        answer = self.person.api.send("POST", f"/strategies/{strategy_id}/run")
        return self._statuses[-1], answer["run_key"]

    def _note(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        self._statuses.append(answer.status_code)


def _strategy(fault: Fault) -> dict[str, Any]:
    """It trades when it is told to, and by no schedule: the day is no Saturday."""
    return {
        "name": fault.name,
        "underlying": "BANKNIFTY",
        "entry_time": "10:00",
        "exit_time": "15:15",
        "weekdays": ["SAT"],
        "dte": None,
        "legs": [dict(leg) for leg in fault.legs],
        "accounts": [ACCOUNT],
        "on_leg_reject": "unwind",
    }


def play(platform: Platform, faults: Sequence[Fault] = FAULTS) -> Iterator[tuple[Fault, Seen]]:
    """One fault after the other; between them the account is flat."""
    client, exchange = Client.arrives(platform, faults), Exchange(platform.site.simulator_url)
    for fault in faults:
        before, earlier = len(exchange.ledger().orders), len(exchange.struck())
        if fault.switch:
            exchange.fault(fault.switch, **fault.details)
        answers = client.commands(fault)
        client.play()
        struck = set(exchange.struck()[earlier:])
        exchange.clear_faults()
        then = exchange.ledger()
        orders, runs = client.rows("orders", fault), client.rows("runs", fault)
        client.square_off(fault)
        yield (
            fault,
            Seen(
                answers,
                orders,
                [row for row in runs if row["account"]],
                then.orders[before:],
                {symbol: net for symbol, net in then.positions.get(ACCOUNT, {}).items() if net},
                struck,
                _ends_well(client, exchange.ledger()),
            ),
        )


def _ends_well(client: Client, broker: BrokerLedger) -> bool:
    tables, person = stores(client.platform.aws), client.person.user_id
    keys = {row["run_key"] for row in client.person.api.get("/orders", date=client.today.isoformat())}
    orders = [row for key in keys for row in tables.orders.by_run_account(key, ACCOUNT)]
    comparison = compare([ACCOUNT], orders, tables.positions.by_user_date(person, client.today), broker)
    return comparison.agree and not any(net.ours or net.theirs for net in comparison.nets)


WIDTHS = (24, 26, 42, 46)


def table(seen: Iterable[tuple[Fault, Seen]]) -> Iterator[str]:
    """One row for each fault, as it comes."""
    yield from _row(("fault", f"{PEER} *", "this platform said", "its broker had"))
    yield "─" * (sum(WIDTHS) + 2 * len(WIDTHS))
    for fault, one in seen:
        peer = f"said: {fault.peer_said}. The broker had: {fault.peer_had}"
        end = "flat and agreed after the square-off" if one.ends_well else "NOT flat, or the ledgers differ"
        yield from _row((fault.says, peer, one.said, f"{one.had}; {end}"), "✓" if fault.good(one) else "✗")
    yield f"* {QUOTED}."


def _row(cells: Sequence[str], mark: str = "") -> Iterator[str]:
    columns = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, WIDTHS, strict=True)]
    for number in range(max(map(len, columns))):
        parts = [column[number] if number < len(column) else "" for column in columns]
        line = "  ".join(f"{part:<{width}}" for part, width in zip(parts, WIDTHS, strict=True))
        yield f"{line}{mark if number == 0 else ''}".rstrip()
    yield ""


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(prog="python -m localstack.blackbox", description=__doc__).parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the platform is stopped
    found: list[tuple[Fault, Seen]] = []

    def noted(platform: Platform) -> Iterator[tuple[Fault, Seen]]:
        for one in play(platform):
            found.append(one)
            yield one

    try:
        with running_platform(Market(), BEGIN) as platform:
            for line in table(noted(platform)):
                print(line, flush=True)
    except CANNOT_START as error:
        print(error)
        return 1
    good = sum(fault.good(seen) for fault, seen in found)
    print(f"\n{good} of {len(FAULTS)} hold")
    return 0 if good == len(FAULTS) else 1


if __name__ == "__main__":
    sys.exit(main())
