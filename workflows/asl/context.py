"""The context object: what Step Functions knows of the execution, the state and the Map item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workflows.asl.paths import Reference


@dataclass(frozen=True)
class ContextPath(Reference):
    """A path into the context object; `type` is what is found there."""

    type: Any = str


EXECUTION_ID = ContextPath("$$.Execution.Id")
EXECUTION_NAME = ContextPath("$$.Execution.Name")
EXECUTION_INPUT = ContextPath("$$.Execution.Input", dict[str, Any])
EXECUTION_START_TIME = ContextPath("$$.Execution.StartTime")
REDRIVE_COUNT = ContextPath("$$.Execution.RedriveCount", int)
STATE_NAME = ContextPath("$$.State.Name")
STATE_ENTERED_TIME = ContextPath("$$.State.EnteredTime")
RETRY_COUNT = ContextPath("$$.State.RetryCount", int)
STATE_MACHINE_ID = ContextPath("$$.StateMachine.Id")
STATE_MACHINE_NAME = ContextPath("$$.StateMachine.Name")
TASK_TOKEN = ContextPath("$$.Task.Token")
MAP_ITEM_INDEX = ContextPath("$$.Map.Item.Index", int)
MAP_ITEM_VALUE = ContextPath("$$.Map.Item.Value", Any)

KNOWN = {
    reference.source: reference
    for reference in (
        EXECUTION_ID,
        EXECUTION_NAME,
        EXECUTION_INPUT,
        EXECUTION_START_TIME,
        REDRIVE_COUNT,
        STATE_NAME,
        STATE_ENTERED_TIME,
        RETRY_COUNT,
        STATE_MACHINE_ID,
        STATE_MACHINE_NAME,
        TASK_TOKEN,
        MAP_ITEM_INDEX,
        MAP_ITEM_VALUE,
    )
}
