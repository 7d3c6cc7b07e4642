"""A small world for the order path: a broker account and the stores in memory, a clock that stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from brokers.clock import IST, FixedClock
from brokers.errors import BrokerError, TokenExpired
from brokers.model import (
    Accepted,
    Bar,
    BrokerOrder,
    ChangeOutcome,
    Exchange,
    Fill,
    Funds,
    Instrument,
    InstrumentId,
    NetPosition,
    OrderRequest,
    OrderStatus,
    Placed,
    PlaceOutcome,
    Product,
    Quote,
    Side,
)
from tasks.contracts import PlannedOrder, ResolvedLeg, TransactionType
from tasks.plan_account import Input as AccountTask
from tasks.runtime import Runtime
from tasks.stores.bundle import Stores
from tasks.stores.memory import memory_stores
from tasks.stores.ports import OrderRow

NINE_THIRTY = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
RUN_KEY = "straddle-20261123-S"
ACCOUNT = "ZA1234"


@dataclass
class RunningClock(FixedClock):
    """Time passes between two looks, as it does in a Lambda."""

    def now(self) -> datetime:
        self.advance(0.001)
        return super().now()


@dataclass
class FakeBroker:
    """One account at an exchange that does what the test says. `book` is the exchange's own truth."""

    clock: FixedClock
    account: str = ACCOUNT
    book: list[BrokerOrder] = field(default_factory=list)
    outcomes: list[PlaceOutcome] = field(default_factory=list)
    accepts: bool = True
    visible: bool = True
    broken: BrokerError | None = None
    history: dict[tuple[InstrumentId, int], list[Bar]] = field(default_factory=dict)
    sends: list[OrderRequest] = field(default_factory=list)
    prices: dict[str, Decimal] = field(default_factory=dict)
    listed: list[Instrument] = field(default_factory=list)
    loads: int = 0
    quote_calls: list[list[str]] = field(default_factory=list)
    cancels: list[str] = field(default_factory=list)
    modifications: list[tuple[str, Decimal]] = field(default_factory=list)

    def check_session(self) -> None:
        self._check()

    def instruments(
        self, exchange: Exchange, underlyings: Collection[str] | None = None
    ) -> Iterator[Instrument]:
        self._check()
        self.loads += 1
        return (row for row in self.listed if underlyings is None or row.underlying in underlyings)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        self._check()
        self.quote_calls.append(list(symbols))
        return {s: self._quote(s) for s in symbols if s in self.prices}

    def _quote(self, symbol: str) -> Quote:
        last = self.prices[symbol]
        return Quote(symbol, last, last - Decimal("0.5"), last + Decimal("0.5"), self.clock.now())

    def indices(self) -> Mapping[str, InstrumentId]:
        self._check()
        return {
            "NSE:NIFTY BANK": InstrumentId(Exchange.NSE, "1016"),
            "NSE:NIFTY 50": InstrumentId(Exchange.NSE, "1001"),
        }

    def bars(self, instrument: InstrumentId, *, minutes: int, start: datetime, end: datetime) -> Sequence[Bar]:
        self._check()
        known = self.history.get((instrument, minutes), [])
        return [bar for bar in known if start <= bar.start and bar.start + timedelta(minutes=minutes) <= end]

    def place(self, order: OrderRequest) -> PlaceOutcome:
        self.sends.append(order)
        number = f"B{len(self.sends)}"
        if self.accepts:
            self.book.append(self._open(number, order))
        return self.outcomes.pop(0) if self.outcomes else Placed(number)

    def _open(self, number: str, order: OrderRequest) -> BrokerOrder:
        return BrokerOrder(
            broker_order_id=number,
            tag=order.tag,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            filled_quantity=0,
            average_price=Decimal(0),
            price=order.price,
            status=OrderStatus.OPEN,
            reason="",
            at=self.clock.now(),
        )

    def modify(self, broker_order_id: str, *, price: Decimal) -> ChangeOutcome:
        self.modifications.append((broker_order_id, price))
        return Accepted()

    def cancel(self, broker_order_id: str) -> ChangeOutcome:
        self.cancels.append(broker_order_id)
        self.change(broker_order_id, status=OrderStatus.CANCELLED)
        return Accepted()

    def orders(self) -> Sequence[BrokerOrder]:
        self._check()
        return list(self.book) if self.visible else []

    def trades(self) -> Sequence[Fill]:
        return []

    def positions(self) -> Sequence[NetPosition]:
        self._check()
        net: dict[str, int] = {}
        for order in self.book:
            units = order.filled_quantity if order.side is Side.BUY else -order.filled_quantity
            net[order.symbol] = net.get(order.symbol, 0) + units
        return [NetPosition(symbol, Product.MIS, units, Decimal(0)) for symbol, units in net.items()]

    def funds(self) -> Funds:
        self._check()
        return Funds(Decimal(800_000), Decimal(200_000))

    def trade_outside(self, symbol: str, side: Side, quantity: int) -> None:
        """A person trades from a terminal: no tag of ours."""
        number = f"P{len(self.book) + 1}"
        order = OrderRequest("", Exchange.NFO, symbol, side, quantity, Decimal(250), Product.MIS)
        self.book.append(self._open(number, order))
        self.fill(number)

    def fill(self, broker_order_id: str, quantity: int | None = None, price: str = "250.00") -> BrokerOrder:
        order = self.order(broker_order_id)
        filled = order.quantity if quantity is None else quantity
        status = OrderStatus.FILLED if filled == order.quantity else OrderStatus.OPEN
        return self.change(broker_order_id, filled_quantity=filled, average_price=Decimal(price), status=status)

    def order(self, broker_order_id: str) -> BrokerOrder:
        return next(o for o in self.book if o.broker_order_id == broker_order_id)

    def change(self, broker_order_id: str, **fields: object) -> BrokerOrder:
        changed = replace(self.order(broker_order_id), **fields)  # type: ignore[arg-type]
        self.book = [changed if o.broker_order_id == broker_order_id else o for o in self.book]
        return changed

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken


@dataclass
class OneBroker:
    broker: FakeBroker

    def reader(self, account: str) -> FakeBroker:
        return self.broker

    def trader(self, user_id: str, account: str) -> FakeBroker:
        return self.broker


@dataclass
class RecordedCallbacks:
    completed: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def succeed(self, token: str, output: dict[str, object]) -> None:
        self.completed.append((token, output))


@dataclass
class RecordedAlarms:
    raised: list[str] = field(default_factory=list)

    def count(self, name: str, *, account: str) -> None:
        self.raised.append(name)


@dataclass
class World:
    clock: FixedClock
    broker: FakeBroker
    stores: Stores
    callbacks: RecordedCallbacks
    alarms: RecordedAlarms

    @classmethod
    def at(cls, moment: datetime = NINE_THIRTY) -> World:
        clock = FixedClock(moment)
        return cls(clock, FakeBroker(clock), memory_stores(), RecordedCallbacks(), RecordedAlarms())

    @property
    def rt(self) -> Runtime:
        return Runtime(
            stores=self.stores,
            brokers=OneBroker(self.broker),
            callbacks=self.callbacks,
            alarms=self.alarms,
            clock=self.clock,
        )

    def link_account(self, lot_multiplier: int = 1) -> None:
        document = {"account": ACCOUNT, "broker": "zerodha", "lot_multiplier": lot_multiplier, "egress": None}
        self.stores.catalog.put("user-1", f"ACCOUNT#{ACCOUNT}", document)

    def order(self, order_id: str) -> OrderRow:
        row = self.stores.orders.get(order_id)
        assert row is not None
        return row

    def expire_token(self) -> None:
        self.broker.broken = TokenExpired("log in", account=ACCOUNT)

    def log_in(self) -> None:
        self.broker.broken = None


def leg(number: int, right: str, side: str = "SELL", lots: int = 1) -> ResolvedLeg:
    return ResolvedLeg(
        leg=number,
        exchange="NFO",
        symbol=f"BANKNIFTY26NOV58400{right}",
        exchange_token=f"4000{number}",
        strike="58400",
        right=right,
        expiry="2026-11-23",
        side=side,
        lots=lots,
        lot_size=30,
        tick="0.05",
        freeze=600,
        limit_price="245.00" if side == "SELL" else "255.00",
        quote="250.00",
        reason="ATM",
    )


def account_task(
    *legs: ResolvedLeg,
    on_leg_reject: str = "unwind",
    grace: timedelta = timedelta(minutes=5),
    chase: str = "",
) -> AccountTask:
    return AccountTask(
        side=TransactionType.ENTRY,
        run_key=RUN_KEY,
        account=ACCOUNT,
        broker="zerodha",
        user_id="user-1",
        basket_id="weekly",
        strategy_id="straddle",
        underlying="BANKNIFTY",
        trading_date="2026-11-23",
        entry_until=(NINE_THIRTY + grace).isoformat(),
        exit_at=NINE_THIRTY.replace(hour=15, minute=15).isoformat(),
        product="MIS",
        on_leg_reject=on_leg_reject,
        chase=chase,
        multiplier=1,
        legs=list(legs),
        exit_legs=[],
    )


def claim(world: World, order: PlannedOrder) -> bool:
    """What the state machine's ClaimOrder does."""
    row = OrderRow.model_validate(order.model_dump() | {"claimed_at": world.clock.now()})
    return world.stores.orders.claim(row)


def strategy(**changes: object) -> dict[str, object]:
    """The straddle's document in the catalog."""
    sell = {"side": "SELL", "lots": 1, "strike": "ATM"}
    return {
        "strategy_id": "straddle",
        "underlying": "BANKNIFTY",
        "entry_time": "09:30",
        "exit_time": "15:15",
        "weekdays": ["MON", "WED", "FRI"],
        "dte": 0,
        "legs": [sell | {"right": "CE"}, sell | {"right": "PE"}],
        "accounts": [ACCOUNT],
    } | changes
