"""Who trades what: people, their accounts and their strategies, from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from brokers.clock import IST
from tests.faults.shapes import LEGS, Shape

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI")
_SOME_DAYS = (WEEKDAYS, WEEKDAYS, WEEKDAYS, ("MON", "WED", "FRI"), ("TUE", "THU"))


@dataclass(frozen=True, slots=True)
class Trade:
    """One strategy of one person."""

    user_id: str
    account: str
    strategy_id: str
    shape: Shape
    weekdays: tuple[str, ...]
    entry_time: str
    exit_time: str

    def document(self) -> dict[str, Any]:
        legs = [
            # 25 lots in a leg are for the fault matrix, which wants slices; two will do here.
            {**leg, "lots": min(leg["lots"], 2)}
            for leg in self.shape.strategy(self.strategy_id)["legs"]
        ]
        return self.shape.strategy(self.strategy_id) | {
            "name": f"Strategy {self.strategy_id}",
            "basket_id": "weekly",
            "legs": legs,
            "entry_time": self.entry_time,
            "exit_time": self.exit_time,
            "weekdays": list(self.weekdays),
            "accounts": [self.account],
        }

    def event(self, side: str, day: datetime) -> dict[str, Any]:
        """The schedule's payload."""
        return {
            "user_id": self.user_id,
            "basket_id": "weekly",
            "strategy_id": self.strategy_id,
            "transaction_type": side,
            "entry_time": self.entry_time,
            "exit_time": self.exit_time,
            "weekdays": list(self.weekdays),
            "dte": None,
            "scheduled_time": self.fires(side, day).isoformat(),
        }

    def fires(self, side: str, day: datetime) -> datetime:
        """Two minutes before its time."""
        hour, minute = (self.entry_time if side == "ENTRY" else self.exit_time).split(":")
        return day.replace(hour=int(hour), minute=int(minute)) - timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Person:
    user_id: str
    name: str
    email: str
    account: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Everybody of a month."""

    people: Sequence[Person]
    trades: Sequence[Trade]

    @classmethod
    def of(cls, users: int, strategies: int, seed: int) -> Desk:
        dice = Random(f"desk/{seed}")
        people = [
            Person(
                str(UUID(int=dice.getrandbits(128), version=4)),
                f"User {n}",
                f"user{n}@example.com",
                f"ZA{n:04d}",
            )
            for n in range(1, users + 1)
        ]
        trades = [_trade(n, people[n % users], dice) for n in range(strategies)]
        return cls(people, trades)


def _trade(number: int, person: Person, dice: Random) -> Trade:
    entry = timedelta(hours=9, minutes=dice.choice((20, 25, 30, 30, 30, 45, 60, 75, 100)))
    leave = timedelta(hours=15, minutes=dice.choice((0, 5, 10, 15, 15, 15)) - 60 * dice.choice((0, 0, 1, 3)))
    return Trade(
        user_id=person.user_id,
        account=person.account,
        strategy_id=f"s{number:02d}",
        shape=Shape(LEGS[number % len(LEGS)], 1, "instant"),
        weekdays=dice.choice(_SOME_DAYS),
        entry_time=_clock(entry),
        exit_time=_clock(leave),
    )


def _clock(since_midnight: timedelta) -> str:
    minutes = int(since_midnight.total_seconds()) // 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def weekdays(first: date) -> list[datetime]:
    """Sixty calendar days without the weekends: holidays are among them, and nothing trades on them."""
    days = (first + timedelta(days=n) for n in range(60))
    return [datetime(day.year, day.month, day.day, tzinfo=IST) for day in days if day.weekday() < 5]
