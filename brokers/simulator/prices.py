"""Where every index stands at every moment: a seeded walk that is a pure function of seed, name and time.

Whoever asks, in whatever order, after whatever jump of the clock, gets the same price for the same second.
Closes come from a slow noise over the days (so the level never strays far from where it was set); between
yesterday's close and today's, a Brownian bridge of one step a second is made once per day and kept.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from math import exp, sqrt

from brokers.simulator.calendar import Session, TradingCalendar

NOISE = ((32, 0.014), (8, 0.008), (2, 0.004))
"""Period in days and largest swing (as a fraction) of each layer of the day-to-day noise."""
DAY_VOLATILITY = 0.006
GAP = 0.0015


@dataclass(frozen=True, slots=True)
class Path:
    """One index on one day, a price a second from the opening on."""

    session: Session
    price: array[float]
    high: array[float]
    low: array[float]

    def second(self, at: datetime) -> int:
        """Index into the arrays of the second that `at` falls in; the close for anything later."""
        return min(max(int((at - self.session.open).total_seconds()), 0), len(self.price) - 1)


@dataclass(frozen=True, slots=True)
class DayRange:
    """How an index has moved today, up to the moment asked about. Prices in points."""

    open: float
    high: float
    low: float
    previous_close: float


class Walk:
    """The prices of all indices.

    Parameters
    ----------
    levels
        Where each index stands on the reference day.
    reference
        The day on which the level is exactly that (at the close).
    """

    def __init__(
        self, seed: int, levels: Mapping[str, float], reference: date, calendar: TradingCalendar
    ) -> None:
        self._seed = seed
        self._levels = dict(levels)
        self._reference = reference
        self._calendar = calendar
        self._moves: dict[str, list[tuple[datetime, float]]] = {}
        self._path = lru_cache(maxsize=64)(self._make_path)
        self._close = lru_cache(maxsize=4096)(self._make_close)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._levels)

    def spot(self, name: str, at: datetime) -> float:
        """The index at `at`; outside the session, the close before it."""
        path = self._path_of(name, at)
        quiet = (
            self.close(name, self._calendar.previous(at.date()))
            if path is None
            else path.price[path.second(at)]
        )
        return quiet * self._moved(name, at)

    def spots(self, name: str, start: datetime, end: datetime) -> list[float]:
        """The index at each second from `start` to before `end`, of one session: faster than one by one."""
        path = self._path_of(name, start)
        seconds = int((end - start).total_seconds())
        if path is None or any(start < since < end for since, _ in self._moves.get(name, ())):
            return [self.spot(name, start + timedelta(seconds=n)) for n in range(seconds)]
        first, factor = path.second(start), self._moved(name, start)
        return [price * factor for price in path.price[first : first + seconds]]

    def range(self, name: str, at: datetime) -> DayRange:
        """Open, high and low of the day so far, and yesterday's close."""
        previous = self.close(name, self._calendar.previous(at.date()))
        path = self._path_of(name, at)
        if path is None:
            return DayRange(previous, previous, previous, previous)
        now = path.second(at)
        spot = self.spot(name, at)
        return DayRange(path.price[0], max(path.high[now], spot), min(path.low[now], spot), previous)

    def close(self, name: str, day: date) -> float:
        """Where `name` closed on `day`."""
        return self._close(name, day)

    def move(self, name: str, at: datetime, factor: float) -> None:
        """From `at` on, everything about `name` is worth `factor` times as much: a shock made by hand."""
        self._moves.setdefault(name, []).append((at, factor))
        self._moves[name].sort()

    def forget_moves(self) -> None:
        self._moves.clear()

    def _moved(self, name: str, at: datetime) -> float:
        factor = 1.0
        for since, step in self._moves.get(name, ()):
            if since <= at:
                factor *= step
        return factor

    def _path_of(self, name: str, at: datetime) -> Path | None:
        session = self._calendar.session(at.date())
        return self._path(name, session) if session is not None and at >= session.open else None

    def _make_close(self, name: str, day: date) -> float:
        shift = self._noise(name, day.toordinal()) - self._noise(name, self._reference.toordinal())
        return self._levels[name] * exp(shift)

    def _make_path(self, name: str, session: Session) -> Path:
        day = session.open.date()
        seconds = int((session.close - session.open).total_seconds())
        dice = random.Random(f"{self._seed}/{name}/{day}")
        start = self.close(name, self._calendar.previous(day)) * exp(dice.gauss(0, GAP))
        bridge = _bridge(dice, seconds, end=self.close(name, day) / start)
        price = array("d", (start * factor for factor in bridge))
        return Path(session, price, array("d", accumulate(price, max)), array("d", accumulate(price, min)))

    def _noise(self, name: str, day: int) -> float:
        """Smooth noise over the days, each layer between -swing and +swing."""
        return sum(swing * self._layer(name, day / period, period) for period, swing in NOISE)

    def _layer(self, name: str, position: float, period: int) -> float:
        left = int(position)
        share = position - left
        share = share * share * (3 - 2 * share)
        return self._knot(name, left, period) * (1 - share) + self._knot(name, left + 1, period) * share

    def _knot(self, name: str, place: int, period: int) -> float:
        return random.Random(f"{self._seed}/{name}/{period}/{place}").uniform(-1, 1)


def _bridge(dice: random.Random, seconds: int, end: float) -> list[float]:
    """Factors on the opening price: a random walk of `seconds` steps that ends at `end`."""
    step = DAY_VOLATILITY / sqrt(seconds)
    free = list(accumulate((dice.gauss(0, step) for _ in range(seconds)), initial=0.0))
    # Pulling the end to where the day must close keeps the walk's roughness and removes its drift.
    pull = free[-1] / seconds
    drift = (end - 1) / seconds
    return [exp(value - pull * n) * (1 + drift * n) for n, value in enumerate(free)]
