"""The lake as it is deployed: from the bus of the running platform to DuckDB, over its own S3."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from brokers.clock import IST
from localstack.platform import EMULATOR_PYTHON, Market, Platform
from localstack.site import ACCOUNT_ID, REGION, Ports, Site, machine_arn
from tasks.lake.reading import Place, open_lake
from tasks.objects import TABLES
from tests.lake.material import order, recorded

pytestmark = [pytest.mark.slow, pytest.mark.platform, pytest.mark.long]

BUCKET = f"algo-lake-{ACCOUNT_ID}-{REGION}"
PATIENCE = 60.0


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    made = Platform(Site(tmp_path_factory.mktemp("site"), Ports.free()))
    try:
        made.start(datetime(2026, 11, 23, 9, 20, tzinfo=IST), Market())
        yield made
    finally:
        made.stop()


def _tell(platform: Platform, *events: str) -> None:
    entries: list[Any] = [
        {
            "EventBusName": "algo",
            "Source": "algo",
            "DetailType": json.loads(event)["type"],
            "Detail": event,
        }
        for event in events
    ]
    assert platform.aws.events.put_events(Entries=entries)["FailedEntryCount"] == 0


def _ask(platform: Platform, sql: str) -> list[tuple[Any, ...]]:
    place = Place(f"s3://{BUCKET}/{TABLES}", platform.site.aws_url, REGION, key=ACCOUNT_ID, secret="local")
    return open_lake(place).execute(sql).fetchall()


def _in_time(answer: Callable[[], Any], wanted: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while (found := answer()) != wanted and time.monotonic() < deadline:
        time.sleep(0.3)
    assert found == wanted


def test_what_is_told_on_the_bus_is_in_the_lake_and_poison_has_its_reason(platform: Platform) -> None:
    _tell(platform, order(1, "OrderPlaced"), recorded("OrderTeleported", {}), order(2), order(1, "OrderPlaced"))
    asked = "SELECT type, sequence FROM order_events ORDER BY sequence"
    _in_time(lambda: _ask(platform, asked), [("OrderPlaced", 1), ("OrderFilled", 2)])
    dead = platform.aws.sqs.receive_message(
        QueueUrl=f"{platform.site.aws_url}/{ACCOUNT_ID}/algo-lake-dlq", MessageAttributeNames=["All"]
    )["Messages"]
    assert "OrderTeleported version 1 is not in the catalogue" in str(dead[0]["MessageAttributes"]["reason"])


def test_the_end_of_an_execution_is_in_the_lake_with_its_history(platform: Platform) -> None:
    """LakeNight itself: the machine, its two functions and what they may do."""
    started = platform.aws.step_functions.start_execution(stateMachineArn=machine_arn("LakeNight"), input="{}")
    name = started["executionArn"].rpartition(":")[2]
    asked = f"SELECT status, history FROM executions WHERE name = '{name}'"  # noqa: S608  (of our own making)
    key = f"histories/trading_date=2026-11-23/algo-LakeNight/{name}.json.gz"
    _in_time(lambda: _ask(platform, asked), [("SUCCEEDED", key)])
    assert platform.aws.s3.get_object(Bucket=BUCKET, Key=key)["ContentLength"] > 0
