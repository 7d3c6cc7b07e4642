"""EventBridge hears of every change of status."""

from __future__ import annotations

import json
import threading
from typing import Any, cast

import pytest

from localstack.stepfunctions.engine import Record
from localstack.stepfunctions.integrations.clients import Clients
from localstack.stepfunctions.journal import RevisionRow
from localstack.stepfunctions.machines import StateMachine
from localstack.stepfunctions.status_events import MAX_WAITING, MAX_WAITING_DATA, StatusEvents, configured
from tests.stepfunctions.endpoint import Endpoint, wait_until
from tests.stepfunctions.fake_aws import FakeAws
from workflows.asl.interpreter import Execution, Machine, SeededEntropy, Status
from workflows.asl.interpreter.simulation import FACTS

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


def test_events_that_pile_up_go_without_their_data() -> None:
    execution = Execution(
        Machine.parse({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}),
        FACTS,
        json.dumps("x" * 100_000),
        SeededEntropy("seed"),
    )
    execution.start(0.0)
    record = Record("arn", "name", _machine(), execution, execution.input.text, "seed", 1)
    sent: list[Any] = []
    stuck = threading.Event()

    class Bus:
        def get(self, _service: str) -> Bus:
            return self

        def put_events(self, **entries: Any) -> None:
            stuck.wait(10)
            sent.extend(json.loads(entry["Detail"]) for entry in entries["Entries"])

    events = StatusEvents(cast("Clients", Bus()), lambda: 0.0, enabled=True)
    for _ in range(MAX_WAITING + 10):
        events.changed(record, Status.SUCCEEDED)
    stuck.set()
    wait_until(lambda: len(sent) == MAX_WAITING)
    events.close()

    with_data = [event for event in sent if event["input"] is not None]
    assert 2 <= len(with_data) <= MAX_WAITING_DATA // 200_000 + 2
    assert sent[-1]["inputDetails"] == {"included": False}


def _machine() -> StateMachine:
    row = RevisionRow("r", "arn:machine", "m", "STANDARD", "{}", "role", 0.0, 0.0)
    return StateMachine(row, Machine.parse({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}))
