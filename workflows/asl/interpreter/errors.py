"""What ends a state early.

::

    StateError              anything Retry and Catch may look at: an error name and a cause
     ├── RuntimeFailure     the definition and the data do not fit: States.Runtime, which States.ALL does not
     │                      catch, and its relatives
     ├── DataLimitExceeded  a result over 256 KiB; States.ALL does not catch it
     └── TooLarge           the same, found where the state's name is not known
    InvalidDefinition       the definition is refused before anything runs

The names are those of the Amazon States Language (states-language.net, "Errors").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ALL = "States.ALL"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
RUNTIME = "States.Runtime"
DATA_LIMIT = "States.DataLimitExceeded"
RESULT_PATH_MATCH = "States.ResultPathMatchFailure"
INTRINSIC_FAILURE = "States.IntrinsicFailure"

UNCATCHABLE_BY_ALL = frozenset({RUNTIME, DATA_LIMIT})
_TIMEOUTS = frozenset({TIMEOUT, HEARTBEAT_TIMEOUT})


class StateError(Exception):
    """A state failed. `None` means that whoever failed the task gave no error or no cause."""

    def __init__(self, error: str | None, cause: str | None = None) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class RuntimeFailure(StateError):
    """The definition and the data do not fit. Whoever runs the state puts its name in front of the cause."""

    def __init__(self, cause: str, error: str = RUNTIME) -> None:
        super().__init__(error, cause)


class DataLimitExceeded(StateError):
    """A result is larger than Step Functions carries from state to state."""

    def __init__(self, what: str) -> None:
        super().__init__(
            DATA_LIMIT,
            f"The state/task '{what}' returned a result with a size exceeding the maximum number of bytes "
            "service limit.",
        )


class TooLarge(StateError):
    """An expression stands for far more than 256 KiB. Whoever runs the state says which state it was."""

    def __init__(self) -> None:
        super().__init__(DATA_LIMIT, "The result is larger than the maximum number of bytes service limit.")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a definition, in AWS's code and words where AWS has them."""

    code: str
    message: str
    location: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message} at {self.location}"


class InvalidDefinition(Exception):
    """The definition is refused. `problems` says everything that was found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        found = ", ".join(str(problem) for problem in problems)
        super().__init__(f"Invalid State Machine Definition: '{found}'")
        self.problems = tuple(problems)


def matches(error: str | None, names: Sequence[str]) -> bool:
    """Does a Retry or Catch with these ErrorEquals take this error?

    States.ALL takes everything but States.Runtime and States.DataLimitExceeded, States.TaskFailed everything
    but those and time-outs, and States.Timeout a missed heartbeat too (developer guide, "Error names").
    """
    if error is not None and error in names:
        return True
    if TIMEOUT in names and error == HEARTBEAT_TIMEOUT:
        return True
    if error in UNCATCHABLE_BY_ALL:
        return False
    return ALL in names or (TASK_FAILED in names and error not in _TIMEOUTS)
