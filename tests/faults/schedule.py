"""Simulated time: an agenda that jumps from event to event, and jobs that can pause in the middle.

A job is a plain function that runs in a greenlet: whatever it calls may `pause`, and others run meanwhile.
There are no threads and no wall clock, so a seed fixes everything that happens.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from greenlet import getcurrent, greenlet

from brokers.clock import IST

EPOCH = datetime.fromtimestamp(0, IST)


class Killed(BaseException):
    """The process of a job ends here. No `except Exception` of the code under test can stop it."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(slots=True, eq=False)
class Job:
    """One process. `deadline` is when its host ends it."""

    name: str
    deadline: float
    told: object
    fiber: greenlet | None = field(default=None, repr=False)


class Schedule:
    """The agenda. Times are seconds since the epoch."""

    def __init__(self, start: datetime) -> None:
        self.now = start.timestamp()
        self._end = self.now
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0
        self._hub = getcurrent()
        self.job: Job | None = None
        self.other: Callable[[], float | None] = lambda: None
        """When something outside the agenda is due next (the exchange's own events)."""
        self.do_other: Callable[[], object] = lambda: None

    def at(self, moment: float, what: Callable[[], object]) -> None:
        self._count += 1
        heapq.heappush(self._agenda, (max(moment, self.now), self._count, what))

    def after(self, seconds: float, what: Callable[[], object]) -> None:
        self.at(self.now + seconds, what)

    def run(self, until: datetime) -> None:
        """Everything that is due by `until`, each at its time."""
        end = self._end = until.timestamp()
        while self._step(end):
            pass
        self.now = max(self.now, end)

    def _step(self, end: float) -> bool:
        other = self.other()
        first = self._agenda[0][0] if self._agenda else None
        if other is not None and (first is None or other < first):
            if other > end:
                return False
            self.now = max(self.now, other)
            self.do_other()
            return True
        if first is None or first > end:
            return False
        moment, _, what = heapq.heappop(self._agenda)
        self.now = max(self.now, moment)
        what()
        return True

    # --- jobs ---

    def spawn(self, name: str, seconds: float, told: object, body: Callable[[], None]) -> None:
        """Run `body` now as a job that lives for at most `seconds`. `body` ends on its own when killed."""
        job = Job(name, self.now + seconds, told)
        job.fiber = greenlet(body, parent=self._hub)
        self._switch(job)

    def pause(self, seconds: float) -> None:
        """Let time go by in the current job. Outside of one (a test that looks), none does.

        Raises
        ------
        Killed
            When the job's time is up meanwhile.
        """
        job = self.job
        if job is None:
            return
        wake = min(self.now + seconds, job.deadline)
        if self._nothing_until(wake):
            self.now = wake
        else:
            self.at(wake, partial(self._switch, job))
            self.job = None
            self._hub.switch()
        if self.now >= job.deadline:
            raise Killed("Sandbox.Timedout")

    def _nothing_until(self, moment: float) -> bool:
        """Nobody else would run before then: the job can go on at once, which is what it would do anyway."""
        if moment > self._end or (self._agenda and self._agenda[0][0] <= moment):
            return False
        other = self.other()
        return other is None or other > moment

    def _switch(self, job: Job) -> None:
        assert job.fiber is not None
        self.job = job
        job.fiber.switch()
        self.job = None


@dataclass(slots=True)
class SimulatedClock:
    """What the code under test sees. `skew` seconds ahead of the true time."""

    schedule: Schedule
    skew: float = 0.0

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.schedule.now + self.skew)
