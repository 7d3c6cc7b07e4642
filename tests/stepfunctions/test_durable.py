"""`kill -9` and a start on the same data: nothing that was acknowledged is lost, and everything goes on."""

from __future__ import annotations

import json
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.stepfunctions.durable import ROOT, Durable
from tests.stepfunctions.endpoint import ROLE, Endpoint, wait_until
from tests.stepfunctions.fake_aws import FakeAws, function_arn

pytestmark = pytest.mark.slow

CALLBACK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


def callback(**fields: Any) -> dict[str, Any]:
    body = {"token.$": "$$.Task.Token"}
    queue = "http://127.0.0.1/000000000000/q"
    parameters = {"QueueUrl": queue, "MessageBody": body}
    return {"Type": "Task", "Resource": CALLBACK, "Parameters": parameters, "End": True, **fields}


def tokens(aws: FakeAws) -> list[str]:
    return [json.loads(message["MessageBody"])["token"] for message in aws.messages]


def again(durable: Durable) -> Endpoint:
    durable.kill()
    return durable.start()


def test_waits_go_on_and_what_ended_is_still_there(durable: Durable) -> None:
    endpoint = durable.start()
    ended = endpoint.start({"Only": {"Type": "Pass", "Result": {"a": [1, 2.5, "ü", None]}, "End": True}})
    failed = endpoint.start({"No": {"Type": "Fail", "Error": "Shut", "Cause": "Holiday"}})
    nap = {"Nap": {"Type": "Wait", "Seconds": 600, "Next": "After"}, "After": {"Type": "Succeed"}}
    waiting = endpoint.start(nap, {"n": 7})
    machine = endpoint.client.describe_execution(executionArn=waiting)["stateMachineArn"]
    endpoint.client.tag_resource(resourceArn=machine, tags=[{"key": "team", "value": "options"}])
    seen = {arn: endpoint.events(arn) for arn in (ended, failed, waiting)}
    told = [endpoint.client.describe_execution(executionArn=arn) for arn in (ended, failed)]

    endpoint = again(durable)

    for arn, events in seen.items():
        assert endpoint.events(arn) == events
    for before in told:
        after = endpoint.client.describe_execution(executionArn=before["executionArn"])
        assert _without_metadata(after) == _without_metadata(before)
    assert endpoint.client.list_tags_for_resource(resourceArn=machine)["tags"][0]["value"] == "options"
    assert endpoint.status(waiting) == "RUNNING"
    endpoint.jump(599)
    assert endpoint.status(waiting) == "RUNNING"
    endpoint.jump(2)
    assert endpoint.output(waiting) == {"n": 7}


def _without_metadata(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_what_was_due_meanwhile_happens_at_once(durable: Durable) -> None:
    endpoint = durable.start()
    arn = endpoint.start({"Nap": {"Type": "Wait", "Seconds": 60, "End": True}})
    durable.kill()
    durable.clock.write_text("3600")

    endpoint = durable.start()

    assert endpoint.finish(arn)["status"] == "SUCCEEDED"


def test_token_stays_valid_and_is_over_when_its_task_is(durable: Durable, aws: FakeAws) -> None:
    endpoint = durable.start()
    arn = endpoint.start({"Ask": callback(TimeoutSeconds=3600)})
    wait_until(lambda: endpoint.kinds(arn)[-1] == "TaskSubmitted")
    (token,) = tokens(aws)

    endpoint = again(durable)
    endpoint.client.send_task_heartbeat(taskToken=token)
    assert tokens(aws) == [token], "the call had returned: it is not made again"
    endpoint.client.send_task_success(taskToken=token, output='{"yes": true}')
    assert endpoint.output(arn) == {"yes": True}

    endpoint = again(durable)
    with pytest.raises(endpoint.client.exceptions.TaskTimedOut):
        endpoint.client.send_task_success(taskToken=token, output="{}")
    with pytest.raises(endpoint.client.exceptions.TaskDoesNotExist):
        endpoint.client.send_task_success(taskToken="AQ" + "b" * 86, output="{}")
    assert endpoint.output(arn) == {"yes": True}


def test_task_whose_call_had_not_returned_is_called_again(durable: Durable, aws: FakeAws) -> None:
    stuck, calls = threading.Event(), list[Any]()

    def slow(event: Any) -> Any:
        calls.append(event)
        if len(calls) == 1:
            stuck.wait(20)
        return {"call": len(calls)}

    aws.functions["slow"] = slow
    endpoint = durable.start()
    arn = endpoint.start({"Call": {"Type": "Task", "Resource": function_arn("slow"), "End": True}}, {"n": 1})
    wait_until(lambda: calls)

    endpoint = again(durable)

    assert endpoint.output(arn) == {"call": 2}
    assert calls == [{"n": 1}, {"n": 1}]
    assert endpoint.kinds(arn).count("LambdaFunctionScheduled") == 1, "for the history it is one task"
    stuck.set()


def test_callback_whose_call_had_not_returned_is_called_again_with_the_same_token(
    durable: Durable, aws: FakeAws
) -> None:
    stuck, given = threading.Event(), list[str]()

    def ask(event: Any) -> Any:
        given.append(event["token"])
        if len(given) == 1:
            stuck.wait(20)
        return {}

    aws.functions["ask"] = ask
    parameters = {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}}
    resource_ = "arn:aws:states:::lambda:invoke.waitForTaskToken"
    endpoint = durable.start()
    arn = endpoint.start(
        {"Ask": {"Type": "Task", "Resource": resource_, "Parameters": parameters, "End": True}}
    )
    wait_until(lambda: given)

    endpoint = again(durable)
    wait_until(lambda: len(given) == 2)

    assert given[0] == given[1]
    endpoint.client.send_task_success(taskToken=given[0], output='"filled"')
    assert endpoint.output(arn) == "filled"
    stuck.set()


def test_time_out_that_passed_while_it_was_down_is_a_time_out(durable: Durable, aws: FakeAws) -> None:
    stuck, calls = threading.Event(), list[Any]()

    def slow(event: Any) -> Any:
        calls.append(event)
        stuck.wait(20)
        return {}

    aws.functions["slow"] = slow
    endpoint = durable.start()
    task = {"Type": "Task", "Resource": function_arn("slow"), "TimeoutSeconds": 30, "End": True}
    arn = endpoint.start({"Call": task})
    wait_until(lambda: calls)
    durable.kill()
    durable.clock.write_text("60")

    endpoint = durable.start()

    assert endpoint.finish(arn)["status"] == "FAILED"
    assert endpoint.events(arn)[-1]["executionFailedEventDetails"]["error"] == "States.Timeout"
    assert len(calls) == 1, "nobody would hear a second answer"
    stuck.set()


def test_retries_keep_their_count(durable: Durable, aws: FakeAws) -> None:
    calls: list[Any] = []

    def broken(event: Any) -> Any:
        calls.append(event)
        raise ValueError("no")

    aws.functions["broken"] = broken
    retry = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 60, "BackoffRate": 1.0, "MaxAttempts": 2}]
    endpoint = durable.start()
    arn = endpoint.start(
        {"Call": {"Type": "Task", "Resource": function_arn("broken"), "Retry": retry, "End": True}}
    )
    for attempt in (1, 2):
        _wait_for_retry(endpoint, calls, attempt)
        endpoint = again(durable)
        endpoint.jump(61)

    assert endpoint.finish(arn)["status"] == "FAILED"
    assert len(calls) == 3


def _wait_for_retry(endpoint: Endpoint, calls: list[Any], attempt: int) -> None:
    wait_until(lambda: len(calls) == attempt and endpoint.idle()["next_due"])


@pytest.mark.parametrize("ends_while_down", [False, True])
def test_sync_task_waits_on_for_the_child_it_started(durable: Durable, *, ends_while_down: bool) -> None:
    endpoint = durable.start()
    child = endpoint.create(WAIT_60)
    parameters = {"StateMachineArn": child, "Input": {"n": 5}}
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": parameters,
        "OutputPath": "$.Output",
        "End": True,
    }
    arn = endpoint.start({"Run": task})
    wait_until(lambda: endpoint.kinds(arn)[-1] == "TaskSubmitted")
    durable.kill()
    if ends_while_down:
        durable.clock.write_text("61")

    endpoint = durable.start()
    endpoint.jump(61)

    assert endpoint.output(arn) == {"n": 5}
    assert len(endpoint.client.list_executions(stateMachineArn=child)["executions"]) == 1


WAIT_60 = {"Nap": {"Type": "Wait", "Seconds": 60, "End": True}}


def test_failed_execution_is_redriven_after_a_restart(durable: Durable, aws: FakeAws) -> None:
    mended: list[bool] = []

    def plan(event: Any) -> Any:
        if not mended:
            raise ValueError("log in first")
        return {"ok": True}

    aws.functions["plan"] = plan
    endpoint = durable.start()
    arn = endpoint.start({"Plan": {"Type": "Task", "Resource": function_arn("plan"), "End": True}})
    assert endpoint.finish(arn)["status"] == "FAILED"

    endpoint = again(durable)
    mended.append(True)
    endpoint.client.redrive_execution(executionArn=arn, clientToken="one")
    assert endpoint.output(arn) == {"ok": True}

    endpoint = again(durable)
    assert endpoint.client.describe_execution(executionArn=arn)["redriveCount"] == 1
    endpoint.client.redrive_execution(executionArn=arn, clientToken="one")
    assert endpoint.kinds(arn).count("ExecutionRedriven") == 1


def test_running_execution_keeps_its_definition_over_an_update_and_a_restart(durable: Durable) -> None:
    endpoint = durable.start()
    machine = endpoint.create({**WAIT_60})
    arn = endpoint.client.start_execution(stateMachineArn=machine)["executionArn"]
    new = json.dumps({"StartAt": "Other", "States": {"Other": {"Type": "Pass", "End": True}}})
    endpoint.client.update_state_machine(stateMachineArn=machine, definition=new)

    endpoint = again(durable)

    ran = endpoint.client.describe_state_machine_for_execution(executionArn=arn)
    assert json.loads(ran["definition"])["StartAt"] == "Nap"
    assert endpoint.client.describe_state_machine(stateMachineArn=machine)["definition"] == new
    endpoint.client.delete_state_machine(stateMachineArn=machine)
    endpoint = again(durable)
    endpoint.jump(61)
    assert endpoint.finish(arn)["status"] == "SUCCEEDED"


def test_everything_acknowledged_under_a_storm_of_kills_is_there(durable: Durable) -> None:
    endpoint = durable.start()
    machine = endpoint.create({"Only": {"Type": "Pass", "End": True}})
    acknowledged: list[str] = []
    over = threading.Event()

    def start_many() -> None:
        number = 0
        while not over.is_set():
            number += 1
            try:
                made = endpoint.client.start_execution(stateMachineArn=machine, name=f"n{number}")
                acknowledged.append(made["executionArn"])
            except (BotoCoreError, ClientError):
                time.sleep(0.02)

    storm = threading.Thread(target=start_many)
    storm.start()
    for _ in range(3):
        before = len(acknowledged)
        wait_until(lambda before=before: len(acknowledged) > before + 20)  # type: ignore[misc]
        again(durable)
    over.set()
    storm.join()

    for arn in acknowledged:
        assert endpoint.finish(arn)["status"] == "SUCCEEDED"


def test_second_endpoint_on_the_same_data_does_not_start(durable: Durable) -> None:
    durable.start()
    command = [sys.executable, "-m", "localstack.stepfunctions", "--port", "0", "--data", str(durable.data)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert second.returncode != 0
    assert "does another endpoint use it?" in second.stderr


def test_data_of_another_version_is_refused(durable: Durable) -> None:
    durable.data.mkdir()
    with sqlite3.connect(durable.data / "stepfunctions.sqlite3") as database:
        database.execute("PRAGMA user_version = 99")
    command = [sys.executable, "-m", "localstack.stepfunctions", "--port", "0", "--data", str(durable.data)]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert refused.returncode != 0
    assert "version 99, not 1" in refused.stderr


def test_only_the_owner_can_read_what_tokens_are_made_from(durable: Durable) -> None:
    endpoint = durable.start()
    endpoint.start(WAIT_60)
    for file in durable.data.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_endpoint_that_can_not_write_stops_and_loses_nothing(durable: Durable) -> None:
    """A full disk, played by a limit on the size of a file."""
    limit = 2_000_000
    endpoint = durable.start(limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    machine = endpoint.create({"Only": {"Type": "Pass", "End": True}})
    acknowledged: list[str] = []
    with pytest.raises(BotoCoreError):
        _start_large_ones(endpoint, machine, acknowledged)
    process = durable.process
    assert process is not None
    assert process.wait(10) == 74
    assert acknowledged

    endpoint = durable.start()
    for arn in acknowledged:
        assert endpoint.finish(arn)["status"] == "SUCCEEDED"


def _start_large_ones(endpoint: Endpoint, machine: str, acknowledged: list[str]) -> None:
    for number in range(100):
        text = json.dumps("x" * 200_000)
        made = endpoint.client.start_execution(stateMachineArn=machine, name=f"n{number}", input=text)
        acknowledged.append(made["executionArn"])


def test_what_ended_90_days_ago_is_forgotten_and_its_name_is_free(durable: Durable) -> None:
    endpoint = durable.start()
    states = {"Only": {"Type": "Pass", "End": True}}
    definition = json.dumps({"StartAt": "Only", "States": states})
    made = endpoint.client.create_state_machine(name="old", definition=definition, roleArn=ROLE)
    machine = made["stateMachineArn"]
    waiting = endpoint.start({"Nap": {"Type": "Wait", "Seconds": 9_000_000, "End": True}})
    arn = endpoint.client.start_execution(stateMachineArn=machine, name="once")["executionArn"]
    endpoint.finish(arn)
    durable.kill()
    durable.clock.write_text(str(90 * 86_400 + 1))

    endpoint = durable.start()

    with pytest.raises(endpoint.client.exceptions.ExecutionDoesNotExist):
        endpoint.client.describe_execution(executionArn=arn)
    assert endpoint.status(waiting) == "RUNNING"
    endpoint.client.start_execution(stateMachineArn=machine, name="once")
