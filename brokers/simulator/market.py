"""Quotes: what Kite would show for a contract or an index at a moment.

A pure function of the walk and the time, so the book that is shown and the book that orders are matched
against are one. Around Black-76 stand a bid and an ask on the tick, with five levels of depth each.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import exp
from typing import Any

from brokers.simulator.black76 import forward, option_price, smile, years_to_expiry
from brokers.simulator.calendar import TradingCalendar
from brokers.simulator.instruments import Contract
from brokers.simulator.prices import DayRange, Walk
from brokers.simulator.underlyings import INDIA_VIX, Index, underlyings

DEPTH = 5
SPREAD = 0.0015
"""Half the distance of bid and ask, as a fraction of the price; at least one tick."""
INDEX_TICK = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Level:
    price: Decimal
    quantity: int
    orders: int


@dataclass(frozen=True, slots=True)
class Book:
    """Best prices first. What is shown here is what an order meets."""

    last: Decimal
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Market:
    """Prices of everything listed, at any moment."""

    def __init__(self, walk: Walk, calendar: TradingCalendar) -> None:
        self.walk = walk
        self._calendar = calendar
        self._index_names = {u.index.key: u.name for u in underlyings().values()}

    def fair(self, contract: Contract, at: datetime, spot: float | None = None) -> float:
        """What the contract is worth in rupees, before ticks and spreads; at `spot`, if one is given."""
        underlying = underlyings()[contract.underlying]
        level = self.walk.spot(contract.underlying, at) if spot is None else spot
        years = years_to_expiry(contract.expiry, at)
        future = forward(level, years)
        if not contract.is_option:
            return future
        strike = float(contract.strike)
        volatility = smile(underlying.volatility, future, strike, years)
        return option_price(future, strike, years, volatility, contract.right)

    def last(self, contract: Contract, at: datetime) -> Decimal:
        return on_tick(self.fair(contract, at), contract.tick)

    def book(self, contract: Contract, at: datetime) -> Book:
        """The best five prices on each side. No bid is below one tick, no ask at or below a bid."""
        last = self.last(contract, at)
        half = max(on_tick(float(last) * SPREAD, contract.tick), contract.tick)
        bid = max(last - half, contract.tick)
        ask = max(last + half, bid + contract.tick)
        dice = zlib.crc32(f"{contract.symbol}{int(at.timestamp())}".encode())
        bids = (self._level(contract, bid - n * contract.tick, dice, n) for n in range(DEPTH))
        asks = (self._level(contract, ask + n * contract.tick, dice, n + DEPTH) for n in range(DEPTH))
        return Book(last, tuple(level for level in bids if level.price > 0), tuple(asks))

    def _level(self, contract: Contract, price: Decimal, dice: int, n: int) -> Level:
        roll = (dice >> n) % 97
        return Level(price, (20 + roll % 60) * contract.lot, 1 + roll % 9)

    def index_price(self, index: Index, at: datetime) -> Decimal:
        return on_tick(self._index_value(index, at), INDEX_TICK)

    def index_prices(self, index: Index, start: datetime, end: datetime) -> list[Decimal]:
        """The price at each second from `start` to before `end`, of one session."""
        if index == INDIA_VIX:
            seconds = range(int((end - start).total_seconds()))
            return [self.index_price(index, start + timedelta(seconds=n)) for n in seconds]
        prices = self.walk.spots(self._index_names[index.key], start, end)
        return [on_tick(price, INDEX_TICK) for price in prices]

    def _index_value(self, index: Index, at: datetime) -> float:
        if index == INDIA_VIX:
            return _vix(self.walk, at)
        return self.walk.spot(self._index_names[index.key], at)

    def index_range(self, index: Index, at: datetime) -> DayRange:
        if index == INDIA_VIX:
            value = _vix(self.walk, at)
            return DayRange(value, value, value, value)
        return self.walk.range(self._index_names[index.key], at)

    def day_range(self, contract: Contract, at: datetime) -> DayRange:
        """Open, high, low and previous close of a contract, from those of its index: a fair likeness."""
        index = self.walk.range(contract.underlying, at)
        session = self._calendar.session(at.date())
        opening = session.open if session is not None and at >= session.open else at
        yesterday = self._end_of(self._calendar.previous(at.date()), at)
        values = [
            self.fair(contract, at, index.high),
            self.fair(contract, at, index.low),
            self.fair(contract, at),
        ]
        opened = self.fair(contract, opening, index.open)
        closed = self.fair(contract, yesterday, index.previous_close)
        return DayRange(opened, max(*values, opened), min(*values, opened), closed)

    def _end_of(self, day: date, fallback: datetime) -> datetime:
        session = self._calendar.session(day)
        return session.close if session is not None else fallback

    def traded(self, contract: Contract, at: datetime) -> dict[str, Any]:
        """Volume and open interest in units: largest at the money, growing over the day."""
        spot = self.walk.spot(contract.underlying, at)
        distance = abs(float(contract.strike) / spot - 1) * 40 if contract.is_option else 0.0
        interest = int(40_000 * exp(-distance)) * contract.lot
        session = self._calendar.session(at.date())
        elapsed = (at - session.open) / (session.close - session.open) if session else 1.0
        return {
            "volume": int(interest * max(0.0, min(1.0, elapsed)) * 3) // contract.lot * contract.lot,
            "oi": interest,
        }


def _vix(walk: Walk, at: datetime) -> float:
    """An India VIX that moves against NIFTY."""
    if "NIFTY" not in walk.names:
        return 13.0
    day = walk.range("NIFTY", at)
    return 13.0 * exp(-6 * (walk.spot("NIFTY", at) / day.previous_close - 1))


def on_tick(value: float, tick: Decimal) -> Decimal:
    """`value` on the nearest tick, at least one."""
    return max(round(value / float(tick)), 1) * tick
