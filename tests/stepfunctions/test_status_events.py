"""EventBridge hears of every change of status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localstack.stepfunctions.status_events import configured
from tests.stepfunctions.endpoint import Endpoint, wait_until
from tests.stepfunctions.fake_aws import FakeAws

pytestmark = pytest.mark.slow


def told(aws: FakeAws, arn: str) -> list[Any]:
    return [json.loads(event["Detail"]) for event in aws.events if event["Resources"] == [arn]]


def test_start_end_and_redrive_are_told_as_aws_tells_them(endpoint: Endpoint, aws: FakeAws) -> None:
    arn = endpoint.start({"No": {"Type": "Fail", "Error": "Shut", "Cause": "Holiday"}}, {"n": 1})
    endpoint.client.redrive_execution(executionArn=arn)
    wait_until(lambda: len(told(aws, arn)) == 4)

    event = next(event for event in aws.events if event["Resources"] == [arn])
    assert (event["Source"], event["DetailType"]) == ("aws.states", "Step Functions Execution Status Change")
    running, failed, again, _ = told(aws, arn)
    assert (running["status"], running["stopDate"], running["output"]) == ("RUNNING", None, None)
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "Shut", "Holiday")
    assert (failed["input"], failed["redriveStatus"]) == ('{"n": 1}', "REDRIVABLE")
    assert (again["status"], again["redriveCount"]) == ("RUNNING", 1)
    assert isinstance(failed["stopDate"], int)


def test_nothing_is_sent_where_no_endpoint_is_configured() -> None:
    assert not configured({})
    assert configured({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})
    assert configured({"AWS_ENDPOINT_URL_EVENTBRIDGE": "http://127.0.0.1:4566"})
