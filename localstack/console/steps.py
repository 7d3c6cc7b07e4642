"""What a history is told as: visits of states, with their attempts, inside of iterations and branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Event = Mapping[str, Any]


class Status(StrEnum):
    """How a step, an iteration or an execution stands."""

    RUNNING = "RUNNING"
    RETRYING = "RETRYING"  # its last attempt failed, and another is due
    SUCCEEDED = "SUCCEEDED"
    CAUGHT = "CAUGHT"  # it failed, and a Catch led on from it
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


OPEN = frozenset({Status.RUNNING, Status.RETRYING})


@dataclass(slots=True)
class Attempt:
    """One time that a step's work was begun. `redrive` is the redrive it belongs to, 0 before the first."""

    scheduled: datetime
    redrive: int
    ended: datetime | None = None
    submitted: bool = False
    """What it called has answered, and it waits for a task token or a child execution."""
    error: str = ""
    cause: str = ""
    failed: bool = False


@dataclass(slots=True)
class Step:
    """One visit of a state. `id` is the number of the event that entered it."""

    id: int
    state: str
    kind: str
    frame: int
    entered: datetime
    left: datetime | None = None
    status: Status = Status.RUNNING
    attempts: list[Attempt] = field(default_factory=list)
    error: str = ""
    cause: str = ""
    children: list[str] = field(default_factory=list)
    """ARNs of the executions it started."""
    length: int | None = None
    """How many items a Map goes through."""
    exit_event: int | None = None


@dataclass(slots=True)
class Frame:
    """What steps are inside of: the execution itself (id 0), an iteration of a Map, a branch of a Parallel."""

    id: int
    step: int | None
    """The Map's or Parallel's step; None for the execution itself."""
    index: int
    status: Status = Status.RUNNING
    label: str = ""
    """What the iteration is about: the leg and the account, where its data says so."""
    steps: list[int] = field(default_factory=list)


def details(event: Event) -> Mapping[str, Any]:
    """What an event says beyond its type, under whichever name."""
    return next((value for key, value in event.items() if key.endswith("EventDetails") and value), {})
