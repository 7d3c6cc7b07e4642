"""WatchExecutions, Express, each minute: no execution is stuck, and no exit ends before its position does."""

from __future__ import annotations

from pydantic import BaseModel

from tasks import watch_executions
from workflows import parts
from workflows.asl.machine import Machine
from workflows.asl.states import Succeed


class Data(BaseModel):
    watched: watch_executions.Output


WATCH_EXECUTIONS = Machine(
    name="WatchExecutions",
    comment="Find executions that are stuck, and let exits go on that ended too early",
    data=Data,
    states=[
        parts.invoke("LookAtExecutions", "watch_executions", "watched", {}),
        Succeed(name="Watched"),
    ],
    kind="EXPRESS",
)
