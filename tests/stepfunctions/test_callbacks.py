"""Task tokens, in good time and late."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from tests.stepfunctions.endpoint import Endpoint, wait_until
from tests.stepfunctions.fake_aws import FakeAws, function_arn

pytestmark = pytest.mark.slow


def callback(**fields: Any) -> dict[str, Any]:
    parameters = {
        "FunctionName": function_arn("watch"),
        "Payload": {"token.$": "$$.Task.Token", "order.$": "$.order"},
    }
    resource = "arn:aws:states:::lambda:invoke.waitForTaskToken"
    return {"Watch": {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **fields}}


def token_of(aws: FakeAws, number: int = 1) -> str:
    token: str = wait_until(lambda: len(aws.calls_of("watch")) >= number and aws.calls_of("watch")[-1]["token"])
    return token


@pytest.fixture
def watched(aws: FakeAws) -> None:
    aws.functions["watch"] = lambda _event: None


@pytest.mark.usefixtures("watched")
def test_token_completes_the_state(endpoint: Endpoint, aws: FakeAws) -> None:
    arn = endpoint.start(callback(), {"order": "N1"})
    token = token_of(aws)
    wait_until(lambda: endpoint.idle()["busy"] == 0)
    assert endpoint.status(arn) == "RUNNING"

    endpoint.client.send_task_success(taskToken=token, output='{"filled":35}')

    assert endpoint.output(arn) == {"filled": 35}
    assert endpoint.kinds(arn)[2:7] == [
        "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskStateExited",
    ]  # fmt: skip


def test_token_completed_while_the_function_that_handed_it_over_still_runs(
    endpoint: Endpoint, aws: FakeAws
) -> None:
    release, sent = threading.Event(), threading.Event()

    def watch(event: Any) -> Any:
        endpoint.client.send_task_success(taskToken=event["token"], output='{"filled":70}')
        sent.set()
        release.wait(10)
        return {"late": True}

    aws.functions["watch"] = watch
    arn = endpoint.start(callback(), {"order": "N2"})
    assert sent.wait(5)

    assert endpoint.output(arn) == {"filled": 70}
    assert endpoint.idle()["busy"] == 1
    release.set()
    wait_until(lambda: endpoint.idle()["busy"] == 0)
    assert endpoint.kinds(arn)[-3:] == ["TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"]


def test_function_that_fails_after_its_token_came_back_changes_nothing(
    endpoint: Endpoint, aws: FakeAws
) -> None:
    def watch(event: Any) -> Any:
        endpoint.client.send_task_success(taskToken=event["token"], output="1")
        raise RuntimeError("too late")

    aws.functions["watch"] = watch
    assert endpoint.output(endpoint.start(callback(), {"order": "N3"})) == 1


@pytest.mark.usefixtures("watched")
def test_second_completion_and_completion_after_the_time_out_are_told_so(
    endpoint: Endpoint, aws: FakeAws
) -> None:
    sfn = endpoint.client
    arn = endpoint.start(callback(TimeoutSeconds=1), {"order": "N4"})
    token = token_of(aws)

    assert endpoint.finish(arn)["error"] == "States.Timeout"

    with pytest.raises(sfn.exceptions.TaskTimedOut):
        sfn.send_task_success(taskToken=token, output="{}")
    with pytest.raises(sfn.exceptions.TaskTimedOut):
        sfn.send_task_heartbeat(taskToken=token)


@pytest.mark.usefixtures("watched")
def test_short_time_out_is_a_poll_and_each_round_has_a_token_of_its_own(
    endpoint: Endpoint, aws: FakeAws
) -> None:
    states = callback(
        TimeoutSeconds=1, Catch=[{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.poll", "Next": "Again"}]
    )
    states["Again"] = {"Type": "Pass", "Next": "Watch"}
    arn = endpoint.start(states, {"order": "N5"})
    first = token_of(aws)
    second = token_of(aws, 2)
    assert first != second

    with pytest.raises(endpoint.client.exceptions.TaskTimedOut):
        endpoint.client.send_task_success(taskToken=first, output="{}")
    endpoint.client.send_task_success(taskToken=second, output='"done"')

    assert endpoint.output(arn) == "done"


@pytest.mark.usefixtures("watched")
def test_failure_by_token(endpoint: Endpoint, aws: FakeAws) -> None:
    arn = endpoint.start(callback(), {"order": "N6"})
    endpoint.client.send_task_failure(taskToken=token_of(aws), error="Rejected", cause="margin")

    ended = endpoint.finish(arn)
    assert (ended["error"], ended["cause"]) == ("Rejected", "margin")


@pytest.mark.usefixtures("watched")
def test_heartbeats_keep_a_task_alive(endpoint: Endpoint, aws: FakeAws) -> None:
    arn = endpoint.start(callback(TimeoutSeconds=600, HeartbeatSeconds=100), {"order": "N7"})
    token = token_of(aws)
    wait_until(lambda: endpoint.idle()["busy"] == 0)
    for _ in range(3):
        endpoint.jump(60)
        endpoint.client.send_task_heartbeat(taskToken=token)
    assert endpoint.status(arn) == "RUNNING"

    endpoint.jump(101)

    assert endpoint.finish(arn)["error"] == "States.HeartbeatTimeout"


def test_what_is_no_token(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    with pytest.raises(sfn.exceptions.InvalidToken):
        sfn.send_task_success(taskToken="no token", output="{}")
    with pytest.raises(sfn.exceptions.TaskDoesNotExist):
        sfn.send_task_success(taskToken="AQ" + "A" * 86, output="{}")


@pytest.mark.usefixtures("watched")
def test_output_that_is_not_json_is_refused_and_the_token_stays_good(endpoint: Endpoint, aws: FakeAws) -> None:
    arn = endpoint.start(callback(), {"order": "N8"})
    token = token_of(aws)
    with pytest.raises(endpoint.client.exceptions.InvalidOutput):
        endpoint.client.send_task_success(taskToken=token, output="{")
    endpoint.client.send_task_success(taskToken=token, output=json.dumps({"ok": True}))

    assert endpoint.output(arn) == {"ok": True}
