"""A day's profit and loss: by leg, and added up by whatever a person asks; beside what the broker says.

A leg is one contract that one run opened in one account. Two strategies in the same contract are two legs, each
with a book of its own, whatever the broker nets. All of it is rupees in whole paise, so that sums are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from brokers.model import Exchange, Side
from tasks.domain.charges import Charges, Executed, Exercised, Item, Rates, contract_note
from tasks.domain.fifo import Book, Trade, fifo

ZERO = Decimal(0)
PAISA = Decimal("0.01")

AVERAGE_ERROR = Decimal("0.00005")
"""Rupees a unit by which an average price that a broker gives in four digits may be off."""


@dataclass(frozen=True, slots=True)
class Leg:
    """Whose it is and what it holds."""

    user_id: str
    account: str
    broker: str
    basket_id: str
    strategy_id: str
    run_key: str
    position_id: str
    exchange: Exchange
    symbol: str


@dataclass(frozen=True, slots=True)
class Dealt:
    """One order of a leg that traded."""

    leg: Leg
    trade: Trade


@dataclass(frozen=True, slots=True)
class Settled:
    """A leg that was open when its contract expired: closed by the exchange at the settlement price.

    `intrinsic` is rupees a unit, 0 for what expired worthless. A long one that is in the money pays STT on it.
    """

    leg: Leg
    intrinsic: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class LegPnl:
    """One leg's day. `last` is the price that what is open is valued at, None where nothing is."""

    leg: Leg
    bought: int
    buy_value: Decimal
    sold: int
    sell_value: Decimal
    realised: Decimal
    unrealised: Decimal
    charges: Charges
    last: Decimal | None
    orders: int

    @property
    def gross(self) -> Decimal:
        return self.realised + self.unrealised

    @property
    def net(self) -> Decimal:
        return self.gross - self.charges.total

    @property
    def open_quantity(self) -> int:
        return self.bought - self.sold


@dataclass(frozen=True, slots=True)
class Sum:
    """Legs added up."""

    realised: Decimal = ZERO
    unrealised: Decimal = ZERO
    charges: Charges = field(default_factory=Charges)
    orders: int = 0

    @property
    def gross(self) -> Decimal:
        return self.realised + self.unrealised

    @property
    def net(self) -> Decimal:
        return self.gross - self.charges.total

    def __add__(self, other: Sum | LegPnl) -> Sum:
        return Sum(
            self.realised + other.realised,
            self.unrealised + other.unrealised,
            self.charges + other.charges,
            self.orders + other.orders,
        )


class PriceMissing(Exception):
    """Something is open and nobody has told its last price: its value is not guessed."""


def legs_of(
    dealt: Iterable[Dealt],
    day: date,
    *,
    last: Mapping[str, Decimal] | None = None,
    settled: Iterable[Settled] = (),
    table: Rates | None = None,
) -> tuple[LegPnl, ...]:
    """Each leg's day, by position. `last` are the newest prices by `EXCHANGE:SYMBOL`.

    Raises
    ------
    PriceMissing
        Where something is open that `last` does not name.
    RateUnknown
        Where no charge is on file.
    """
    dealt = list(dealt)
    closings, exercises = _settlement(dealt, settled)
    every = [*dealt, *closings]
    charges = _charges(dealt, exercises, day, table)
    grouped: dict[Leg, list[Trade]] = {}
    for each in every:
        grouped.setdefault(each.leg, []).append(each.trade)
    return tuple(
        _leg(leg, grouped[leg], last or {}, charges) for leg in sorted(grouped, key=lambda leg: leg.position_id)
    )


def _leg(
    leg: Leg, trades: Sequence[Trade], last: Mapping[str, Decimal], charges: Mapping[str, Charges]
) -> LegPnl:
    book = fifo(trades)
    price = _price(leg, book, last)
    bought, sold = _side(trades, Side.BUY), _side(trades, Side.SELL)
    return LegPnl(
        leg=leg,
        bought=sum(trade.quantity for trade in bought),
        buy_value=sum((trade.value for trade in bought), ZERO),
        sold=sum(trade.quantity for trade in sold),
        sell_value=sum((trade.value for trade in sold), ZERO),
        realised=book.realised,
        unrealised=book.unrealised(price or ZERO),
        charges=sum((charges.get(trade.key, Charges()) for trade in trades), Charges()),
        last=price,
        orders=len(trades),
    )


def _price(leg: Leg, book: Book, last: Mapping[str, Decimal]) -> Decimal | None:
    if not book.quantity:
        return None
    price = last.get(f"{leg.exchange}:{leg.symbol}")
    if price is None:
        raise PriceMissing(f"{leg.position_id} holds {book.quantity} {leg.symbol}, whose last price is unknown")
    return price


def _side(trades: Iterable[Trade], side: Side) -> list[Trade]:
    return [trade for trade in trades if trade.side is side]


def _settlement(dealt: Sequence[Dealt], settled: Iterable[Settled]) -> tuple[list[Dealt], list[Exercised]]:
    """What the exchange closed at expiry, and the exercises among it."""
    closings, exercises = list[Dealt](), list[Exercised]()
    for each in settled:
        held = sum(one.trade.signed for one in dealt if one.leg == each.leg)
        if not held:
            continue
        value = (abs(held) * each.intrinsic).quantize(PAISA)
        key = f"{each.leg.position_id}@expiry"
        side = Side.SELL if held > 0 else Side.BUY
        closings.append(Dealt(each.leg, Trade(key, side, abs(held), value, each.at)))
        if held > 0 and value:
            exercises.append(Exercised(key, each.leg.exchange, value))
    return closings, exercises


def _charges(
    dealt: Sequence[Dealt], exercises: Sequence[Exercised], day: date, table: Rates | None
) -> dict[str, Charges]:
    """What each order was charged, by its key: an account has one contract note a day."""
    notes: dict[str, list[Item]] = {}
    for each in dealt:
        leg, trade = each.leg, each.trade
        item = Executed(trade.key, leg.broker, leg.exchange, trade.side, trade.value)
        notes.setdefault(leg.account, []).append(item)
    owners = {each.leg.position_id: each.leg.account for each in dealt}
    for exercise in exercises:
        notes.setdefault(owners[exercise.key.removesuffix("@expiry")], []).append(exercise)
    return {
        key: charges
        for items in notes.values()
        for key, charges in contract_note(items, day, table).parts.items()
    }


def total(legs: Iterable[LegPnl]) -> Sum:
    found = Sum()
    for leg in legs:
        found += leg
    return found


def by(legs: Iterable[LegPnl], what: Callable[[Leg], str]) -> dict[str, Sum]:
    """The legs added up by `what`: `by(legs, lambda leg: leg.strategy_id)`. In the order of their names."""
    sums: dict[str, Sum] = {}
    for leg in legs:
        name = what(leg.leg)
        sums[name] = sums.get(name, Sum()) + leg
    return dict(sorted(sums.items()))


# --- beside the broker ---


@dataclass(frozen=True, slots=True)
class BrokerSays:
    """The broker's own day profit in one contract, before charges, and the price it values at."""

    pnl: Decimal
    last: Decimal


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract of an account in both books. `outside` is what trades that are not ours earned in it."""

    symbol: str
    ours: Decimal
    outside: Decimal
    broker: Decimal
    tolerance: Decimal

    @property
    def difference(self) -> Decimal:
        """What the broker says beyond what we can explain."""
        return self.broker - self.ours - self.outside

    @property
    def agrees(self) -> bool:
        return abs(self.difference) <= self.tolerance


def beside_broker(
    dealt: Iterable[Dealt], outside: Mapping[str, Sequence[Trade]], broker: Mapping[str, BrokerSays]
) -> tuple[Contract, ...]:
    """One account's day, contract by contract, all valued at the broker's own last prices.

    `outside` are trades that no order of ours made. A contract that the broker does not name counts as 0 there.
    """
    ours: dict[str, list[Trade]] = {}
    for each in dealt:
        ours.setdefault(each.leg.symbol, []).append(each.trade)
    return tuple(
        _contract(symbol, ours.get(symbol, []), outside.get(symbol, ()), broker.get(symbol))
        for symbol in sorted(ours.keys() | outside.keys() | broker.keys())
    )


def _contract(
    symbol: str, ours: Sequence[Trade], outside: Sequence[Trade], says: BrokerSays | None
) -> Contract:
    last = says.last if says else ZERO
    units = sum(trade.quantity for trade in (*ours, *outside))
    return Contract(
        symbol=symbol,
        ours=fifo(ours).gross(last),
        outside=fifo(outside).gross(last),
        broker=(says.pnl if says else ZERO).quantize(PAISA),
        tolerance=PAISA + units * AVERAGE_ERROR,
    )


# --- the day's curve ---


@dataclass(frozen=True, slots=True)
class Mark:
    """What a contract was worth at a moment, rupees a unit."""

    at: datetime
    symbol: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Point:
    """Gross profit so far, realised and unrealised."""

    at: datetime
    gross: Decimal


def curve(dealt: Iterable[Dealt], marks: Iterable[Mark]) -> tuple[Point, ...]:
    """How the day's gross profit went: one point for each moment at which something traded or was priced.

    A trade is a price too: its own.
    """
    trades = sorted(((each.trade, each.leg.symbol) for each in dealt), key=lambda one: one[0].at)
    priced = [Mark(trade.at, symbol, trade.price) for trade, symbol in trades]
    every = sorted([*priced, *marks], key=lambda mark: mark.at)
    points: list[Point] = []
    held: dict[str, int] = {}
    last: dict[str, Decimal] = {}
    paid, done = ZERO, 0
    for place, mark in enumerate(every):
        while done < len(trades) and trades[done][0].at <= mark.at:
            trade, symbol = trades[done]
            held[symbol] = held.get(symbol, 0) + trade.signed
            paid += trade.value if trade.side is Side.BUY else -trade.value
            done += 1
        last[mark.symbol] = mark.price
        if place + 1 < len(every) and every[place + 1].at == mark.at:
            continue
        worth = sum((units * last[symbol] for symbol, units in held.items() if units), ZERO)
        if done:
            points.append(Point(mark.at, (worth - paid).quantize(PAISA)))
    return tuple(points)
