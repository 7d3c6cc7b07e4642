"""The history of an execution is kept whole when it ends, and no secret with it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.archive_execution import archive
from tasks.lake.messages import landing_of
from tasks.objects import MemoryObjects
from tests.lake.material import ask, land

ARN = "arn:aws:states:ap-south-1:111122223333:execution:algo-AccountBasket:s-20261123-S-ZA1-ENTRY"
TOKEN = "AQ" + "cEAAAAKgAAAAMAAAAAAAAAAdf3" * 5
AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


class States:
    """Step Functions with one execution, whose history takes two pages."""

    def __init__(self, **changes: Any) -> None:
        self._execution = {
            "executionArn": ARN,
            "name": "s-20261123-S-ZA1-ENTRY",
            "status": "SUCCEEDED",
            "startDate": AT,
            "stopDate": AT.replace(minute=1),
            "redriveCount": 0,
            "input": json.dumps({"user_id": "asha", "account": "ZA1", "run_key": "s-20261123-S"}),
            "ResponseMetadata": {},
        } | changes

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803  (boto3's name)
        assert executionArn == ARN
        return dict(self._execution)

    def get_paginator(self, operation: str) -> States:
        assert operation == "get_execution_history"
        return self

    def paginate(self, **_: Any) -> Iterator[Mapping[str, Any]]:
        scheduled = {"parameters": json.dumps({"TaskToken": TOKEN, "order_id": "N1"}), "resource": "invoke"}
        yield {"events": [{"id": 1, "type": "ExecutionStarted", "timestamp": AT}]}
        event = {"id": 2, "type": "TaskScheduled", "timestamp": AT, "taskScheduledEventDetails": scheduled}
        yield {"events": [event]}


def _document(objects: MemoryObjects) -> dict[str, Any]:
    (key,) = objects.keys("histories/")
    document: dict[str, Any] = json.loads(gzip.decompress(objects.content[key]))
    return document


def test_the_whole_history_is_kept_under_the_executions_name() -> None:
    objects = MemoryObjects()
    ended = archive(ARN, States(), objects)
    assert objects.keys("") == [
        "histories/trading_date=2026-11-23/algo-AccountBasket/s-20261123-S-ZA1-ENTRY.json.gz"
    ]
    assert [event["id"] for event in _document(objects)["events"]] == [1, 2]
    assert (ended.user_id, ended.account, ended.events) == ("asha", "ZA1", 2)


def test_no_task_token_is_kept() -> None:
    objects = MemoryObjects()
    archive(ARN, States(), objects)
    assert TOKEN not in json.dumps(_document(objects))
    assert "N1" in json.dumps(_document(objects))


def test_an_ending_that_is_told_twice_writes_the_same_object() -> None:
    once, twice = MemoryObjects(), MemoryObjects()
    archive(ARN, States(), once)
    archive(ARN, States(), twice)
    archive(ARN, States(), twice)
    assert once.content == twice.content


def test_the_lake_knows_where_it_is_and_each_ending_once(tmp_path: Path) -> None:
    states = States(status="FAILED", error="NotEntered", cause='{"token": "abc123xyz"}')
    failed = archive(ARN, states, MemoryObjects())
    redriven = archive(ARN, States(redriveCount=1), MemoryObjects())
    land(tmp_path, failed.model_dump_json(), failed.model_dump_json(), redriven.model_dump_json())
    assert ask(tmp_path, "SELECT status, error, redrives, machine FROM executions ORDER BY redrives") == [
        ("FAILED", "NotEntered", 0, "algo-AccountBasket"),
        ("SUCCEEDED", "", 1, "algo-AccountBasket"),
    ]
    assert "abc123xyz" not in failed.cause


def test_a_machine_whose_input_names_nobody_is_kept_too() -> None:
    ended = archive(ARN, States(input="[]"), MemoryObjects())
    assert ended.user_id == ""
    assert landing_of(ended.model_dump_json()).kind.name == "executions"
