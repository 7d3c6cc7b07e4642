"""What goes in (what happened) and what comes out (what to do next).

A task's id is unique within its execution and never used again: a result that arrives after a time-out finds
no task and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from workflows.asl.interpreter.data import Json


class Pattern(StrEnum):
    """How a task ends: when the call returns, when its token comes back, or when what it started has ended."""

    REQUEST_RESPONSE = ""
    TOKEN = ".waitForTaskToken"  # noqa: S105  (AWS's name, not a secret)
    SYNC = ".sync"
    SYNC_2 = ".sync:2"


class Status(StrEnum):
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


class Purpose(StrEnum):
    """Why a timer runs."""

    WAIT = "WAIT"
    RETRY = "RETRY"
    TASK_TIMEOUT = "TASK_TIMEOUT"
    HEARTBEAT = "HEARTBEAT"
    EXECUTION_TIMEOUT = "EXECUTION_TIMEOUT"


# --- what happened ---


@dataclass(frozen=True, slots=True)
class CallReturned:
    """The call of a task came back. For a plain task that is its result, otherwise it has been submitted."""

    task: str
    output: Json


@dataclass(frozen=True, slots=True)
class TaskSucceeded:
    """A token was sent back, or what a `.sync` task started has ended well."""

    task: str
    output: Json


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """The call failed, a token was sent back as failed, or what a `.sync` task started has failed."""

    task: str
    error: str | None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    task: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    timer: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """StopExecution."""

    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Redriven:
    """RedriveExecution: what failed or was aborted runs again."""


Happening = CallReturned | TaskSucceeded | TaskFailed | Heartbeat | TimerFired | Stopped | Redriven


# --- what to do ---


@dataclass(frozen=True, slots=True)
class ScheduleTask:
    """Make this call and report how it went.

    `resource` is the state's Resource. Limits are in seconds and for the caller's use: the interpreter watches
    them with timers of its own.
    """

    task: str
    resource: str
    arguments: Json = field(repr=False)
    """They may hold the token, or other things that belong in no log."""
    pattern: Pattern
    token: str | None = field(repr=False)
    timeout: int | None
    heartbeat: int | None


@dataclass(frozen=True, slots=True)
class CancelTask:
    """Nobody waits for this task any more; its token is void."""

    task: str


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Report TimerFired at `at` (seconds since the epoch). `task` is set where it watches over a task."""

    timer: str
    at: float
    purpose: Purpose
    task: str | None = None


@dataclass(frozen=True, slots=True)
class CancelTimer:
    timer: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The execution has ended. `output` is JSON text, only after SUCCEEDED."""

    status: Status
    output: str | None = None
    error: str | None = None
    cause: str | None = None


Effect = ScheduleTask | CancelTask | StartTimer | CancelTimer | Finished
