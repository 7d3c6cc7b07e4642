"""What is watched on every tick, and what follows.

A watcher is asked on the thread that reads the socket, so it answers from memory and at once: no table, no
network, no log. What has to be done is an `Action`, which is done on another thread and tried until it
succeeds. Two feeds, a tick that comes twice and a restart may each ask for the same thing: an action's name
must follow from what it is for, so that doing it twice is doing it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from brokers.model import Tick
from tasks.runtime import Runtime
from tasks.stores.ports import AccountRun


class Action(Protocol):
    """Something that has to happen because of a tick."""

    @property
    def name(self) -> str:
        """The same for the same thing: what is under way or done under this name is not begun again."""

    @property
    def why(self) -> str:
        """For people: which level, which price, of which second."""

    def perform(self, rt: Runtime) -> None:
        """Do it. Done before is no error; whatever is raised lets it be tried again a moment later."""


class Watcher(Protocol):
    """Levels of one kind, in memory."""

    def follow(self, rt: Runtime, open_runs: Sequence[AccountRun]) -> None:
        """Learn what is open now (every account of today that is not FLAT). Called every few seconds, and once
        before the first tick; never at the same time as `on_tick`. May read tables, quickly."""

    def symbols(self) -> frozenset[str]:
        """What it needs ticks of, beside the contracts that are open: `NFO:…`, `NSE:NIFTY BANK`."""

    def on_tick(self, tick: Tick) -> Sequence[Action]:
        """What this tick calls for. Only ticks that are newer than all before of their symbol come here."""
