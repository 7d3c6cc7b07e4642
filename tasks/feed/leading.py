"""Which of several feeds acts: the one that holds the lease, and only while it is sure that it does.

Nobody compares clocks. The holder beats; who waits takes over when the beat has stood still for `TAKE_OVER` by
its own stopwatch. The holder stops acting when its last beat that was surely written is `GIVE_UP` old, which is
sooner: so two never act at once, also when the table can't be reached or a process was asleep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from brokers.clock import Clock
from tasks.stores.feed_ports import Lease, LeaseStore
from tasks.stores.ports import StoreUnavailable

BEAT_EVERY = 0.5
"""Seconds, as all of these."""

GIVE_UP = 2.0
TAKE_OVER = 3.0


@dataclass(slots=True)
class Leading:
    """This process's hold on the lease.

    Parameters
    ----------
    stopwatch
        Seconds that only go forward, of this process.
    """

    leases: LeaseStore
    name: str
    holder: str
    clock: Clock
    stopwatch: Callable[[], float]
    _lease: Lease | None = field(default=None, init=False)
    _beaten_at: float = field(default=0.0, init=False)
    _seen: Lease | None = field(default=None, init=False)
    _seen_at: float = field(default=0.0, init=False)

    @property
    def leads(self) -> bool:
        """May it act at this moment?"""
        return self._lease is not None and self.stopwatch() - self._beaten_at < GIVE_UP

    @property
    def holds(self) -> bool:
        """Nobody has taken it yet, as far as is known: it may be a late beat that keeps it from acting."""
        return self._lease is not None

    @property
    def fence(self) -> int:
        """0 where it holds nothing."""
        return self._lease.fence if self._lease else 0

    def step(self) -> None:
        """Beat, or see whether the holder still does. Called every `BEAT_EVERY`."""
        began = self.stopwatch()
        try:
            if self._lease is not None:
                self._beat(self._lease, began)
            else:
                self._look(began)
        except StoreUnavailable:
            return  # the stopwatch decides: unsure for long enough is not leading

    def release(self) -> None:
        """Let the next one begin at once."""
        if self._lease is None:
            return
        lease, self._lease = self._lease, None
        try:
            self.leases.release(self.name, lease, at=self.clock.now())
        except StoreUnavailable:
            return  # it is taken over when the beat has stood still

    def _beat(self, lease: Lease, began: float) -> None:
        self._lease = self.leases.beat(self.name, lease, at=self.clock.now())
        self._beaten_at = began
        if self._lease is None:
            self._seen = None

    def _look(self, began: float) -> None:
        standing = self.leases.get(self.name)
        if standing is not None and standing.holder and not self._dead(standing, began):
            return
        taken = self.leases.take(self.name, self.holder, standing=standing, at=self.clock.now())
        if taken is not None:
            self._lease, self._beaten_at = taken, began

    def _dead(self, standing: Lease, now: float) -> bool:
        if standing != self._seen:
            self._seen, self._seen_at = standing, now
        return now - self._seen_at >= TAKE_OVER
