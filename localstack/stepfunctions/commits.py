"""Group commit: what happens in one turn of the event loop is committed together, and only then acted on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from localstack.stepfunctions.journal import Journal


@dataclass(slots=True)
class Commits:
    """When the journal is committed, and what waits for it. Used in the event loop's thread only."""

    journal: Journal
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _actions: list[Callable[[], None]] = field(default_factory=list)
    _waiters: list[asyncio.Future[None]] = field(default_factory=list)
    _is_due: bool = False

    def soon(self) -> None:
        """Commit when this turn of the event loop is over."""
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._commit)

    def after(self, action: Callable[[], None]) -> None:
        """Do this when everything that has happened so far is committed."""
        self._actions.append(action)
        self.soon()

    async def durable(self) -> None:
        """Wait until nothing that has happened could be lost. Every answer of the API waits for it."""
        if self.journal.dirty or self._is_due:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            self.soon()
            await waiter

    def _commit(self) -> None:
        self._is_due = False
        self.journal.commit()
        actions, self._actions = self._actions, []
        for action in actions:
            action()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.cancelled():
                waiter.set_result(None)
