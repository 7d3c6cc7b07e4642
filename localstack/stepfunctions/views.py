"""What the API says about an execution."""

from __future__ import annotations

import math

from localstack.stepfunctions.engine import Record
from localstack.stepfunctions.journal import ExecutionRow
from workflows.asl.interpreter.data import Json

REDRIVABLE_SECONDS = 14 * 24 * 3600
"""An execution can be redriven within 14 days of its end."""

RUNNING_REASON = "Execution is RUNNING and cannot be redriven"


def why_not_redrivable(record: Record, now: float) -> str | None:
    stopped = record.execution.stopped_at
    if stopped is not None and now - stopped > REDRIVABLE_SECONDS:
        return "Execution redrivable period exceeded"
    return record.execution.redrivable()


def listed(row: ExecutionRow) -> dict[str, Json]:
    """One line of ListExecutions."""
    fields: dict[str, Json] = {
        "executionArn": row.arn,
        "stateMachineArn": row.machine_arn,
        "name": row.name,
        "status": row.status,
        "startDate": row.started_at,
        "stopDate": row.stopped_at,
        "redriveCount": row.redrive_count,
        "redriveDate": row.redriven_at,
    }
    return _without_none(fields)


def _summary(record: Record) -> dict[str, Json]:
    execution = record.execution
    return {
        "executionArn": record.arn,
        "stateMachineArn": record.machine_arn,
        "name": record.name,
        "status": execution.status.value,
        "startDate": execution.started_at,
        "stopDate": execution.stopped_at,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redriven_at,
    }


def described(record: Record, now: float, *, with_data: bool = True) -> dict[str, Json]:
    execution = record.execution
    reason = why_not_redrivable(record, now)
    fields: dict[str, Json] = {
        **_summary(record),
        "redriveStatus": "REDRIVABLE" if reason is None else "NOT_REDRIVABLE",
        "redriveStatusReason": reason,
        "error": execution.error,
        "cause": execution.cause,
    }
    if with_data:
        fields["input"], fields["inputDetails"] = record.input, {"included": True}
        if execution.output is not None:
            fields["output"], fields["outputDetails"] = execution.output, {"included": True}
    return _without_none(fields)


def _without_none(fields: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}


def sync_answer(record: Record) -> dict[str, Json]:
    """StartSyncExecution's answer. The bill is AWS's: 64 MB at least, time rounded up to 100 ms."""
    execution = record.execution
    stopped = execution.stopped_at or execution.at
    milliseconds = 100 * max(1, math.ceil((stopped - execution.started_at) * 10))
    fields: dict[str, Json] = {
        "executionArn": record.arn,
        "stateMachineArn": record.machine_arn,
        "name": record.name,
        "status": execution.status.value,
        "startDate": execution.started_at,
        "stopDate": stopped,
        "error": execution.error,
        "cause": execution.cause,
        "input": record.input,
        "inputDetails": {"included": True},
        "output": execution.output,
        "outputDetails": None if execution.output is None else {"included": True},
        "billingDetails": {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": milliseconds},
    }
    return _without_none(fields)
