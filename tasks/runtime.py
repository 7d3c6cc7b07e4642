"""What a task works with: the stores, the brokers, the clock, and the way to answer a task token.

`tasks.bootstrap` builds it from the environment; tests build their own from fakes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from brokers.clock import Clock
from brokers.protocol import Broker
from tasks.objects import Objects
from tasks.stores.bundle import Stores
from tasks.stores.journal import Recorded

if TYPE_CHECKING:
    from datetime import datetime
    from email.message import EmailMessage

    from tasks.domain.schedules import Schedule


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


class Bus(Protocol):
    """Where events are told."""

    def put(self, events: Sequence[Recorded]) -> None:
        """All of them, in order. Raises `StoreUnavailable` if the bus did not take one."""


class Scheduler(Protocol):
    """The strategies' schedules in EventBridge Scheduler."""

    def get(self, name: str) -> Schedule | None: ...

    def put(self, schedule: Schedule) -> None:
        """Make it, or make it so."""

    def delete(self, name: str) -> None:
        """One that is not there is no error."""

    def everything(self) -> Mapping[str, Schedule]:
        """Every schedule of the platform by its name."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One execution. `status` is Step Functions' word; `error` is of one that failed and was looked at."""

    arn: str
    name: str
    machine: str
    status: str
    started: datetime
    stopped: datetime | None = None
    error: str = ""


class Executions(Protocol):
    """Starts state machines' executions."""

    def start(self, machine: str, name: str, document: dict[str, Any]) -> tuple[str, str]:
        """The execution's ARN and STARTED, RUNNING (it was already) or REDRIVEN (it had failed)."""

    def arn(self, machine: str, name: str) -> str: ...


class KnownExecutions(Executions, Protocol):
    """Starts executions, and looks at them: only Standard ones can be listed, described and redriven."""

    def running(self, machine: str) -> Sequence[Ran]:
        """All that run now."""

    def status(self, arn: str) -> Ran | None:
        """None if there is none of that ARN."""

    def redrive(self, arn: str) -> bool:
        """Let it go on where it failed. False if Step Functions no longer takes it up."""


class Egress(Protocol):
    """Which address an egress's requests leave from."""

    def address(self, egress: str) -> str:
        """As the other side sees it. Raises `EgressRefused` if nothing comes through."""


class Mail(Protocol):
    """Sends e-mail."""

    def send(self, message: EmailMessage) -> str:
        """The message's id at the mailer; "" if the platform has no address to send from."""


class People(Protocol):
    """What is known of users beyond their id."""

    def email_of(self, user_id: str) -> str:
        """Their verified e-mail address, "" if there is none."""


class NotConnected(Exception):
    """This runtime was built without that part: a mistake of whoever built it."""


class _Missing:
    """Stands where a part is that most tasks need not."""

    def __getattr__(self, name: str) -> Any:
        raise NotConnected(name)


def _missing() -> Any:
    return _Missing()


@dataclass(frozen=True, slots=True)
class Runtime:
    stores: Stores
    brokers: Brokers
    callbacks: Callbacks
    alarms: Alarms
    clock: Clock
    bus: Bus = field(default_factory=_missing)
    scheduler: Scheduler = field(default_factory=_missing)
    egress: Egress = field(default_factory=_missing)
    people: People = field(default_factory=_missing)
    executions: KnownExecutions = field(default_factory=_missing)
    reports: Objects = field(default_factory=_missing)
    mail: Mail = field(default_factory=_missing)
    lake: Objects = field(default_factory=_missing)
