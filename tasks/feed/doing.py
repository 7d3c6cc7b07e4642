"""Doing what a watcher wants: on threads of its own, each thing once, until it has succeeded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock

from tasks.feed.watching import Action
from tasks.runtime import Runtime

AT_ONCE = 8
PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds between tries; the last one for ever."""

CALL_AFTER = 3
"""Tries after which a person is called."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Doer:
    """Parameters
    ----------
    may_act
        False as soon as another feed may be acting: then nothing is begun or tried again, and the name is free.
    """

    rt: Runtime
    may_act: Callable[[], bool]
    _known: set[str] = field(default_factory=set)
    _busy: int = 0
    _lock: Lock = field(default_factory=Lock)
    _stopping: Event = field(default_factory=Event)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "action"))

    def do(self, action: Action) -> None:
        """Begin it, unless it is under way or done under this name. Returns at once."""
        with self._lock:
            if action.name in self._known or self._stopping.is_set() or not self.may_act():
                return
            self._known.add(action.name)
            self._busy += 1
        logger.warning("%s: %s", action.name, action.why)
        self._pool.submit(self._until_done, action)

    @property
    def busy(self) -> int:
        """Actions under way."""
        return self._busy

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _until_done(self, action: Action) -> None:
        done = False
        try:
            done = self._try(action)
        finally:
            with self._lock:
                self._busy -= 1
                if not done:
                    self._known.discard(action.name)

    def _try(self, action: Action) -> bool:
        tries = 0
        while not self._stopping.is_set() and self.may_act():
            try:
                action.perform(self.rt)
            except Exception:
                tries += 1
                logger.exception("%s failed, try %d", action.name, tries)
                if tries == CALL_AFTER:
                    self.rt.alarms.count("StopNotSent", account="")
                self._stopping.wait(PAUSES[min(tries, len(PAUSES)) - 1])
            else:
                return True
        return False
