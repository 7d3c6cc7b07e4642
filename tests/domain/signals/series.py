"""Seeded bars: a market that wanders, with volume, on real trading days."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from brokers.model import Bar
from tasks.domain.calendar import TradingCalendar

LAST_DAY = date(2026, 11, 20)


def bars(seed: int, count: int, *, minutes: int = 5, start: float = 25_000) -> list[Bar]:
    """`count` bars that end with the session of 20 November 2026."""
    chance = random.Random(seed)
    price = start
    found = []
    for opens in starts(count, minutes):
        prices = [price := price * math.exp(chance.gauss(0, 0.0008)) for _ in range(6)]
        o, *_, c = prices
        found.append(
            Bar(
                opens,
                money(o),
                money(max(prices) + chance.random()),
                money(min(prices) - chance.random()),
                money(c),
                chance.randint(1, 90_000),
            )
        )
    return found


def starts(count: int, minutes: int) -> list[datetime]:
    """The starts of the last `count` bars of a length."""
    every: list[datetime] = []
    day = LAST_DAY
    calendar = TradingCalendar.load()
    while len(every) < count:
        every = [*_of_day(day, minutes), *every]
        day = calendar.previous_session(day)
    return every[-count:]


def _of_day(day: date, minutes: int) -> Iterator[datetime]:
    session = TradingCalendar.load().session(day)
    assert session is not None
    at = session.opens
    while at < session.closes:
        yield at
        at += timedelta(minutes=minutes)


def money(price: float) -> Decimal:
    return Decimal(f"{price:.2f}")
