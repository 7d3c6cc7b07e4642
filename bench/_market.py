"""A market for many: an exchange with a broker account for each user, in memory, on a clock that jumps.

Every call takes the time that it takes on AWS: see `LATENCY`. The stores are the in-memory ones; what the state
machines write to DynamoDB themselves is done by `Tables`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from brokers.clock import IST, FixedClock
from brokers.model import Exchange, Instrument, InstrumentId, OrderRequest, PlaceOutcome, Quote, Right
from tasks.domain import items
from tasks.domain.ids import Purpose
from tasks.domain.stored import stored
from tasks.runtime import Runtime
from tasks.stores import Stores
from tasks.stores.memory import memory_stores
from tasks.stores.ports import OrderRow, PositionRow
from tasks.stores.wire import from_item
from tests.machines.conftest import EVENT, FillingBroker
from tests.machines.simulation import Running, Simulation
from tests.tasks.world import RecordedAlarms
from workflows.asl.interpreter import Effect, ScheduleTask

EARLY = datetime(2026, 11, 23, 9, 28, tzinfo=IST)
SECOND = EARLY.replace(minute=30)
EXPIRY = date(2026, 11, 23)

LATENCY = {"lambda": 0.06, "PlaceOrder": 0.12, "FetchChain": 0.25, "dynamodb": 0.015, "states": 0.03}
"""Seconds that a call takes: a warm Lambda, one that asks the broker, an optimized integration."""

_UNDERLYINGS = {"BANKNIFTY": ("NSE:NIFTY BANK", 58400, 100, 30), "NIFTY": ("NSE:NIFTY 50", 26000, 50, 75)}


@dataclass
class Account(FillingBroker):
    """One account. `sent` has the moment of each order, `market` what all accounts share."""

    market: Market | None = None
    sent: list[datetime] = field(default_factory=list)

    def place(self, order: OrderRequest) -> PlaceOutcome:
        self.sent.append(self.clock.now())
        return super().place(order)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        assert self.market is not None
        self.market.quoted.append((self.clock.now(), self.account))
        return super().quotes(symbols)


class TimedSimulation(Simulation):
    """Work is done when its call returns, and that takes a while."""

    def _do(self, running: Running, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, ScheduleTask):
                self.at(self.now + _latency(effect), partial(self._call, running, effect))
            else:
                super()._do(running, [effect])


def _latency(task: ScheduleTask) -> float:
    arguments: Any = task.arguments
    name = str(arguments.get("FunctionName", task.resource)).rpartition(":")[2]
    for kind in ("dynamodb", "states:startExecution"):
        if kind in task.resource:
            return LATENCY[kind.partition(":")[0]]
    return LATENCY.get(name, LATENCY["lambda"])


@dataclass
class Market:
    """The exchange, its accounts, and everything between a schedule and an order."""

    clock: FixedClock = field(default_factory=lambda: FixedClock(EARLY))
    stores: Stores = field(default_factory=memory_stores)
    alarms: RecordedAlarms = field(default_factory=RecordedAlarms)
    accounts: dict[str, Account] = field(default_factory=dict)
    quoted: list[tuple[datetime, str]] = field(default_factory=list)
    """When a quote was asked for, and through which account."""
    simulation: TimedSimulation = field(init=False)

    def __post_init__(self) -> None:
        self.simulation = TimedSimulation(self.clock, Tables(self.stores))
        self.simulation.runtime = Runtime(
            stores=self.stores,
            brokers=self,
            callbacks=self.simulation,
            alarms=self.alarms,
            clock=self.clock,
        )
        self._listed = [
            _contract(name, step, right)
            for name in _UNDERLYINGS
            for step in range(-5, 6)
            for right in (Right.CE, Right.PE)
        ]
        self._prices = {f"NFO:{each.symbol}": Decimal(250) for each in self._listed}
        self._prices |= {spot: Decimal(near) + 12 for spot, near, _, _ in _UNDERLYINGS.values()}

    def reader(self, account: str) -> Account:
        return self.accounts[account]

    def trader(self, user_id: str, account: str) -> Account:
        assert self.stores.catalog.get(user_id, items.account(account)), "an order in somebody else's account"
        return self.accounts[account]

    def open_account(self, user_id: str, account: str) -> None:
        document = {"account": account, "broker": "zerodha", "lot_multiplier": 1, "status": "ACTIVE"}
        self.stores.catalog.put(user_id, items.account(account), document)
        self.accounts[account] = Account(
            self.clock,
            account,
            simulation=self.simulation,
            market=self,
            listed=self._listed,
            prices=self._prices,
        )

    def publish(self, document: Mapping[str, Any]) -> None:
        kept = stored(document, before=None, at=EARLY, publisher="owner", basket_version=1)
        self.stores.catalog.put(items.MARKETPLACE, items.strategy("straddle"), kept)

    def subscribe(self, user_id: str, account: str) -> None:
        row = {"user_id": user_id, "accounts": [account], "multiplier": 1, "paused": False}
        self.stores.catalog.put(items.MARKETPLACE, items.subscriber("weekly", user_id), row)

    def schedule_fires(self, user_id: str, strategy_id: str = "straddle") -> None:
        event = {**EVENT, "user_id": user_id, "strategy_id": strategy_id}
        self.simulation.start("StrategyLifecycle", f"{user_id}-{strategy_id}", event)

    def morning(self) -> None:
        self.simulation.run(until=SECOND.replace(minute=50))

    @property
    def sent(self) -> list[datetime]:
        """When each order left."""
        return sorted(moment for account in self.accounts.values() for moment in account.sent)

    @property
    def transitions(self) -> int:
        return sum(len(running.states) for running in self.simulation.executions.values())


class Tables:
    """What the machines write by themselves, on the in-memory stores."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._rows: dict[tuple[str, ...], Any] = {}

    def put_item(self, *, TableName: str, Item: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        if TableName == "algo-orders" and not self._stores.orders.claim(from_item(OrderRow, Item)):
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        self._rows[TableName, str(Item)] = Item
        return {}

    def update_item(self, *, TableName: str, Key: Any, **update: Any) -> dict[str, Any]:  # noqa: N803
        if TableName == "algo-positions":
            self._record(Key, update)
        return {}

    def _record(self, key: Any, update: Mapping[str, Any]) -> None:
        """`SET #a = :a, …`, as the definition has it: the names and the values say what."""
        named, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
        assignments = update["UpdateExpression"].removeprefix("SET ").split(",")
        pairs = (part.split("=") for part in assignments)
        item = {named.get(name.strip(), name.strip()): values[value.strip()] for name, value in pairs}
        row = from_item(PositionRow, {**key, **item})
        self._stores.positions.record(row, purpose=Purpose.ENTRY if row.entry_qty else Purpose.EXIT)


def _contract(name: str, step: int, right: Right) -> Instrument:
    _, near, width, lot = _UNDERLYINGS[name]
    strike = near + step * width
    ident = InstrumentId(Exchange.NFO, f"{name}{strike}{right}")
    symbol = f"{name}26NOV{strike}{right}"
    return Instrument(ident, symbol, name, EXPIRY, Decimal(strike), right, lot, Decimal("0.05"))
