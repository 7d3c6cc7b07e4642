"""Keeping what was heard: the newest quotes, and the bars, in `market` and in the lake.

Writes are coalesced: however often an instrument ticks, its quote is written once a round. A bar that the feed
did not hear from its first second on is the historical API's to tell, which has the last word.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from brokers.errors import BrokerError, RateLimited
from brokers.model import Bar, Exchange, InstrumentId, Tick
from tasks.domain.bars import minute_of
from tasks.domain.calendar import TradingCalendar
from tasks.runtime import Runtime

AT_ONCE = 8
LAKE_EVERY = 300.0
"""Seconds between two writes of an hour that goes on."""

PER_ROUND = 2
"""Instruments whose missed bars are asked for in one round (a second): Kite takes three such calls."""

logger = logging.getLogger(__name__)


class Lake(Protocol):
    """Where bars are kept for good."""

    def write(self, hour: datetime, bars: Mapping[str, Sequence[Bar]], *, fence: int) -> None: ...


@dataclass(slots=True)
class Keeper:
    """Called on one thread.

    Parameters
    ----------
    account
        Whose session is asked for history.
    fence
        The feed's present fence.
    """

    rt: Runtime
    account: str
    fence: Callable[[], int]
    stopwatch: Callable[[], float]
    lake: Lake | None = None
    calendar: TradingCalendar = field(default_factory=TradingCalendar.load)
    _hours: dict[tuple[str, datetime], dict[datetime, Bar]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)
    _behind: dict[str, InstrumentId] = field(default_factory=dict)
    _for_lake: set[datetime] = field(default_factory=set)
    _lake_at: float = 0.0
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "keeper"))

    def follow(self, wanted: Mapping[str, InstrumentId]) -> None:
        """What is followed from now on: new ones have bars to catch up with."""
        self._behind |= {symbol: wanted[symbol] for symbol in wanted.keys() - self._known}
        self._known = set(wanted)

    def begin(self) -> None:
        """This feed has just begun to lead: another may have written since it last did."""
        self._hours.clear()
        self._known.clear()
        self._behind.clear()
        self._for_lake.clear()

    def keep_quotes(self, ticks: Iterable[Tick]) -> None:
        """An older price never replaces a newer one: the store sees to that."""
        for failed in self._pool.map(self._put_quote, ticks):
            if failed:
                logger.warning("a quote was not written: %s", failed)

    def keep_bars(self, closed: Iterable[tuple[str, Bar]]) -> None:
        """Closed bars, into their hours."""
        changed: set[tuple[str, datetime]] = set()
        for symbol, bar in closed:
            self._hour(symbol, bar)[bar.start] = bar
            changed.add((symbol, _hour_of(bar)))
        self._write_hours(changed)

    def catch_up(self) -> None:
        """Ask for the bars that a few of the new instruments had today before we followed them."""
        for symbol in list(self._behind)[:PER_ROUND]:
            instrument = self._behind[symbol]
            try:
                bars = self._history(instrument)
            except RateLimited:
                return
            except BrokerError as error:
                logger.warning("no history of %s: %s", symbol, error)
                bars = []
            del self._behind[symbol]
            self.keep_bars((symbol, bar) for bar in bars)

    @property
    def behind(self) -> int:
        """Instruments that still have bars to catch up with."""
        return len(self._behind)

    def keep_in_lake(self, *, now: bool = False) -> None:
        """Write the hours that have changed, every five minutes or `now`."""
        if self.lake is None or not self._for_lake:
            return
        if not now and self.stopwatch() - self._lake_at < LAKE_EVERY:
            return
        self._lake_at = self.stopwatch()
        for hour in sorted(self._for_lake):
            of_hour = {
                symbol: [bars[start] for start in sorted(bars)]
                for (symbol, at), bars in self._hours.items()
                if at == hour
            }
            self.lake.write(hour, of_hour, fence=self.fence())
            self._for_lake.discard(hour)
        self._forget_earlier_days()

    def stop(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _put_quote(self, tick: Tick) -> Exception | None:
        try:
            self.rt.stores.quotes.put(tick)
        except Exception as error:  # noqa: BLE001  (the next round writes a newer one)
            return error
        return None

    def _hour(self, symbol: str, bar: Bar) -> dict[datetime, Bar]:
        """The hour's bars, with those that an earlier feed has written."""
        key = (symbol, _hour_of(bar))
        if key not in self._hours:
            standing = self.rt.stores.bars.day(symbol, bar.start.date())
            for old in standing:
                self._hours.setdefault((symbol, _hour_of(old)), {}).setdefault(old.start, old)
            self._hours.setdefault(key, {})
        return self._hours[key]

    def _write_hours(self, changed: Iterable[tuple[str, datetime]]) -> None:
        def write(key: tuple[str, datetime]) -> None:
            bars = self._hours[key]
            self.rt.stores.bars.put(key[0], [bars[start] for start in sorted(bars)], fence=self.fence())

        keys = list(changed)
        list(self._pool.map(write, keys))
        self._for_lake |= {hour for _, hour in keys}

    def _forget_earlier_days(self) -> None:
        today = max(hour.date() for _, hour in self._hours)
        self._hours = {key: bars for key, bars in self._hours.items() if key[1].date() == today}

    def _history(self, instrument: InstrumentId) -> Sequence[Bar]:
        now = self.rt.clock.now()
        session = self.calendar.session(now.date(), Exchange.NFO)
        if session is None or now <= session.opens:
            return []
        until = minute_of(now)
        reader = self.rt.brokers.reader(self.account)
        return reader.bars(instrument, minutes=1, start=session.opens, end=until)


def _hour_of(bar: Bar) -> datetime:
    return bar.start.replace(minute=0)
