"""What happened, as a row of the journal, and back."""

from __future__ import annotations

import json
from typing import Final

from workflows.asl.interpreter import (
    CallReturned,
    Happening,
    Heartbeat,
    Redriven,
    Stopped,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)

Written = tuple[str, str, str]
"""(kind, task or timer, JSON)"""

_encoder: Final = json.JSONEncoder(separators=(",", ":"))
"""In ASCII: half of a surrogate pair, which JSON may hold, is no text for SQLite."""


def written(what: Happening) -> Written:
    kind = type(what).__name__
    if isinstance(what, (CallReturned, TaskSucceeded)):
        return kind, what.task, _encoder.encode(what.output)
    if isinstance(what, TaskFailed):
        return kind, what.task, _encoder.encode([what.error, what.cause])
    if isinstance(what, Stopped):
        return kind, "", _encoder.encode([what.error, what.cause])
    if isinstance(what, Heartbeat):
        return kind, what.task, ""
    if isinstance(what, TimerFired):
        return kind, what.timer, ""
    return kind, "", ""


def read(kind: str, subject: str, body: str) -> Happening:
    """Raises KeyError for a kind that there is not."""
    if kind in _WITH_OUTPUT:
        return _WITH_OUTPUT[kind](subject, json.loads(body))
    if kind == "TaskFailed":
        return TaskFailed(subject, *json.loads(body))
    if kind == "Stopped":
        return Stopped(*json.loads(body))
    if kind == "Redriven":
        return Redriven()
    return _BARE[kind](subject)


_BARE: dict[str, type[Heartbeat] | type[TimerFired]] = {"Heartbeat": Heartbeat, "TimerFired": TimerFired}
_WITH_OUTPUT: dict[str, type[CallReturned] | type[TaskSucceeded]] = {
    "CallReturned": CallReturned,
    "TaskSucceeded": TaskSucceeded,
}
