"""`states:startExecution`: executions that start executions, without leaving the process."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from localstack.stepfunctions.integrations.failures import CallFailed
from localstack.stepfunctions.integrations.values import sdk_metadata
from workflows.asl.interpreter import Happening, Pattern, Status, TaskFailed, TaskSucceeded
from workflows.asl.interpreter.data import Json, dumps

if TYPE_CHECKING:
    from localstack.stepfunctions.engine import Record
    from localstack.stepfunctions.errors import ApiError


def request(arguments: Json) -> tuple[str, str | None, str]:
    """Machine ARN, name and input text. An Input that is JSON is serialized; without one it is `{}`."""
    given = {name.lower(): value for name, value in arguments.items()} if isinstance(arguments, dict) else {}
    input_ = given.get("input")
    text = input_ if isinstance(input_, str) else dumps({} if input_ is None else input_)
    return str(given.get("statemachinearn", "")), given.get("name"), text


def started(arn: str, at: float) -> Json:
    return {"ExecutionArn": arn, **sdk_metadata(str(uuid.uuid4()), {}), "StartDate": _milliseconds(at)}


def _milliseconds(at: float) -> int:
    return round(at * 1000)


def refused(wrong: ApiError) -> CallFailed:
    """`StepFunctions.ExecutionAlreadyExistsException` and its like."""
    name = wrong.type if wrong.type.endswith("Exception") else f"{wrong.type}Exception"
    details = f"Service: AWSStepFunctions; Status Code: {wrong.status}; Error Code: {wrong.type}"
    cause = f"{wrong.message} ({details}; Request ID: {uuid.uuid4()}; Proxy: null)"
    return CallFailed(f"StepFunctions.{name}", cause)


def ended(task: str, child: Record, pattern: Pattern) -> Happening:
    """What a `.sync` task hears when its child has ended: `.sync:2` gets input and output as JSON."""
    description = _description(child, as_json=pattern is Pattern.SYNC_2)
    if child.execution.status is Status.SUCCEEDED:
        return TaskSucceeded(task, description)
    return TaskFailed(task, "States.TaskFailed", dumps(description))


def _description(child: Record, *, as_json: bool) -> dict[str, Json]:
    execution = child.execution
    fields: dict[str, Json] = {
        "Cause": execution.cause,
        "Error": execution.error,
        "ExecutionArn": child.arn,
        "Input": json.loads(child.input) if as_json else child.input,
        "InputDetails": {"Included": True},
        "Name": child.name,
        "StartDate": _milliseconds(execution.started_at),
        "StateMachineArn": child.machine_arn,
        "Status": execution.status.value,
        "StopDate": _milliseconds(execution.stopped_at or execution.at),
    }
    if execution.output is not None:
        fields["Output"] = json.loads(execution.output) if as_json else execution.output
        fields["OutputDetails"] = {"Included": True}
    return {name: fields[name] for name in sorted(fields) if fields[name] is not None}
