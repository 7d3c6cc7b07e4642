"""What an execution remembers while it runs: where each sequence of states is, and what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from workflows.asl.interpreter.data import Data, Json
from workflows.asl.interpreter.definition import State, States
from workflows.asl.interpreter.happenings import Pattern


class RunStatus(Enum):
    RUNNING = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    ABORTED = auto()


@dataclass(slots=True, eq=False, repr=False)
class Run:
    """One sequence of states on its way: the machine itself, a branch of a Parallel, an iteration of a Map."""

    states: States
    input: Data
    parent: Visit | None = None
    index: int = 0
    item: Json = None
    """A Map's item, for `$$.Map.Item.Value`."""
    last_event: int = 0
    """The newest event of this run: the next one's previousEventId. Every run has a chain of its own."""
    visit: Visit | None = None
    """The state it is in; kept after a failure, for that is where a redrive goes on."""
    pending: tuple[str, Data] | None = None
    """Between two states: the one to enter next, and with what."""
    status: RunStatus = RunStatus.RUNNING


@dataclass(slots=True, eq=False, repr=False)
class Task:
    """A task in flight."""

    id: str
    resource: str
    kind: Kind
    pattern: Pattern
    token: str | None
    heartbeat: int | None
    timers: list[str] = field(default_factory=list)
    heartbeat_timer: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """How a resource shows up in the history: as a Lambda function, or as a task of a service."""

    is_lambda: bool
    resource_type: str = ""
    resource: str = ""


@dataclass(slots=True, eq=False, repr=False)
class Fanout:
    """The runs inside a Map or Parallel."""

    scopes: Sequence[States]
    inputs: Sequence[Json]
    """A Map's items, or the one input of each branch."""
    limit: int
    outputs: list[Json]
    runs: dict[int, Run] = field(default_factory=dict)
    """Runs that have not succeeded: they are what a redrive takes up again."""
    next_index: int = 0
    active: int = 0
    done: int = 0
    previous: int = 0
    """The event that the next iteration to start comes after."""
    queue: list[int] = field(default_factory=list)
    """Indexes to take up before new ones: after a redrive, those that failed or were aborted."""


@dataclass(slots=True, eq=False, repr=False)
class Visit:
    """One stay in one state."""

    run: Run
    state: State
    input: Data
    entered_at: float
    entered_event: int
    attempts: list[int]
    """Retries used up, one number for each entry of Retry."""
    retries: int = 0
    """All retries of this stay: `$$.State.RetryCount`."""
    task: Task | None = None
    timer: str | None = None
    fanout: Fanout | None = None
    effective: Json = None
    """The input after InputPath, where it is needed later."""
