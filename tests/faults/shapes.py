"""The shapes that every cell is tried on: how many legs, how many accounts, how orders fill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from brokers.simulator.faults import Fault

ENTRY_TIME, EXIT_TIME = "09:30", "09:40"
LEGS = ("1", "2", "4", "4h")
ACCOUNTS = (1, 3)
FILLS = ("instant", "partial", "slow")

LOT, FREEZE = 30, 600
"""BANKNIFTY's."""

_SELL, _BUY = "SELL", "BUY"
_BASKETS: dict[str, list[tuple[str, str, str, int]]] = {
    # 25 lots of 30 units are more than the freeze limit of 600: two orders.
    "1": [(_SELL, "CE", "ATM", 25)],
    "2": [(_SELL, "CE", "ATM", 2), (_SELL, "PE", "ATM", 2)],
    "4": [
        (_SELL, "CE", "ATM", 2),
        (_SELL, "PE", "ATM", 2),
        (_SELL, "CE", "ATM+2", 2),
        (_SELL, "PE", "ATM-2", 2),
    ],
    "4h": [
        (_BUY, "CE", "ATM+3", 2),
        (_BUY, "PE", "ATM-3", 2),
        (_SELL, "CE", "ATM", 2),
        (_SELL, "PE", "ATM", 2),
    ],
    # 180 lots: nine orders a leg, the most there can be.
    "18": [(_SELL, "CE", "ATM", 180), (_SELL, "PE", "ATM", 180)],
}


@dataclass(frozen=True, slots=True)
class Shape:
    legs: str
    account_count: int
    fill: str
    on_leg_reject: str = "unwind"

    def __str__(self) -> str:
        return f"{self.legs}-{self.account_count}-{self.fill}"

    @classmethod
    def parse(cls, text: str) -> Shape:
        legs, accounts, fill = text.split("-")
        if legs not in _BASKETS or int(accounts) not in ACCOUNTS or fill not in FILLS:
            raise ValueError(f"no shape {text!r}: like 4h-3-slow, of {LEGS}, {ACCOUNTS}, {FILLS}")
        return cls(legs, int(accounts), fill)

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(f"ZA{n:04d}" for n in range(1, self.account_count + 1))

    @property
    def hedged(self) -> bool:
        return self.legs == "4h"

    @property
    def planned(self) -> list[tuple[str, str, str, int]]:
        """Side, right, strike and units of each leg."""
        return [(side, right, strike, lots * LOT) for side, right, strike, lots in _BASKETS[self.legs]]

    @property
    def order_count(self) -> int:
        """Orders of one account's entry."""
        return sum(-(-units // FREEZE) for *_, units in self.planned)

    @property
    def orders(self) -> int:
        return self.order_count * self.account_count

    @property
    def largest_order(self) -> int:
        return max(min(units, FREEZE) for *_, units in self.planned)

    @property
    def patterns(self) -> list[str]:
        """Of symbols: each matches some of the legs."""
        return sorted({f"*{right}" for _, right, _, _ in self.planned})

    def strategy(self, name: str) -> dict[str, Any]:
        legs = [
            {"side": side, "right": right, "strike": strike, "lots": lots}
            for side, right, strike, lots in _BASKETS[self.legs]
        ]
        return {
            "strategy_id": name,
            "underlying": "BANKNIFTY",
            "entry_time": ENTRY_TIME,
            "exit_time": EXIT_TIME,
            "weekdays": ["MON", "TUE", "WED", "THU", "FRI"],
            "legs": legs,
            "on_leg_reject": self.on_leg_reject,
            "accounts": list(self.accounts),
        }

    def event(self, side: str, day: datetime, *, exit_time: str = "") -> dict[str, Any]:
        """The schedule's payload. `exit_time` where a person has moved the exit."""
        hour, minute = (ENTRY_TIME if side == "ENTRY" else exit_time or EXIT_TIME).split(":")
        fired = day.replace(hour=int(hour), minute=int(minute)) - timedelta(minutes=2)
        return {
            "user_id": "user-1",
            "basket_id": "weekly",
            "strategy_id": "basket",
            "transaction_type": side,
            "entry_time": ENTRY_TIME,
            "exit_time": exit_time or EXIT_TIME,
            "weekdays": ["MON", "TUE", "WED", "THU", "FRI"],
            "dte": None,
            "scheduled_time": fired.isoformat(),
        }

    def fills(self) -> list[Fault]:
        """The simulator's switches for how orders fill."""
        if self.fill == "partial":
            return [Fault.model_validate({"kind": "partial", "share": 0.5, "seconds": 7, "count": 0})]
        if self.fill == "slow":
            return [Fault.model_validate({"kind": "slow_fill", "seconds": 12, "count": 0})]
        return []


MANY = Shape("18", 1, "instant")
"""Not among the matrix's: 18 orders at once in one account, to press on the rate limits."""


def all_shapes() -> Iterator[Shape]:
    return (Shape(legs, accounts, fill) for legs, accounts, fill in product(LEGS, ACCOUNTS, FILLS))
