"""First in, first out: which units closed which, and what each closing earned.

Traders and the tax office count this way. `tasks.domain.pnl.realised` takes the average of all entries instead,
because a position's row has no memory of single orders; over a leg that is closed both come to the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from brokers.model import Side

PAISA = Decimal("0.01")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Trade:
    """One executed order in one contract. `value` is what changed hands in rupees, whole paise, never negative.

    An exchange trades in paise, so the value is exact where an average price of four digits is not.
    """

    key: str
    side: Side
    quantity: int
    value: Decimal
    at: datetime

    @classmethod
    def of(cls, key: str, side: Side, quantity: int, average_price: Decimal, at: datetime) -> Trade:
        return cls(key, side, quantity, (quantity * average_price).quantize(PAISA), at)

    @property
    def price(self) -> Decimal:
        return self.value / self.quantity

    @property
    def signed(self) -> int:
        return self.quantity if self.side is Side.BUY else -self.quantity


@dataclass(frozen=True, slots=True)
class Match:
    """Units that were opened by one order and closed by another. `gain` in rupees, not rounded."""

    opened: str
    closed: str
    quantity: int
    gain: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Book:
    """One contract of one owner. `lots` are what is still open, oldest first."""

    matches: tuple[Match, ...]
    lots: tuple[Trade, ...]
    paid: Decimal
    """Rupees: purchases less sales."""

    @property
    def quantity(self) -> int:
        """Units held; negative is short."""
        return sum(lot.signed for lot in self.lots)

    @property
    def realised(self) -> Decimal:
        """Rupees earned on what is closed, to the paisa."""
        return sum((match.gain for match in self.matches), ZERO).quantize(PAISA)

    def gross(self, last: Decimal) -> Decimal:
        """Realised and unrealised together, exact: sales less purchases, and what is left at `last`.

        `last` is the newest price, which nothing depends on where nothing is open.
        """
        return (self.quantity * last - self.paid).quantize(PAISA)

    def unrealised(self, last: Decimal) -> Decimal:
        return self.gross(last) - self.realised


def fifo(trades: Iterable[Trade]) -> Book:
    """The book after these trades, in the order of their times."""
    lots: deque[Trade] = deque()
    matches: list[Match] = []
    paid = ZERO
    for trade in sorted(trades, key=lambda trade: (trade.at, trade.key)):
        paid += trade.value if trade.side is Side.BUY else -trade.value
        rest = trade.quantity
        while rest and lots and lots[0].side is not trade.side:
            lot = lots.popleft()
            closed = min(rest, lot.quantity)
            gain = (trade.price - lot.price) * closed
            matches.append(Match(lot.key, trade.key, closed, gain if lot.side is Side.BUY else -gain, trade.at))
            rest -= closed
            if lot.quantity > closed:
                lots.appendleft(_part(lot, lot.quantity - closed))
        if rest:
            lots.append(trade if rest == trade.quantity else _part(trade, rest))
    return Book(tuple(matches), tuple(lots), paid)


def _part(trade: Trade, quantity: int) -> Trade:
    """What is left of it, at its own price."""
    return replace(trade, quantity=quantity, value=trade.price * quantity)
