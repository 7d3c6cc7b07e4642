"""The feed, put together: what happens when something comes, and what each of its threads does in a round.

Nothing here starts a thread or sleeps; `tasks.feed.__main__` calls the rounds in their time, and so do tests.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from brokers.model import BrokerOrder, Exchange, Tick
from tasks.domain import items
from tasks.domain.calendar import Session as TradingSession
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.feed.doing import Doer
from tasks.feed.following import FEED, FEEDING, Following, Plan
from tasks.feed.hearing import Hearing
from tasks.feed.keeping import Keeper
from tasks.feed.leading import Leading
from tasks.feed.session import Session
from tasks.feed.sight import Eye, Sight
from tasks.feed.watching import Watcher
from tasks.order_update import OrderUpdate
from tasks.runtime import Runtime

SPEAK_EVERY = 2.0
"""Seconds between two writes of the feed's state, if nothing has changed."""

CALL_EVERY = 20.0
"""Seconds between two starts of PollQuotes while nothing comes; each polls for longer than that."""

SILENT = 3.0
"""Seconds without a tick after which the clock, and no tick, ends a minute."""

STRIDE = 30.0
"""Seconds that a jumping clock may skip at once while only bars are made: the simulator sends the ticks of the
seconds in between along."""

WATCHED_STRIDE = 2.0
"""The same while something is watched: an exit should leave near the second of its tick."""

POLL_QUOTES = "PollQuotes"

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Feed:
    """One account's feed, of which one instance acts. It listens to the stream (`brokers.stream`).

    Parameters
    ----------
    tell_order
        Puts an order update on the queue. Returns at once.
    stopwatch
        Seconds that only go forward. Leases, silence and rates are about this process and are measured with
        it; `rt.clock` says what time it is at the exchange.
    """

    account: str
    rt: Runtime
    leading: Leading
    session: Session
    watchers: Sequence[Watcher]
    tell_order: Callable[[OrderUpdate], None]
    stopwatch: Callable[[], float]
    keeper: Keeper
    doer: Doer
    following: Following
    calendar: TradingCalendar = field(default_factory=TradingCalendar.load)
    hearing: Hearing = field(init=False)
    eye: Eye = field(default_factory=Eye)
    sight: Sight = Sight.SHUT
    connections: int = 0
    _plan: Plan = field(default_factory=lambda: Plan((), {}))
    _led: bool = False
    _why: str = ""
    _said: tuple[Any, ...] = ()
    _said_at: float = 0.0
    _since: datetime | None = None
    _called_at: float | None = None
    _rate: tuple[float, int, float] = (0.0, 0, 0.0)
    _tick_at: float = 0.0
    _following_lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.session.closed = self._closed
        self.hearing = Hearing(act=self.doer.do, saw=self._saw, calendar=self.calendar)

    # What the stream tells, on its thread

    def on_up(self) -> None:
        self.connections += 1
        logger.info("the stream is up")

    def on_down(self, reason: str, *, refused: bool) -> None:
        self.connections = max(self.connections - 1, 0)
        self._why = reason
        logger.warning("the stream is down: %s", reason)
        if refused:
            self.session.refused()

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        self._tick_at = self.stopwatch()
        if self.leading.leads:
            self.hearing.on_ticks(ticks)

    def on_order(self, order: BrokerOrder) -> None:
        """The same queue as postbacks, and so the same function."""
        if self.leading.leads:
            self.tell_order(OrderUpdate.of(self.account, order))

    def _closed(self) -> None:
        self.connections = 0

    def _saw(self) -> None:
        self.eye.saw(self.stopwatch())

    # The rounds

    def beat(self) -> None:
        """Every half a second, on a thread that does nothing else."""
        self.leading.step()

    def tend(self) -> None:
        """Four times a second: begin or end to lead, keep the session, look whether we see, and say so.

        A beat that is late stops every action at once (`leading.leads`); the stream stays up meanwhile.
        """
        holds = self.leading.holds
        if holds and not self._led:
            logger.warning("this feed leads, fence %d", self.leading.fence)
            self._led, self.eye = True, Eye()
            self.rt.stores.market.put(FEED, FEEDING, {"account": self.account})
            self.keeper.begin()
            self.keeper.follow(self._plan.wanted)
        if not holds and self._led:
            logger.warning("this feed no longer leads")
            self._led = False
            self.session.close()
        if not self._led:
            return
        self.session.step()
        self._look()
        self._speak()

    def follow(self) -> None:
        """Every two seconds, and whenever somebody wants to be sure: what is to be followed and watched now.

        Who waits knows it too, so that a take-over costs no more than a connection.
        """
        with self._following_lock:
            plan = self.following.plan(self.watchers)
            self.hearing.watch(self.watchers, lambda watcher: watcher.follow(self.rt, plan.open_runs))
            gone = self._plan.wanted.keys() - plan.wanted.keys()
            self.session.follow(plan.wanted)
            self.hearing.forget(gone)
            self._plan = plan
            if self._led:
                self.keeper.follow(plan.wanted)
            for symbol in plan.unknown:
                logger.warning("no instrument is known for %s, which a watcher asks for", symbol)

    def keep(self) -> None:
        """Every second: write what was heard."""
        if not self._led:
            return
        if self.stopwatch() - self._tick_at > SILENT:
            self.hearing.end_minutes(self.rt.clock.now())
        self.keeper.keep_quotes(self.hearing.take_quotes())
        self.keeper.keep_bars(self.hearing.take_bars())
        if not self.session.waits_for_login:
            self.keeper.catch_up()
        self.keeper.keep_in_lake()

    def stop(self) -> None:
        """End as one should: write what is left, and let the next one begin at once."""
        if self._led:
            self.keep()
            self.keeper.keep_in_lake(now=True)
        self.session.close()
        self.doer.stop()
        self.leading.release()
        self.keeper.stop()

    # How it goes

    @property
    def busy(self) -> int:
        """Actions under way: while there are any, the platform's clock must not jump."""
        return self.doer.busy

    def pace(self) -> dict[str, Any]:
        """For a clock that jumps: look now at what is open, and say how far it may jump at a time.

        `stride` is in seconds and holds from `opens` to `closes`; None where nobody would miss a tick.
        """
        self.follow()
        session = self._session()
        if not self._led or session is None or not self._plan.wanted:
            return {"stride": None}
        watched = any(watcher.symbols() for watcher in self.watchers)
        return {
            "stride": WATCHED_STRIDE if watched else STRIDE,
            "ready": self.connections > 0 or self.session.waits_for_login,
            "opens": session.opens.isoformat(),
            "closes": session.closes.isoformat(),
        }

    def state(self) -> dict[str, Any]:
        """For the row in `market`, the page and the health check."""
        now = self.stopwatch()
        age = self.eye.age(now)
        return {
            "account": self.account,
            "holder": self.leading.holder,
            "fence": self.leading.fence,
            "leads": self._led,
            "ready": self.connections > 0 or self.session.waits_for_login,
            "state": self.sight.value,
            "since": self._since.isoformat() if self._since else "",
            "at": self.rt.clock.now().isoformat(),
            "connections": self.connections,
            "waits_for_login": self.session.waits_for_login,
            "following": len(self._plan.wanted),
            "open": len(self._plan.contracts),
            "ticks": self.hearing.counts.ticks,
            "stale": self.hearing.counts.stale,
            "ticks_a_second": round(self._rate[2], 1),
            "tick_age": None if age is None else round(age, 1),
            "behind": self.keeper.behind,
            "actions": self.hearing.counts.actions,
            "reason": self._why,
        }

    def _look(self) -> None:
        now = self.stopwatch()
        sight = self.eye.look(now, market_open=self._open(), following=len(self._plan.wanted))
        if sight is not self.sight:
            before, self.sight = self.sight, sight
            self._since = self.rt.clock.now()
            self._turned(before, sight)
        if sight not in (Sight.UNSURE, Sight.BLIND):
            self._called_at = None
        elif self._called_at is None or now - self._called_at >= CALL_EVERY:
            self._speak()  # PollQuotes reads it
            self._called_at = now
            self._call_for_polling()

    def _turned(self, before: Sight, sight: Sight) -> None:
        logger.warning("the feed turned from %s to %s: %s", before, sight, self._why)
        if sight is Sight.BLIND:
            self.rt.alarms.count("FeedBlind", account=self.account)
        if Sight.BLIND in (before, sight):
            # The catalog's stream makes FeedBlind or FeedSees of it.
            self.rt.stores.catalog.put(
                items.PLATFORM,
                items.feed(self.account),
                {
                    "account": self.account,
                    "state": sight.value,
                    "at": self.rt.clock.now().isoformat(),
                    "reason": self._why or "no fresh tick came",
                },
            )

    def _call_for_polling(self) -> None:
        name = f"{self.account}-{self.leading.fence}-{self.rt.clock.now():%H%M%S}"
        try:
            self.rt.executions.start(POLL_QUOTES, name, {"account": self.account})
        except Exception:
            logger.exception("PollQuotes could not be started")

    def _speak(self) -> None:
        now = self.stopwatch()
        said = (self.sight, self.connections, self.session.waits_for_login, len(self._plan.wanted))
        if said == self._said and now - self._said_at < SPEAK_EVERY:
            return
        self._measure(now)
        self._said, self._said_at = said, now
        self.rt.stores.feeds.put(self.account, self.state(), fence=self.leading.fence)

    def _measure(self, now: float) -> None:
        since, ticks, _ = self._rate
        if now > since:
            count = self.hearing.counts.ticks
            self._rate = (now, count, (count - ticks) / (now - since))

    def _open(self) -> bool:
        session = self._session()
        return session is not None and self.rt.clock.now() in session

    def _session(self) -> TradingSession | None:
        """Today's, None where the calendar doesn't reach."""
        try:
            return self.calendar.session(self.rt.clock.now().date(), Exchange.NFO)
        except CalendarExhausted:
            return None
