"""Timers on the platform's clock, which may jump."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Timers:
    """Due times by key, earliest first. Times are seconds since the epoch on the platform's clock."""

    _heap: list[tuple[float, int, Hashable]] = field(default_factory=list)
    _due: dict[Hashable, tuple[float, int]] = field(default_factory=dict)
    _order: Iterator[int] = field(default_factory=itertools.count)

    def start(self, key: Hashable, at: float) -> None:
        entry = (at, next(self._order))
        self._due[key] = entry
        heapq.heappush(self._heap, (*entry, key))

    def cancel(self, key: Hashable) -> None:
        self._due.pop(key, None)

    def next_due(self) -> float | None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][:2]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> Iterator[Hashable]:
        """Keys whose time has come, in order of their due times; each is given once."""
        while (due := self.next_due()) is not None and due <= now:
            key = heapq.heappop(self._heap)[2]
            del self._due[key]
            yield key

    def shift(self, keys: Callable[[Hashable], bool], seconds: float) -> None:
        """Move some timers: those that measure real work, when the clock jumps while it is being done."""
        for key in [key for key in self._due if keys(key)]:
            self.start(key, self._due[key][0] + seconds)
