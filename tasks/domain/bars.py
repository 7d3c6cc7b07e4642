"""One-minute bars: built from ticks as they come, and as the compact documents that are stored.

A minute is from its first second to before the next minute's. One in which nothing was traded has no bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from brokers.model import Bar, Tick

MINUTE = timedelta(minutes=1)


def minute_of(at: datetime) -> datetime:
    """The start of the minute that `at` is in."""
    return at.replace(second=0, microsecond=0)


@dataclass(slots=True)
class _Growing:
    """The minute that one instrument is in. `before` is the day's volume when it began."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    before: int
    volume: int

    def take(self, tick: Tick) -> None:
        self.high = max(self.high, tick.last)
        self.low = min(self.low, tick.last)
        self.close = tick.last
        self.volume = max(self.volume, tick.volume)

    def bar(self) -> Bar:
        return Bar(self.start, self.open, self.high, self.low, self.close, max(self.volume - self.before, 0))


@dataclass(slots=True)
class BarBuilder:
    """Turns the ticks of many instruments into one-minute bars.

    A tick of a minute that is already closed changes nothing: the historical API has the last word on that
    minute. The first minute that is seen of an instrument counts the volume of its own ticks only.
    """

    _growing: dict[str, _Growing] = field(default_factory=dict)
    _closed: dict[str, datetime] = field(default_factory=dict)
    _volume: dict[str, int] = field(default_factory=dict)

    def take(self, tick: Tick) -> Bar | None:
        """The bar that this tick closed, if any: of an earlier minute than its own."""
        growing = self._growing.get(tick.symbol)
        start = minute_of(tick.at)
        if growing is None:
            closed = self._closed.get(tick.symbol)
            if closed is None or start > closed:
                self._begin(tick, start)
            return None
        if start < growing.start:
            return None
        if start == growing.start:
            growing.take(tick)
            return None
        done = self._close(tick.symbol, growing)
        self._begin(tick, start)
        return done

    def close_before(self, moment: datetime) -> dict[str, Bar]:
        """The bars of minutes that ended by `moment` and that no later tick has closed, by symbol."""
        ended = [symbol for symbol, growing in self._growing.items() if growing.start + MINUTE <= moment]
        return {symbol: self._close(symbol, self._growing.pop(symbol)) for symbol in ended}

    def forget(self, symbols: Iterable[str]) -> None:
        """Nobody looks at these any more."""
        for symbol in symbols:
            self._growing.pop(symbol, None)
            self._volume.pop(symbol, None)

    def _begin(self, tick: Tick, start: datetime) -> None:
        before = self._volume.get(tick.symbol, tick.volume)
        before = before if before <= tick.volume else 0  # the exchange counts from zero each day
        price = tick.last
        self._growing[tick.symbol] = _Growing(start, price, price, price, price, before, tick.volume)

    def _close(self, symbol: str, growing: _Growing) -> Bar:
        self._closed[symbol] = growing.start
        self._volume[symbol] = growing.volume
        return growing.bar()


def bars_document(bars: Iterable[Bar]) -> list[list[str | int]]:
    """JSON-shaped rows, oldest first: start, open, high, low, close, volume."""
    return [
        [bar.start.isoformat(), str(bar.open), str(bar.high), str(bar.low), str(bar.close), bar.volume]
        for bar in sorted(bars, key=lambda bar: bar.start)
    ]


def bars_from(rows: Iterable[Sequence[str | int]]) -> list[Bar]:
    return [_bar(row) for row in rows]


def _bar(row: Sequence[str | int]) -> Bar:
    start, *prices, volume = row
    opened, high, low, close = (Decimal(price) for price in prices)
    return Bar(datetime.fromisoformat(str(start)), opened, high, low, close, int(volume))


def merged(older: Iterable[Bar], newer: Iterable[Bar]) -> list[Bar]:
    """Bars of both, oldest first; where both have a minute, `newer` counts."""
    by_start = {bar.start: bar for bar in older} | {bar.start: bar for bar in newer}
    return [by_start[start] for start in sorted(by_start)]
