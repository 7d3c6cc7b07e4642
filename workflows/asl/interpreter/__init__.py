"""An interpreter for the Amazon States Language (JSONPath dialect), without I/O and without a clock.

It takes what happened and says what to do next; it keeps the history AWS would show. It needs the JSON of a
definition and nothing else: it knows nothing of the typed language beside it.
"""

from workflows.asl.interpreter.definition import Machine
from workflows.asl.interpreter.entropy import Entropy, SeededEntropy
from workflows.asl.interpreter.errors import InvalidDefinition, Problem
from workflows.asl.interpreter.execution import Execution, Facts, NotRedrivable
from workflows.asl.interpreter.happenings import (
    CallReturned,
    CancelTask,
    CancelTimer,
    Effect,
    Finished,
    Happening,
    Heartbeat,
    Pattern,
    Purpose,
    Redriven,
    ScheduleTask,
    StartTimer,
    Status,
    Stopped,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)
from workflows.asl.interpreter.history import Event
from workflows.asl.interpreter.validation import problems

__all__ = [
    "CallReturned",
    "CancelTask",
    "CancelTimer",
    "Effect",
    "Entropy",
    "Event",
    "Execution",
    "Facts",
    "Finished",
    "Happening",
    "Heartbeat",
    "InvalidDefinition",
    "Machine",
    "NotRedrivable",
    "Pattern",
    "Problem",
    "Purpose",
    "Redriven",
    "ScheduleTask",
    "SeededEntropy",
    "StartTimer",
    "Status",
    "Stopped",
    "TaskFailed",
    "TaskSucceeded",
    "TimerFired",
    "problems",
]
