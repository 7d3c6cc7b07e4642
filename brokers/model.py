"""Value types that travel between a broker and the platform.

Prices are `Decimal` in rupees, quantities are `int` in units (never lots), times are aware and in IST.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Exchange(StrEnum):
    NSE = "NSE"
    NFO = "NFO"
    BSE = "BSE"
    BFO = "BFO"


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class Right(StrEnum):
    """What a contract gives: a call, a put, or (a future) neither."""

    CE = "CE"
    PE = "PE"
    FUT = "FUT"


class Product(StrEnum):
    MIS = "MIS"
    NRML = "NRML"


@dataclass(frozen=True, slots=True, order=True)
class InstrumentId:
    """`(exchange, exchange_token)` is the one key of a contract that is common to all brokers."""

    exchange: Exchange
    token: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One contract as the broker's master lists it. `strike` is 0 for a future."""

    id: InstrumentId
    symbol: str
    underlying: str
    expiry: date
    strike: Decimal
    right: Right
    lot_size: int
    tick: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """The newest price of one symbol. `bid` and `ask` are None where the book is empty on that side."""

    symbol: str
    last: Decimal
    bid: Decimal | None
    ask: Decimal | None
    at: datetime

    @property
    def middle(self) -> Decimal:
        """Half-way between bid and ask; the last price where one of them is missing."""
        return (self.bid + self.ask) / 2 if self.bid and self.ask else self.last


@dataclass(frozen=True, slots=True)
class Tick:
    """One price of one instrument, as a stream told it.

    Parameters
    ----------
    symbol
        As brokers quote it: `NFO:BANKNIFTY26NOV58400CE`, `NSE:NIFTY BANK`.
    bid, ask
        None where the book is empty on that side; an index has no book.
    volume
        Units traded so far today, 0 for an index.
    at
        The exchange's time (whole seconds at Kite), or when it came, where the stream doesn't say.
    received_at
        When it came, on the platform's clock.
    """

    symbol: str
    last: Decimal
    bid: Decimal | None
    ask: Decimal | None
    volume: int
    at: datetime
    received_at: datetime

    def supersedes(self, other: Tick) -> bool:
        """It is newer than `other`. The exchange's clock decides; within its second, the order of coming."""
        return (self.at, self.received_at) > (other.at, other.received_at)


@dataclass(frozen=True, slots=True)
class Bar:
    """What was traded from `start` (aware, IST) for one minute, or another length. Kite calls it a candle.

    `volume` is in units, 0 for an index.
    """

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A limit order for the day. `tag` is ours, at most 20 characters, and finds the order again."""

    tag: str
    exchange: Exchange
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    product: Product


class NotSentCause(StrEnum):
    """Why an order surely did not reach the exchange."""

    CONNECT = "CONNECT"
    RATE_LIMIT = "RATE_LIMIT"
    TOKEN = "TOKEN"  # noqa: S105  (a reason, not a secret)
    EGRESS = "EGRESS"


@dataclass(frozen=True, slots=True)
class Placed:
    """The broker took the order and gave it an id. It is not filled yet, and may still be rejected."""

    broker_order_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Final: the broker refused, in its own words."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely not there: it may be sent again once the cause is gone."""

    cause: NotSentCause
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps there: only the order book can tell. Never treat this as a failure."""

    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker took a modification or a cancellation. The order book says later what came of it."""


PlaceOutcome = Placed | Rejected | NotSent | Unknown
ChangeOutcome = Accepted | Rejected | NotSent | Unknown


class OrderStatus(StrEnum):
    """The brokers' many status words, folded into one set (facts differ by broker, see each adapter)."""

    ACCEPTED = "ACCEPTED"
    OPEN = "OPEN"
    TRIGGER_PENDING = "TRIGGER_PENDING"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"

    @property
    def terminal(self) -> bool:
        """Nothing can follow. A CANCELLED order may still hold fills."""
        return self in (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED)


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """One order as the broker sees it: from the order book, a postback or a stream alike."""

    broker_order_id: str
    tag: str
    symbol: str
    side: Side
    quantity: int
    filled_quantity: int
    average_price: Decimal
    price: Decimal
    status: OrderStatus
    reason: str
    at: datetime
    product: str = ""
    """As the broker calls it; empty where an update doesn't say."""


@dataclass(frozen=True, slots=True)
class Fill:
    trade_id: str
    broker_order_id: str
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class NetPosition:
    """The broker's net of the day in one contract: positive is long.

    `profit` is the broker's own figure for the day, before charges, with what is open valued at `last`.
    """

    symbol: str
    product: Product
    quantity: int
    average_price: Decimal
    overnight: int = 0
    """How much of `quantity` was carried from the day before."""
    last: Decimal = Decimal(0)
    profit: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Funds:
    """What an account's derivatives segment has left, and what its positions block, in rupees."""

    available: Decimal
    blocked: Decimal
