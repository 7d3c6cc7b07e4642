"""The exchange's own books beside the lake's: rupees and units by trading date, account and contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from brokers.simulator.exchange import Exchange

PAISA = Decimal("0.01")
Line = tuple[date, str, str, str]
"""Trading date, account, contract, side."""


@dataclass(slots=True)
class Books:
    """Units and rupees of each line, and what each account earned on each day."""

    traded: dict[Line, tuple[int, Decimal]] = field(default_factory=dict)
    earned: dict[tuple[date, str], Decimal] = field(default_factory=dict)

    def add(self, day: date, exchange: Exchange) -> None:
        """A day's trades, from the exchange."""
        units: dict[Line, int] = defaultdict(int)
        rupees: dict[Line, Decimal] = defaultdict(Decimal)
        for trade in exchange.trades:
            line = (day, trade.account, trade.contract.symbol, trade.side)
            units[line] += trade.quantity
            rupees[line] += trade.quantity * trade.price
        for line, quantity in units.items():
            self.traded[line] = quantity, rupees[line].quantize(PAISA)
        for line, (_, value) in self.traded.items():
            if line[0] == day:
                signed = value if line[3] == "SELL" else -value
                self.earned[line[:2]] = self.earned.get(line[:2], Decimal(0)) + signed

    @property
    def total(self) -> Decimal:
        return sum(self.earned.values(), Decimal(0))


TRADED = """
SELECT trading_date, account, symbol, side, sum(filled_quantity), sum(filled_quantity * average_price)
FROM orders WHERE filled_quantity > 0 GROUP BY trading_date, account, symbol, side
"""
EARNED = "SELECT trading_date, account, sum(realised) FROM positions GROUP BY trading_date, account"


def of_lake(lake: Any) -> Books:
    """The same, from the lake: what orders traded, and what positions realised."""
    found = Books()
    for day, account, symbol, side, units, rupees in lake.execute(TRADED).fetchall():
        found.traded[day, account, symbol, side] = int(units), Decimal(rupees).quantize(PAISA)
    for day, account, realised in lake.execute(EARNED).fetchall():
        found.earned[day, account] = Decimal(realised)
    return found


def differences(exchange: Books, lake: Books) -> list[str]:
    """In words; nothing where every line agrees to the unit and to the paisa."""
    return [
        *_compare("traded", exchange.traded, lake.traded),
        *_compare("earned", exchange.earned, lake.earned),
    ]


def _compare(what: str, theirs: dict[Any, Any], ours: dict[Any, Any]) -> Iterable[str]:
    for line in sorted(theirs.keys() | ours.keys(), key=str):
        if theirs.get(line) != ours.get(line):
            where = " ".join(map(str, line))
            yield f"{what} {where}: the exchange {theirs.get(line)}, the lake {ours.get(line)}"
