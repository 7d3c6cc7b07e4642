"""What was traded and what it earned, before charges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from brokers.model import Side
from tasks.domain.money import rupees

__all__ = ["Filled", "Totals", "realised", "rupees", "total"]

_PRICE_DIGITS = Decimal("0.0001")


class Filled(Protocol):
    """What an order has traded so far."""

    @property
    def filled_quantity(self) -> int: ...

    @property
    def average_price(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class Totals:
    """Units, and their exact value in rupees."""

    quantity: int = 0
    value: Decimal = Decimal(0)

    @property
    def average_price(self) -> Decimal:
        """Rupees a unit to four digits, as brokers give it; 0 where nothing traded."""
        return (self.value / self.quantity).quantize(_PRICE_DIGITS) if self.quantity else Decimal(0)


def total(orders: Iterable[Filled]) -> Totals:
    """The fills of several orders in one contract on one side, as one."""
    units, value = 0, Decimal(0)
    for order in orders:
        units += order.filled_quantity
        value += order.filled_quantity * order.average_price
    return Totals(units, value)


def realised(side: Side, entry: Totals, exit: Totals) -> Decimal:
    """Rupees earned on what is closed, before charges; negative is a loss. `side` is the entry's.

    What was closed is taken at the average of all entries.
    """
    if not entry.quantity or not exit.quantity:
        return Decimal(0)
    closed = min(entry.quantity, exit.quantity)
    bought_at, sold_at = entry.value / entry.quantity, exit.value / exit.quantity
    gain = (sold_at - bought_at) * closed
    return (gain if side is Side.BUY else -gain).quantize(Decimal("0.01"))
