"""What a task works with: the stores, the brokers, the clock, and the way to answer a task token.

`tasks.bootstrap` builds it from the environment; tests build their own from fakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from brokers.clock import Clock
from brokers.protocol import Broker
from tasks.stores.bundle import Stores


class Brokers(Protocol):
    """Where a task gets a logged-in account from."""

    def reader(self, account: str) -> Broker:
        """For looking: quotes, books, instruments. Goes out from anywhere."""

    def trader(self, user_id: str, account: str) -> Broker:
        """For orders: goes out from the account's registered address."""


class Callbacks(Protocol):
    """Answers a task token."""

    def succeed(self, token: str, output: dict[str, object]) -> None:
        """Complete the state that waits for `token`. One that is no longer wanted is no error."""


class Alarms(Protocol):
    """Counts what a person must hear of; an alarm watches each name."""

    def count(self, name: str, *, account: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Runtime:
    stores: Stores
    brokers: Brokers
    callbacks: Callbacks
    alarms: Alarms
    clock: Clock
