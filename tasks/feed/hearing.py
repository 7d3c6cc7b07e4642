"""Where every tick comes through, once: the newest price of each instrument, its bars, and who watches.

The socket's thread brings ticks; other threads take what has to be written. Nothing here does I/O.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Lock

from brokers.model import Bar, Exchange, Tick
from tasks.domain.bars import BarBuilder
from tasks.domain.calendar import Session, TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.feed.watching import Action, Watcher

FRESH = timedelta(seconds=15)
"""An older tick is what stood when we subscribed, not what trades now: no stop follows from it."""

QUIET = timedelta(seconds=2)
"""How long after a minute's end its last tick may come."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """Since the process began."""

    ticks: int = 0
    stale: int = 0
    """Older than one that came before, or the same once more: they change nothing."""
    actions: int = 0
    watcher_failures: int = 0


@dataclass(slots=True)
class Hearing:
    """Parameters
    ----------
    act
        Takes what a watcher wants done. Returns at once.
    saw
        Is told that something fresh came.
    """

    act: Callable[[Action], None]
    saw: Callable[[], None] = lambda: None
    calendar: TradingCalendar = field(default_factory=TradingCalendar.load)
    counts: Counts = field(default_factory=Counts)
    _watchers: tuple[Watcher, ...] = ()
    _newest: dict[str, Tick] = field(default_factory=dict)
    _unwritten: set[str] = field(default_factory=set)
    _builder: BarBuilder = field(default_factory=BarBuilder)
    _bars: list[tuple[str, Bar]] = field(default_factory=list)
    _heard_until: datetime | None = None
    _session: tuple[date, Session | None] | None = None
    _lock: Lock = field(default_factory=Lock)

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        """In the order in which they came."""
        with self._lock:
            for tick in ticks:
                self._take(tick)

    def watch(self, watchers: Iterable[Watcher], follow: Callable[[Watcher], None]) -> None:
        """From now on these watch; each is brought up to date with `follow` while no tick comes through."""
        chosen = tuple(watchers)
        for watcher in chosen:
            with self._lock:
                follow(watcher)
        with self._lock:
            self._watchers = chosen

    def take_quotes(self) -> list[Tick]:
        """The newest tick of each instrument that had one since this was last asked."""
        with self._lock:
            symbols, self._unwritten = self._unwritten, set()
            return [self._newest[symbol] for symbol in symbols]

    def take_bars(self) -> list[tuple[str, Bar]]:
        """Bars that were closed since this was last asked."""
        with self._lock:
            if self._heard_until is not None:
                self._bars += self._builder.close_before(self._heard_until - QUIET).items()
            bars, self._bars = self._bars, []
            return bars

    def end_minutes(self, now: datetime) -> None:
        """The stream is silent: what ended by `now` is closed without another tick."""
        with self._lock:
            self._bars += self._builder.close_before(now - QUIET).items()

    def newest(self, symbol: str) -> Tick | None:
        with self._lock:
            return self._newest.get(symbol)

    def forget(self, symbols: Iterable[str]) -> None:
        """Nobody follows these any more."""
        with self._lock:
            gone = set(symbols)
            self._builder.forget(gone)
            self._unwritten -= gone
            for symbol in gone:
                self._newest.pop(symbol, None)

    def _take(self, tick: Tick) -> None:
        self.counts.ticks += 1
        standing = self._newest.get(tick.symbol)
        if standing is not None and not tick.supersedes(standing):
            self.counts.stale += 1
            return
        self._newest[tick.symbol] = tick
        self._unwritten.add(tick.symbol)
        if not self._in_session(tick.at):
            return
        self._heard_until = tick.at if self._heard_until is None else max(self._heard_until, tick.at)
        closed = self._builder.take(tick)
        if closed is not None:
            self._bars.append((tick.symbol, closed))
        if tick.received_at - tick.at <= FRESH:
            self.saw()
            self._ask(tick)

    def _ask(self, tick: Tick) -> None:
        for watcher in self._watchers:
            try:
                actions = watcher.on_tick(tick)
            except Exception:
                self.counts.watcher_failures += 1
                logger.exception("a watcher failed on a tick of %s", tick.symbol)
                continue
            for action in actions:
                self.counts.actions += 1
                self.act(action)

    def _in_session(self, at: datetime) -> bool:
        day = at.date()
        if self._session is None or self._session[0] != day:
            self._session = (day, _session(self.calendar, day))
        session = self._session[1]
        return session is not None and at in session


def _session(calendar: TradingCalendar, day: date) -> Session | None:
    """None also on a day that the calendar doesn't reach: what is not known to trade is not watched."""
    try:
        return calendar.session(day, Exchange.NFO)
    except CalendarExhausted:
        return None
