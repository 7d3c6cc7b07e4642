"""A trading day in one process: the machines, the tasks, moto's DynamoDB and an exchange that fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import boto3
import pytest
from moto import mock_aws

from brokers.clock import IST, FixedClock
from brokers.errors import TokenExpired
from brokers.model import (
    Accepted,
    BrokerOrder,
    ChangeOutcome,
    Exchange,
    Instrument,
    InstrumentId,
    OrderRequest,
    OrderStatus,
    Placed,
    PlaceOutcome,
    Right,
    Side,
)
from tasks.runtime import Runtime
from tasks.stores import Stores
from tasks.stores.dynamodb import dynamodb_stores
from tests.machines.simulation import Running, Simulation
from tests.stores.tables import create_tables
from tests.tasks.world import ACCOUNT, FakeBroker, OneBroker, RecordedAlarms, strategy

EARLY = datetime(2026, 11, 23, 9, 28, tzinfo=IST)
EXPIRY = date(2026, 11, 23)
EVENT = {
    "user_id": "user-1",
    "basket_id": "weekly",
    "strategy_id": "straddle",
    "transaction_type": "ENTRY",
    "entry_time": "09:30",
    "exit_time": "15:15",
    "weekdays": ["MON", "WED", "FRI"],
    "dte": 0,
    "scheduled_time": "2026-11-23T03:58:00Z",
}


@dataclass
class FillingBroker(FakeBroker):
    """Fills what it takes after `fill_after` seconds, unless told otherwise."""

    simulation: Simulation | None = None
    fill_after: float | None = 1.0
    rejects: str = ""
    fills_once_modified: bool = False

    def place(self, order: OrderRequest) -> PlaceOutcome:
        outcome = super().place(order)
        number = f"B{len(self.sends)}"
        if not self.accepts:
            return outcome
        if self.rejects and order.symbol.endswith(self.rejects) and order.tag.startswith("N"):
            self.change(number, status=OrderStatus.REJECTED, reason="Insufficient funds")
        elif self.fill_after is not None and not self.fills_once_modified:
            self._later(number)
        return outcome if not isinstance(outcome, Placed) else Placed(number)

    def modify(self, broker_order_id: str, *, price: Decimal) -> ChangeOutcome:
        super().modify(broker_order_id, price=price)
        if self.fills_once_modified:
            self._later(broker_order_id)
        return Accepted()

    def _later(self, number: str) -> None:
        assert self.simulation is not None
        self.simulation.at(self.simulation.now + (self.fill_after or 0), partial(self._fill, number))

    def _fill(self, number: str) -> None:
        order = self.order(number)
        if not order.status.terminal:
            self.fill(number, price="250.00" if order.side is Side.SELL else "200.00")

    def net(self, symbol: str) -> int:
        """Units held, by the exchange's own ledger."""
        return sum(_signed(order) for order in self.book if order.symbol == symbol)


def _signed(order: BrokerOrder) -> int:
    return order.filled_quantity if order.side is Side.BUY else -order.filled_quantity


@dataclass
class Day:
    """One trading day."""

    clock: FixedClock
    simulation: Simulation
    broker: FillingBroker
    stores: Stores
    alarms: RecordedAlarms
    count: int = field(default=0)

    def deliver(self, **changes: Any) -> Running:
        """The schedule's event arrives."""
        self.count += 1
        return self.simulation.start("StrategyLifecycle", f"delivery-{self.count}", EVENT | changes)

    def entry(self) -> Running:
        run = self.deliver()
        self.simulation.run(until=EARLY.replace(hour=9, minute=45))
        return run

    def exit(self, **changes: Any) -> Running:
        at = EARLY.replace(hour=15, minute=13)
        self.simulation.run(until=at)
        run = self.deliver(transaction_type="EXIT", scheduled_time="2026-11-23T09:43:00Z", **changes)
        self.simulation.run(until=at + timedelta(minutes=20))
        return run

    def sweep(self) -> Running:
        """What the timetable does each minute of market hours."""
        self.count += 1
        run = self.simulation.start("ExitSweep", f"sweep-{self.count}", {})
        self.simulation.run(until=self.clock.now())
        return run

    def child(self, side: str = "ENTRY") -> Running:
        return self.simulation.executions[f"straddle-20261123-S-{ACCOUNT}-{side}"]

    def at(self, moment: datetime, what: Callable[[], None]) -> None:
        self.simulation.at(moment.timestamp(), what)

    def expire_token(self) -> None:
        self.broker.broken = TokenExpired("log in", account=ACCOUNT)

    def log_in(self) -> None:
        self.broker.broken = None

    @property
    def symbols(self) -> set[str]:
        return {order.symbol for order in self.broker.book}


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="ap-south-1")
        yield new_day(dynamodb)


def new_day(dynamodb: Any) -> Day:
    """A morning at 09:28 with everything in place. `dynamodb` is an empty one."""
    stores = dynamodb_stores(dynamodb, create_tables(dynamodb))
    clock = FixedClock(EARLY)
    simulation = Simulation(clock, dynamodb)
    broker = FillingBroker(clock, simulation=simulation)
    alarms = RecordedAlarms()
    simulation.runtime = Runtime(
        stores=stores, brokers=OneBroker(broker), callbacks=simulation, alarms=alarms, clock=clock
    )
    strikes = range(58000, 58900, 100)
    broker.listed = [_contract(s, r) for s in strikes for r in (Right.CE, Right.PE)]
    broker.prices = {f"NFO:{i.symbol}": Decimal(250) for i in broker.listed}
    broker.prices["NSE:NIFTY BANK"] = Decimal("58412.35")
    stores.catalog.put(
        "user-1",
        f"ACCOUNT#{ACCOUNT}",
        {"account": ACCOUNT, "broker": "zerodha", "lot_multiplier": 1, "egress": None},
    )
    stores.catalog.put("user-1", "STRATEGY#straddle", strategy())
    return Day(clock, simulation, broker, stores, alarms)


def _contract(strike: int, right: Right) -> Instrument:
    ident = InstrumentId(Exchange.NFO, f"{strike}{right}")
    symbol = f"BANKNIFTY26NOV{strike}{right}"
    return Instrument(ident, symbol, "BANKNIFTY", EXPIRY, Decimal(strike), right, 30, Decimal("0.05"))
