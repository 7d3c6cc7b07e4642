"""Tasks call services through boto3, and errors come back under AWS's names."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.stepfunctions.endpoint import Endpoint, wait_until
from tests.stepfunctions.fake_aws import Broken, FakeAws, HungUp, Throttled, function_arn

pytestmark = pytest.mark.slow


class TokenExpired(Exception):
    """A named error of a function."""


def task(resource: str, **fields: Any) -> dict[str, Any]:
    return {"Call": {"Type": "Task", "Resource": resource, "End": True, **fields}}


def raising(error: type[Exception]) -> Any:
    def function(_event: Any) -> Any:
        raise error("because")

    return function


def test_function_by_its_arn(endpoint: Endpoint, aws: FakeAws) -> None:
    aws.functions["double"] = lambda event: {"twice": event["n"] * 2}
    arn = endpoint.start(task(function_arn("double"), Parameters={"n.$": "$.n"}), {"n": 21})

    assert endpoint.output(arn) == {"twice": 42}
    assert endpoint.kinds(arn) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


def test_invoke_gives_payload_and_what_aws_adds(endpoint: Endpoint, aws: FakeAws) -> None:
    aws.functions["echo"] = lambda event: event
    parameters = {"FunctionName": function_arn("echo"), "Payload": {"a.$": "$.a"}}
    arn = endpoint.start(task("arn:aws:states:::lambda:invoke", Parameters=parameters), {"a": [1]})

    output = endpoint.output(arn)
    assert output["Payload"] == {"a": [1]}
    assert output["StatusCode"] == 200
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    scheduled = endpoint.events(arn)[2]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == ("lambda", "invoke")


def test_exception_surfaces_under_its_class_name_with_the_payload_as_cause(
    endpoint: Endpoint, aws: FakeAws
) -> None:
    aws.functions["login"] = raising(TokenExpired)
    ended = endpoint.run(task(function_arn("login")))

    assert (ended["status"], ended["error"]) == ("FAILED", "TokenExpired")
    assert json.loads(ended["cause"])["errorMessage"] == "because"


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Throttled, "Lambda.TooManyRequestsException"),
        (Broken, "Lambda.ServiceException"),
        (HungUp, "Lambda.SdkClientException"),
    ],
)
def test_lambdas_own_failures_have_awss_names_and_nothing_is_sent_twice(
    endpoint: Endpoint, aws: FakeAws, failure: type[Exception], error: str
) -> None:
    aws.functions["order"] = raising(failure)
    ended = endpoint.run(task(function_arn("order")))

    assert ended["error"] == error
    assert len(aws.calls_of("order")) == 1


def test_function_that_is_not_there(endpoint: Endpoint) -> None:
    assert endpoint.run(task(function_arn("nobody")))["error"] == "Lambda.ResourceNotFoundException"


def test_retry_then_catch(endpoint: Endpoint, aws: FakeAws) -> None:
    aws.functions["flaky"] = raising(TokenExpired)
    states = {
        "Call": {
            "Type": "Task",
            "Resource": function_arn("flaky"),
            "Retry": [{"ErrorEquals": ["TokenExpired"], "IntervalSeconds": 1, "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.trouble", "Next": "Caught"}],
            "End": True,
        },
        "Caught": {"Type": "Succeed"},
    }
    arn = endpoint.start(states, {"order": 1})

    output = endpoint.output(arn)
    assert (output["order"], output["trouble"]["Error"]) == (1, "TokenExpired")
    assert len(aws.calls_of("flaky")) == 2


def test_conditional_put_fails_under_the_name_of_the_optimized_integration(endpoint: Endpoint) -> None:
    put = {
        "TableName": "runs",
        "Item": {"id": {"S.$": "$.id"}, "n": {"N.$": "States.Format('{}', $.n)"}},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    states = task("arn:aws:states:::dynamodb:putItem", Parameters=put, ResultPath="$.claim")

    first = endpoint.run(states, {"id": "a", "n": 1})
    second = endpoint.run(states, {"id": "a", "n": 1})

    assert first["status"] == "SUCCEEDED"
    assert second["error"] == "DynamoDB.ConditionalCheckFailedException"
    assert second["cause"].startswith(
        "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400;"
    )


def test_sdk_integration_names_errors_and_results_its_own_way(endpoint: Endpoint) -> None:
    put = {"TableName": "runs", "Item": {"id": {"S": "b"}}, "ConditionExpression": "attribute_not_exists(id)"}
    states = task("arn:aws:states:::aws-sdk:dynamodb:putItem", Parameters=put)
    assert json.loads(endpoint.run(states)["output"]) == {}
    assert endpoint.run(states)["error"] == "DynamoDb.ConditionalCheckFailedException"

    got = endpoint.run(
        task(
            "arn:aws:states:::aws-sdk:dynamodb:getItem",
            Parameters={"TableName": "runs", "Key": {"id": {"S": "b"}}},
        )
    )
    assert json.loads(got["output"]) == {"Item": {"id": {"S": "b"}}}


def test_unknown_argument_ends_the_execution(endpoint: Endpoint) -> None:
    ended = endpoint.run(task("arn:aws:states:::dynamodb:putItem", Parameters={"Table": "runs", "Item": {}}))
    assert ended["error"] == "States.Runtime"
    assert "Table" in ended["cause"]


def test_message_body_given_as_json_is_sent_as_text(endpoint: Endpoint, aws: FakeAws) -> None:
    send = {"QueueUrl": f"{aws.url}/queue", "MessageBody": {"a.$": "$.a"}}
    endpoint.output(endpoint.start(task("arn:aws:states:::sqs:sendMessage", Parameters=send), {"a": 1}))

    assert json.loads(aws.messages[0]["MessageBody"]) == {"a": 1}


def test_error_whose_code_is_not_its_name(endpoint: Endpoint, aws: FakeAws) -> None:
    send = {"QueueUrl": f"{aws.url}/gone", "MessageBody": "hello"}
    ended = endpoint.run(task("arn:aws:states:::sqs:sendMessage", Parameters=send))
    assert ended["error"] == "SQS.QueueDoesNotExistException"


def test_events_are_put_with_their_detail_as_text(endpoint: Endpoint, aws: FakeAws) -> None:
    entry = {"Source": "algo", "DetailType": "Filled", "Detail": {"order.$": "$.order"}}
    put = task("arn:aws:states:::events:putEvents", Parameters={"Entries": [entry]})
    endpoint.output(endpoint.start(put, {"order": "N1"}))

    # The endpoint's own status events arrive beside it, in their own time.
    (own,) = [each for each in aws.events if each["Source"] == "algo"]
    assert json.loads(own["Detail"]) == {"order": "N1"}


def test_task_times_out_and_the_late_answer_changes_nothing(endpoint: Endpoint, aws: FakeAws) -> None:
    aws.functions["slow"] = lambda _event: time.sleep(2.0)
    arn = endpoint.start(task(function_arn("slow"), TimeoutSeconds=1))

    ended = endpoint.finish(arn)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    wait_until(lambda: endpoint.idle()["busy"] == 0)
    assert endpoint.kinds(arn)[-2:] == ["LambdaFunctionTimedOut", "ExecutionFailed"]


# --- executions that start executions ---


def child_task(arn: str, name: str, pattern: str = "", **fields: Any) -> dict[str, Any]:
    parameters = {"StateMachineArn": arn, "Name": name, "Input": {"from.$": "$$.Execution.Id"}}
    return task(f"arn:aws:states:::states:startExecution{pattern}", Parameters=parameters, **fields)


def test_child_is_started_under_its_name_and_not_waited_for(endpoint: Endpoint) -> None:
    child = endpoint.create({"Nap": {"Type": "Wait", "Seconds": 3600, "End": True}})
    parent = endpoint.start(child_task(child, "one"))

    started = endpoint.output(parent)["ExecutionArn"]
    assert started.endswith(":one")
    given = json.loads(endpoint.client.describe_execution(executionArn=started)["input"])
    assert given == {"from": parent}
    again = endpoint.run(child_task(child, "one"))
    assert again["error"] == "StepFunctions.ExecutionAlreadyExistsException"
    endpoint.client.stop_execution(executionArn=started)


def test_synchronous_child_gives_its_output(endpoint: Endpoint) -> None:
    child = endpoint.create({"Give": {"Type": "Pass", "Result": {"n": 1}, "End": True}})

    text = endpoint.output(endpoint.start(child_task(child, "text", ".sync")))
    value = endpoint.output(endpoint.start(child_task(child, "value", ".sync:2")))

    assert (text["Status"], text["Output"]) == ("SUCCEEDED", '{"n":1}')
    assert value["Output"] == {"n": 1}


def test_synchronous_child_that_fails_fails_the_task(endpoint: Endpoint) -> None:
    child = endpoint.create({"No": {"Type": "Fail", "Error": "Shut", "Cause": "the market"}})
    ended = endpoint.run(child_task(child, "fails", ".sync:2"))

    assert ended["error"] == "States.TaskFailed"
    assert json.loads(ended["cause"])["Error"] == "Shut"


def test_child_is_stopped_when_its_synchronous_parent_is(endpoint: Endpoint) -> None:
    child = endpoint.create({"Nap": {"Type": "Wait", "Seconds": 3600, "End": True}})
    parent = endpoint.start(child_task(child, "stopped", ".sync"))
    started = wait_until(lambda: endpoint.client.list_executions(stateMachineArn=child)["executions"])[0]

    endpoint.client.stop_execution(executionArn=parent)

    assert endpoint.finish(started["executionArn"])["status"] == "ABORTED"
