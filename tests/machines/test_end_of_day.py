"""After the close: books beside the brokers', and each user's report; what fails stops nobody else's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from io import BytesIO

import pyarrow.parquet as pq
import pytest

from brokers.clock import IST
from brokers.errors import BrokerUnavailable
from brokers.model import Fill, NetPosition, Product, Side
from tasks.domain import items
from tasks.make_report import report_key
from tasks.objects import MemoryObjects
from tests.machines.conftest import EXPIRY, Day
from tests.machines.simulation import Running
from tests.tasks.world import ACCOUNT
from workflows.asl.interpreter import Status

USER = "user-1"


@dataclass
class Outbox:
    sent: list[EmailMessage] = field(default_factory=list)

    def send(self, message: EmailMessage) -> str:
        self.sent.append(message)
        return f"message-{len(self.sent)}"


@dataclass
class Evening:
    """A straddle's day that is over, with the broker's own figures beside it."""

    day: Day
    reports: MemoryObjects
    lake: MemoryObjects
    outbox: Outbox

    def end(self) -> Running:
        self.day.clock.at = datetime(2026, 11, 23, 15, 35, tzinfo=IST)
        run = self.day.simulation.start("EndOfDay", "end-20261123", {})
        self.day.simulation.run(until=self.day.clock.now() + timedelta(hours=1))
        return run

    def closing(self) -> dict[str, object]:
        item = self.day.stores.catalog.get(USER, items.day(EXPIRY, ACCOUNT)) or {}
        return dict(item.get("day", {}))


@pytest.fixture
def evening(day: Day, monkeypatch: pytest.MonkeyPatch) -> Evening:
    reports, lake, outbox = MemoryObjects(), MemoryObjects(), Outbox()
    assert day.simulation.runtime is not None
    day.simulation.runtime = replace(day.simulation.runtime, reports=reports, lake=lake, mail=outbox)
    monkeypatch.setattr(type(day.broker), "positions", _positions)
    day.entry()
    day.exit()
    return Evening(day, reports, lake, outbox)


def _positions(broker: object) -> Sequence[NetPosition]:
    """What the exchange's own book comes to, all of it closed."""
    broker._check()  # type: ignore[attr-defined]
    cash: dict[str, Decimal] = {}
    for order in broker.book:  # type: ignore[attr-defined]
        value = order.filled_quantity * order.average_price
        cash[order.symbol] = cash.get(order.symbol, Decimal(0)) + (value if order.side is Side.SELL else -value)
    last = Decimal("199.00")
    return [NetPosition(symbol, Product.MIS, 0, Decimal(0), 0, last, profit) for symbol, profit in cash.items()]


def project(evening: Evening) -> None:
    """What the tables' streams do: events and read-models of the orders, runs and catalog as they stand."""
    from tasks.domain.changes import Change, aggregate_of
    from tasks.project_events import project as fold
    from tasks.record_events import record

    stores, runtime = evening.day.stores, evening.day.simulation.runtime
    assert runtime is not None
    runtime = replace(runtime, bus=_Deaf())
    changes = [
        Change("orders", None, json.loads(row.model_dump_json(exclude_none=True)))
        for plan in stores.runs.accounts_of_day(EXPIRY)
        for row in stores.orders.by_run_account(plan.run_key, plan.account)
    ]
    changes += [
        Change("runs", None, {**json.loads(plan.model_dump_json()), "item": f"ACCT#{plan.account}"})
        for plan in stores.runs.accounts_of_day(EXPIRY)
    ]
    for change in changes:
        record(change, f"{1:021d}", runtime)
        fold(aggregate_of(change), runtime)


class _Deaf:
    def put(self, events: object) -> None:
        """Nobody listens."""


def test_the_day_is_closed_and_reported(evening: Evening) -> None:
    """Sold both at 250 and bought back at 200: 2 × 30 × 50 = 3,000 before charges."""
    project(evening)
    run = evening.end()
    assert (run.status, run.states[-1]) == (Status.SUCCEEDED, "Done")
    closed = evening.closing()
    assert (closed["gross"], closed["broker"], closed["difference"]) == ("3000.00", "3000.00", "0.00")
    assert Decimal(str(closed["net"])) == 3000 - Decimal(str(closed["charges"]))
    html = evening.reports.content[report_key(USER, EXPIRY)].decode()
    assert "₹3,000.00" in html
    ((key, twin),) = evening.lake.content.items()
    assert key.startswith("lake/leg_pnl/trading_date=2026-11-23/")
    rows = pq.read_table(BytesIO(twin)).to_pylist()
    assert sum(row["net"] for row in rows) == Decimal(str(closed["net"]))
    assert {row["user_id"] for row in rows} == {USER}
    assert evening.outbox.sent == []


def test_it_waits_for_the_books_and_leaves_a_holiday_alone(evening: Evening) -> None:
    evening.day.clock.at = datetime(2026, 11, 23, 15, 35, tzinfo=IST)
    run = evening.day.simulation.start("EndOfDay", "waits", {})
    evening.day.simulation.run(until=datetime(2026, 11, 23, 15, 39, tzinfo=IST))
    assert run.status is Status.RUNNING
    assert evening.closing() == {}
    evening.day.clock.at = datetime(2026, 11, 24, 15, 35, tzinfo=IST)
    holiday = evening.day.simulation.start("EndOfDay", "holiday", {})
    evening.day.simulation.run(until=evening.day.clock.now() + timedelta(minutes=1))
    assert holiday.states[-1] == "MarketShut"


def test_a_profit_that_nobody_can_explain_is_told(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_little(broker: object) -> Sequence[NetPosition]:
        first, *rest = _positions(broker)
        return [replace(first, profit=first.profit - 500), *rest]

    monkeypatch.setattr(type(evening.day.broker), "positions", too_little)
    run = evening.end()
    assert run.status is Status.SUCCEEDED
    assert evening.closing()["difference"] == "-500.00"
    assert "PnLDiffers" in evening.day.alarms.raised


def test_what_a_person_traded_beside_it_is_explained(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bought 30 by hand at 210 and sold at 214: the broker has 120 more, and says by which trades."""
    symbol = min(evening.day.symbols)
    now = evening.day.clock.now()
    fills = [
        Fill("t1", "by-hand-1", symbol, Side.BUY, 30, Decimal(210), now),
        Fill("t2", "by-hand-2", symbol, Side.SELL, 30, Decimal(214), now),
    ]

    def more(broker: object) -> Sequence[NetPosition]:
        return [
            replace(one, profit=one.profit + 120) if one.symbol == symbol else one for one in _positions(broker)
        ]

    monkeypatch.setattr(type(evening.day.broker), "positions", more)
    monkeypatch.setattr(type(evening.day.broker), "trades", lambda _: fills)
    evening.end()
    closed = evening.closing()
    assert (closed["outside"], closed["broker"], closed["difference"]) == ("120.00", "3120.00", "0.00")
    assert "PnLDiffers" not in evening.day.alarms.raised


def test_a_broker_that_is_away_stops_no_report_and_is_called_out(evening: Evening) -> None:
    project(evening)
    evening.day.broker.broken = BrokerUnavailable("away", account=ACCOUNT)
    run = evening.end()
    assert (run.status, run.execution.error) == (Status.FAILED, "AccountsNotClosed")
    html = evening.reports.content[report_key(USER, EXPIRY)].decode()
    assert "own figure is not in yet" in html


def test_who_wants_it_by_mail_gets_it_with_the_file(evening: Evening) -> None:
    project(evening)
    evening.day.stores.catalog.put(USER, items.PROFILE, {"report": "mail", "email": "asha@example.com"})
    evening.end()
    (mail,) = evening.outbox.sent
    assert mail["To"] == "asha@example.com"
    assert "after charges" in str(mail["Subject"])
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "report-2026-11-23.html"
    assert attached.get_content().strip() == evening.reports.content[report_key(USER, EXPIRY)].decode()


def test_closing_twice_says_it_once(evening: Evening) -> None:
    evening.end()
    first = evening.closing()
    evening.day.clock.advance(60)
    run = evening.day.simulation.start("EndOfDay", "again", {})
    evening.day.simulation.run(until=evening.day.clock.now() + timedelta(minutes=30))
    assert run.status is Status.SUCCEEDED
    assert evening.closing() == first


def test_marks_are_taken_while_something_is_open(day: Day) -> None:
    day.entry()
    run = day.simulation.start("MarkAccounts", "mark-1", {})
    day.simulation.run(until=day.clock.now() + timedelta(seconds=5))
    assert run.output["marked"][0]["status"] == "MARKED"
    mark = day.stores.catalog.get(USER, items.mark(EXPIRY, ACCOUNT)) or {}
    assert mark["blocked"] == "200000"
    assert set(mark["prices"]) == day.symbols
    day.exit()
    run = day.simulation.start("MarkAccounts", "mark-2", {})
    day.simulation.run(until=day.clock.now() + timedelta(seconds=5))
    assert run.output["marked"][0]["reason"] == "nothing is open"
