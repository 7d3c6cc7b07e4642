"""Express machines: StartSyncExecution, and what they do not have."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.stepfunctions.durable import Durable
from tests.stepfunctions.endpoint import ROLE, Endpoint, wait_until
from tests.stepfunctions.fake_aws import FakeAws, function_arn

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

pytestmark = pytest.mark.slow


def create(endpoint: Endpoint, name: str, states: dict[str, Any], **fields: Any) -> str:
    definition = json.dumps({"StartAt": next(iter(states)), "States": states, **fields})
    made = endpoint.client.create_state_machine(name=name, definition=definition, roleArn=ROLE, type="EXPRESS")
    return made["stateMachineArn"]


def sync(endpoint: Endpoint) -> SFNClient:
    """boto3 puts `sync-` before the host's name; an address has no such neighbour."""
    return boto3.client(
        "stepfunctions",
        endpoint_url=endpoint.url,
        region_name="ap-south-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
    )


def test_sync_execution_answers_with_the_output(endpoint: Endpoint, aws: FakeAws) -> None:
    aws.functions["double"] = lambda event: event["n"] * 2
    states = {"Double": {"Type": "Task", "Resource": function_arn("double"), "End": True}}
    arn = create(endpoint, "double", states)

    answer = sync(endpoint).start_sync_execution(stateMachineArn=arn, name="once", input='{"n": 21}')

    assert (answer["status"], answer["output"], answer["input"]) == ("SUCCEEDED", "42", '{"n": 21}')
    assert ":express:double:once:" in answer["executionArn"]
    assert answer["billingDetails"]["billedDurationInMilliseconds"] % 100 == 0
    again = sync(endpoint).start_sync_execution(stateMachineArn=arn, name="once", input='{"n": 1}')
    assert again["executionArn"] != answer["executionArn"], "a name may be used again"


def test_sync_execution_tells_of_failure_and_time_out(endpoint: Endpoint) -> None:
    fail = create(endpoint, "fails", {"No": {"Type": "Fail", "Error": "Shut", "Cause": "Holiday"}})
    answer = sync(endpoint).start_sync_execution(stateMachineArn=fail)
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Shut", "Holiday")

    nap = {"Nap": {"Type": "Wait", "Seconds": 3600, "End": True}}
    slow = create(endpoint, "slow", nap, TimeoutSeconds=600)
    answers: list[Any] = []
    ask = threading.Thread(
        target=lambda: answers.append(sync(endpoint).start_sync_execution(stateMachineArn=slow))
    )
    ask.start()
    wait_until(lambda: endpoint.idle()["next_due"])
    endpoint.jump(301)  # five minutes are the most
    ask.join(10)
    assert answers[0]["status"] == "TIMED_OUT"


@pytest.mark.parametrize(
    "resource",
    ["arn:aws:states:::sqs:sendMessage.waitForTaskToken", "arn:aws:states:::states:startExecution.sync:2"],
)
def test_express_machine_may_not_wait_for_somebody(endpoint: Endpoint, resource: str) -> None:
    with pytest.raises(endpoint.client.exceptions.InvalidDefinition, match="needs a Standard machine"):
        create(endpoint, "waits", {"Ask": {"Type": "Task", "Resource": resource, "End": True}})


def test_express_execution_is_not_described_listed_or_redriven(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    machine = create(endpoint, "quiet", {"Only": {"Type": "Pass", "End": True}})
    arn = sfn.start_execution(stateMachineArn=machine)["executionArn"]

    for ask in (sfn.describe_execution, sfn.get_execution_history, sfn.redrive_execution, sfn.stop_execution):
        with pytest.raises(ClientError, match="not valid in this context: express"):
            ask(executionArn=arn)
    with pytest.raises(ClientError, match="StateMachineTypeNotSupported"):
        sfn.list_executions(stateMachineArn=machine)
    assert sfn.describe_state_machine(stateMachineArn=machine)["type"] == "EXPRESS"


def test_express_child_is_started_and_not_waited_for(endpoint: Endpoint, aws: FakeAws) -> None:
    aws.functions["seen"] = lambda event: event
    states = {"Call": {"Type": "Task", "Resource": function_arn("seen"), "End": True}}
    child = create(endpoint, "child", states)
    for pattern, status in (("", "SUCCEEDED"), (".sync", "FAILED")):
        start = {
            "Type": "Task",
            "Resource": f"arn:aws:states:::states:startExecution{pattern}",
            "Parameters": {"StateMachineArn": child, "Input": {"n": 1}},
            "End": True,
        }
        ended = endpoint.finish(endpoint.start({"Start": start}))
        assert ended["status"] == status
        if pattern:
            assert ended["error"] == "StepFunctions.StateMachineTypeNotSupportedException"
    wait_until(lambda: aws.calls_of("seen") == [{"n": 1}])


def test_standard_machine_is_not_started_in_sync(endpoint: Endpoint) -> None:
    arn = endpoint.create({"Only": {"Type": "Pass", "End": True}})
    with pytest.raises(ClientError, match="StateMachineTypeNotSupported"):
        sync(endpoint).start_sync_execution(stateMachineArn=arn)


def test_acknowledged_express_execution_runs_at_least_once_over_a_kill(durable: Durable, aws: FakeAws) -> None:
    stuck, calls = threading.Event(), list[Any]()

    def slow(event: Any) -> Any:
        calls.append(event)
        if len(calls) == 1:
            stuck.wait(20)
        return {}

    aws.functions["slow"] = slow
    endpoint = durable.start()
    states = {"Call": {"Type": "Task", "Resource": function_arn("slow"), "End": True}}
    machine = create(endpoint, "once-more", states)
    endpoint.client.start_execution(stateMachineArn=machine, input='{"n":1}')
    wait_until(lambda: calls)
    durable.kill()

    endpoint = durable.start()
    wait_until(lambda: len(calls) == 2 and not endpoint.idle()["busy"])
    stuck.set()

    durable.kill()
    endpoint = durable.start()
    assert endpoint.idle()["busy"] == 0
    assert len(calls) == 2, "it has ended, so it does not begin again"
