"""Jumps of the clock: when nothing is under way, go to just before the next thing that is due.

While a task runs, a request is answered or a message waits in the queue, the clock runs as any clock does: code
that works sees real time. Only waiting is skipped. Each process says over HTTP how busy it is and what it waits
for; a process that is moved across its own due time notices by itself.

Where a feed watches the market, what lies between is not nothing: then the clock goes in strides, and the ticks
of each have been heard before the next one is taken.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from localstack.clock import MovableClock

POLL_SECONDS = 0.1
"""Between two looks. Two idle looks in a row that see the same due time make idleness: one alone might fall
between a cause and its effect."""

LEAD = timedelta(milliseconds=50)
"""A jump lands this long before the due time, so that what is due happens on time and not late."""

READY_WITHIN = 10.0
"""Seconds for which a feed's stream is waited for before the clock goes on."""

WORTH_A_JUMP = timedelta(milliseconds=400)
"""What is due sooner is simply waited for."""


@dataclass(frozen=True, slots=True)
class Idleness:
    """What one process answered: how much it has under way, and when it will do something by itself."""

    busy: int
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class Pace:
    """The clock goes no further than `stride` at a time from `opens` to `closes`, once the feed is `ready`."""

    stride: timedelta
    opens: datetime
    closes: datetime
    ready: bool


class Pacer(Protocol):
    """Whoever would miss ticks."""

    def pace(self) -> Pace | None:
        """How far the clock may go now; None for as far as it likes."""


class Watched(Protocol):
    def look(self) -> Idleness:
        """How busy is it now?"""


ANSWER_SECONDS = 60
"""How long a process may take to answer: the schedule loop does not while it starts a minute's machines, and on
a small machine that is busy each start takes seconds."""


class Restless(Protocol):
    def stirring(self) -> Idleness:
        """Has a tick set something off?"""


@dataclass(frozen=True, slots=True)
class Http:
    """A process that answers `{"busy": n, "next_due": "<iso>" | null}`."""

    url: str

    def look(self) -> Idleness:
        return self._ask("busy")

    def stirring(self) -> Idleness:
        """As `look`, without requests that only read: an exchange is asked things all the time."""
        return self._ask("telling")

    def _ask(self, counted: str) -> Idleness:
        with urllib.request.urlopen(self.url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  (our own http URLs)
            body = json.load(answer)
        due = body["next_due"]
        return Idleness(int(body[counted]), datetime.fromisoformat(due) if due else None)


@dataclass(slots=True)
class Queue:
    """A queue: busy while messages wait for their consumer or are with it.

    A message that its consumer could not take yet is hidden until its visibility time-out (minutes of wall
    time) and then comes again. Nobody waits for that: after `patience` seconds it no longer counts.

    Parameters
    ----------
    count
        How many messages wait, and how many were received and are hidden.
    """

    count: Callable[[], tuple[int, int]]
    patience: float = 20.0
    _hidden_since: float | None = field(default=None, init=False)

    def look(self) -> Idleness:
        waiting, hidden = self.count()
        if not hidden:
            self._hidden_since = None
        elif self._hidden_since is None:
            self._hidden_since = time.monotonic()
        set_aside = self._hidden_since is not None and time.monotonic() - self._hidden_since > self.patience
        return Idleness(waiting if set_aside else waiting + hidden, None)


@dataclass(slots=True)
class Conductor:
    """Moves the clock of one platform.

    Parameters
    ----------
    clock
        The clock, which nobody else moves.
    watched
        Everything that may be busy, causes before their effects.
    pokes
        URLs to POST to after a jump, so that timers are read again at once.
    between
        Called between two looks, for whoever tells what is going on.
    pacer
        Says how far a jump may go at a time.
    restless
        Those that a tick may stir: looked at after every stride.
    ticks
        URLs to POST to after a stride; the answer comes when its ticks were heard.
    """

    clock: MovableClock
    watched: Sequence[Watched]
    pokes: Sequence[str] = ()
    between: Callable[[], None] = lambda: None
    pacer: Pacer | None = None
    restless: Sequence[Restless] = ()
    ticks: Sequence[str] = ()
    jumped: timedelta = field(default=timedelta(), init=False)

    def settle(self, *, seconds: float = 120.0) -> datetime | None:
        """Wait until nothing is under way; the next due time, or None if nothing will ever happen.

        Raises
        ------
        TimeoutError
            If something is still under way after `seconds` of real time.
        """
        deadline = time.monotonic() + seconds
        before: datetime | None = None
        was_idle = False
        while True:
            if time.monotonic() > deadline:
                raise TimeoutError(f"still busy after {seconds:.0f} s: {self._who_is_busy()}")
            busy, due = self._look()
            self.between()
            # Where the due time has changed, something was done between the two looks, and what it set off may
            # have come after the look at who does it.
            if not busy and was_idle and due == before:
                return due
            before, was_idle = due, not busy
            time.sleep(POLL_SECONDS)

    def step(self, *, until: datetime | None = None) -> bool:
        """Settle and jump once, no further than `until`. False if nothing is due (before `until`)."""
        due = self.settle()
        if due is None or (until is not None and due > until):
            return False
        self.jump_before(due)
        return True

    def reach(self, until: datetime) -> None:
        """Play everything that is due, and then let it be `until`."""
        while until - self.clock.now() > WORTH_A_JUMP:
            if not self.step(until=until):
                self.jump_before(until)

    def jump_before(self, due: datetime) -> None:
        """Let `due` be close, or stop where a tick on the way has stirred somebody: then settle first."""
        pace = self._pace()
        while pace is not None and (stop := _next_stop(pace, self.clock.now(), due)) is not None:
            self._move_to(stop)
            for url in self.ticks:
                _poke(url)
            if self._stirred():
                return
        self._jump(due)

    def _pace(self) -> Pace | None:
        """As the feed says it, when its stream is up; one that does not come up is not waited for."""
        deadline = time.monotonic() + READY_WITHIN
        while True:
            pace = self.pacer.pace() if self.pacer else None
            if pace is None or pace.ready or time.monotonic() > deadline:
                return pace
            time.sleep(POLL_SECONDS)

    def _stirred(self) -> bool:
        now = self.clock.now()
        looks = [each.stirring() for each in self.restless]
        return any(look.busy or (look.next_due is not None and look.next_due <= now) for look in looks)

    def _move_to(self, moment: datetime) -> None:
        ahead = moment - self.clock.now()
        if ahead > timedelta(0):
            self.clock.set_offset(self.clock.offset() + ahead.total_seconds())
            self.jumped += ahead

    def _jump(self, due: datetime) -> None:
        """The clock never goes back."""
        ahead = due - LEAD - self.clock.now()
        if ahead < WORTH_A_JUMP:
            time.sleep(max(0.0, min(1.0, (due - self.clock.now()).total_seconds())))
            return
        self.clock.set_offset(self.clock.offset() + ahead.total_seconds())
        self.jumped += ahead
        for url in self.pokes:
            _poke(url)

    def _look(self) -> tuple[int, datetime | None]:
        answers = [each.look() for each in self.watched]
        dues = [answer.next_due for answer in answers if answer.next_due is not None]
        return sum(answer.busy for answer in answers), min(dues, default=None)

    def _who_is_busy(self) -> str:
        return ", ".join(f"{each}: {each.look().busy}" for each in self.watched)


def _next_stop(pace: Pace, now: datetime, due: datetime) -> datetime | None:
    """Where the next stride ends; None if the rest of the way is one jump."""
    if now < pace.opens < due:
        return pace.opens
    stop = now + pace.stride
    return stop if pace.opens <= now < pace.closes and stop < due - LEAD else None


def _poke(url: str) -> None:
    """Tell a process that the clock has moved. It would notice by itself a moment later."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=b"{}", method="POST"), timeout=5):  # noqa: S310
            pass
    except urllib.error.HTTPError:
        return
