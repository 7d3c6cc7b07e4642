"""ArchiveExecution: the history of an execution that has ended, kept in the lake's bucket.

AWS forgets a history 90 days after its end. What is kept is what the console shows, with every secret masked:
one gzipped JSON document, named by the machine and the execution, so that an ending that is told twice, or a
redrive, writes the same object again. A row of the kind `executions` says where it is.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import boto3

from brokers.clock import IST
from tasks.lake_bucket import lake_objects
from tasks.lake_message import ExecutionEnded
from tasks.lake_queue import tell
from tasks.masking import masked
from tasks.objects import HISTORIES, Objects
from tasks.spec import Function, Lake

FUNCTION = Function(
    name="ArchiveExecution",
    module="tasks.archive_execution",
    timeout=120,
    reads_histories=True,
    hears_endings=True,
    feeds_lake=True,
    lake=(Lake.ARCHIVE,),
)

PAGE = 1000
"""Events that Step Functions gives at once."""


def archive(arn: str, states: Any, objects: Objects) -> ExecutionEnded:
    """Keep the history of one execution, and say what became of it."""
    execution = _plain(states.describe_execution(executionArn=arn))
    events = [_plain(event) for event in _events(arn, states)]
    started = datetime.fromisoformat(execution["startDate"])
    machine = arn.split(":")[6]
    key = f"{HISTORIES}/trading_date={started.astimezone(IST):%Y-%m-%d}/{machine}/{execution['name']}.json.gz"
    document = masked({"execution": execution, "events": events})
    objects.put(key, gzip.compress(json.dumps(document, ensure_ascii=False).encode(), mtime=0))
    return _ended(arn, machine, execution, len(events), key)


def _events(arn: str, states: Any) -> Iterator[Mapping[str, Any]]:
    pages = states.get_paginator("get_execution_history")
    for page in pages.paginate(executionArn=arn, includeExecutionData=True, maxResults=PAGE):
        yield from page["events"]


def _plain(answer: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has it: times in UTC, and nothing of the call itself."""
    return {
        name: _plain(value)
        if isinstance(value, Mapping)
        else value.astimezone(UTC).isoformat()
        if isinstance(value, datetime)
        else value
        for name, value in answer.items()
        if name != "ResponseMetadata"
    }


def _ended(arn: str, machine: str, execution: Mapping[str, Any], events: int, key: str) -> ExecutionEnded:
    input_ = json.loads(execution.get("input") or "{}")
    known = {
        name: str(input_[name])
        for name in ("user_id", "basket_id", "strategy_id", "run_key", "account")
        if isinstance(input_, dict) and input_.get(name)
    }
    return ExecutionEnded(
        execution=arn,
        machine=machine,
        name=execution["name"],
        status=execution["status"],
        started_at=execution["startDate"],
        stopped_at=execution["stopDate"],
        redrives=execution.get("redriveCount", 0),
        error=execution.get("error") or "",
        cause=str(masked(execution.get("cause") or "")),
        events=events,
        history=key,
        **known,
    )


def handler(event: dict[str, Any], _context: Any) -> None:
    """Lambda handler of EventBridge's "Step Functions Execution Status Change"."""
    tell([archive(event["detail"]["executionArn"], _states(), _objects())])


@lru_cache(maxsize=1)
def _objects() -> Objects:
    return lake_objects()


@lru_cache(maxsize=1)
def _states() -> Any:
    return boto3.client("stepfunctions")
