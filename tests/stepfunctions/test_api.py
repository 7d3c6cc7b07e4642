"""The API as boto3 sees it: state machines, executions, histories."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from tests.stepfunctions.endpoint import ROLE, Endpoint, wait_until

pytestmark = pytest.mark.slow

PASS = {"Only": {"Type": "Pass", "End": True}}
WAIT = {"Nap": {"Type": "Wait", "Seconds": 3600, "End": True}}
MISSING = "arn:aws:states:ap-south-1:000000000000:stateMachine:nobody"


def definition(states: Mapping[str, object]) -> str:
    return json.dumps({"StartAt": next(iter(states)), "States": states})


def test_machine_is_created_once_and_described(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    first = sfn.create_state_machine(name="once", definition=definition(PASS), roleArn=ROLE)
    again = sfn.create_state_machine(name="once", definition=definition(PASS), roleArn=ROLE)

    assert again["stateMachineArn"] == first["stateMachineArn"]
    assert again["creationDate"] == first["creationDate"]
    described = sfn.describe_state_machine(stateMachineArn=first["stateMachineArn"])
    assert (described["name"], described["status"], described["type"]) == ("once", "ACTIVE", "STANDARD")
    with pytest.raises(sfn.exceptions.StateMachineAlreadyExists):
        sfn.create_state_machine(name="once", definition=definition(WAIT), roleArn=ROLE)


def test_running_execution_keeps_the_definition_it_started_with(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    arn = endpoint.create(WAIT)
    execution = sfn.start_execution(stateMachineArn=arn)["executionArn"]

    sfn.update_state_machine(stateMachineArn=arn, definition=definition(PASS))

    ran = sfn.describe_state_machine_for_execution(executionArn=execution)
    assert json.loads(ran["definition"])["StartAt"] == "Nap"
    assert json.loads(sfn.describe_state_machine(stateMachineArn=arn)["definition"])["StartAt"] == "Only"
    sfn.stop_execution(executionArn=execution)


def test_deleted_machine_is_gone_and_deleting_again_is_no_error(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    arn = endpoint.create(PASS)
    sfn.delete_state_machine(stateMachineArn=arn)
    sfn.delete_state_machine(stateMachineArn=arn)

    with pytest.raises(sfn.exceptions.StateMachineDoesNotExist):
        sfn.describe_state_machine(stateMachineArn=arn)
    listed = [
        m["stateMachineArn"]
        for page in sfn.get_paginator("list_state_machines").paginate()
        for m in page["stateMachines"]
    ]
    assert arn not in listed


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"A": {"Type": "Pass", "Next": "B"}}, "Missing 'Next' target: B at /States/A/Next"),
        (
            {"A": {"Type": "Pass", "End": True}, "B": {"Type": "Pass", "End": True}},
            'State "B" is not reachable',
        ),
        ({"A": {"Type": "Pass", "Assign": {}, "End": True}}, "Variables (Assign) run on AWS only"),
        ({"A": {"Type": "Pass", "QueryLanguage": "JSONata", "End": True}}, "'JSONata' runs on AWS only"),
        (
            {"A": {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "End": True}},
            "The resource 'arn:aws:states:::ecs:runTask.sync' runs on AWS only",
        ),
    ],
)
def test_definition_that_can_not_run_is_refused(
    endpoint: Endpoint, states: dict[str, object], words: str
) -> None:
    sfn = endpoint.client
    with pytest.raises(sfn.exceptions.InvalidDefinition) as refused:
        sfn.create_state_machine(name="refused", definition=definition(states), roleArn=ROLE)

    assert words in str(refused.value)
    found = sfn.validate_state_machine_definition(definition=definition(states))
    assert found["result"] == "FAIL"
    assert found["diagnostics"][0]["location"].startswith("/States/")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 81, "a:b"])
def test_name_that_no_arn_can_hold_is_refused(endpoint: Endpoint, name: str) -> None:
    sfn = endpoint.client
    arn = endpoint.create(PASS)
    with pytest.raises((ClientError, ParamValidationError), match=r"InvalidName|Invalid length"):
        sfn.start_execution(stateMachineArn=arn, name=name)


def test_same_name_and_input_of_a_running_execution_gives_that_execution(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    arn = endpoint.create(WAIT)
    first = sfn.start_execution(stateMachineArn=arn, name="run", input='{"a":1}')
    again = sfn.start_execution(stateMachineArn=arn, name="run", input='{"a":1}')

    assert again["executionArn"] == first["executionArn"]
    assert again["startDate"] == first["startDate"]
    with pytest.raises(sfn.exceptions.ExecutionAlreadyExists):
        sfn.start_execution(stateMachineArn=arn, name="run", input='{"a":2}')
    sfn.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(sfn.exceptions.ExecutionAlreadyExists):
        sfn.start_execution(stateMachineArn=arn, name="run", input='{"a":1}')


def test_what_does_not_exist_and_what_is_no_input(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    arn = endpoint.create(PASS)
    with pytest.raises(sfn.exceptions.StateMachineDoesNotExist):
        sfn.start_execution(stateMachineArn=MISSING)
    with pytest.raises(sfn.exceptions.InvalidArn):
        sfn.start_execution(stateMachineArn="not-an-arn")
    with pytest.raises(sfn.exceptions.InvalidExecutionInput):
        sfn.start_execution(stateMachineArn=arn, input="{")
    with pytest.raises(sfn.exceptions.ExecutionDoesNotExist):
        sfn.describe_execution(executionArn=MISSING.replace("stateMachine", "execution") + ":x")


def test_history_comes_in_pages_and_backwards(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(60)} | {"S60": {"Type": "Succeed"}}
    arn = endpoint.start(states)
    endpoint.finish(arn)

    events = endpoint.events(arn)
    assert [event["id"] for event in events] == list(range(1, 125))
    assert len(sfn.get_execution_history(executionArn=arn)["events"]) == 100
    newest = sfn.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)
    assert newest["events"][0]["type"] == "ExecutionSucceeded"
    bare = sfn.get_execution_history(executionArn=arn, includeExecutionData=False, maxResults=2)
    assert "input" not in bare["events"][1]["stateEnteredEventDetails"]
    with pytest.raises(sfn.exceptions.InvalidToken):
        sfn.get_execution_history(executionArn=arn, nextToken="made up")


def test_executions_are_listed_newest_first_by_status_in_pages(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    arn = endpoint.create(WAIT)
    made = [sfn.start_execution(stateMachineArn=arn, name=f"n{n}")["executionArn"] for n in range(5)]
    sfn.stop_execution(executionArn=made[0], error="Enough", cause="for today")

    listed = sfn.list_executions(stateMachineArn=arn, maxResults=2)
    assert [e["name"] for e in listed["executions"]] == ["n4", "n3"]
    made.append(sfn.start_execution(stateMachineArn=arn, name="n5")["executionArn"])
    rest = sfn.list_executions(stateMachineArn=arn, nextToken=listed["nextToken"])
    assert [e["name"] for e in rest["executions"]] == ["n2", "n1", "n0"]
    running = sfn.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
    assert [e["name"] for e in running] == ["n5", "n4", "n3", "n2", "n1"]
    stopped = sfn.describe_execution(executionArn=made[0])
    assert (stopped["status"], stopped["error"], stopped["cause"]) == ("ABORTED", "Enough", "for today")
    for execution in made:
        sfn.stop_execution(executionArn=execution)
    wait_until(lambda: endpoint.idle()["next_due"] is None)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("create_activity", {"name": "a"}),
        ("publish_state_machine_version", {"stateMachineArn": MISSING}),
        ("list_state_machine_aliases", {"stateMachineArn": MISSING}),
        ("list_map_runs", {"executionArn": MISSING}),
        ("describe_map_run", {"mapRunArn": MISSING}),
    ],
)
def test_operation_that_is_not_there_answers_with_awss_error_for_that(
    endpoint: Endpoint, operation: str, arguments: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="UnknownOperationException") as refused:
        getattr(endpoint.client, operation)(**arguments)
    assert f"'{''.join(word.capitalize() for word in operation.split('_'))}'" in str(refused.value)


def test_revision_is_named_from_the_first_update_on(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    arn = endpoint.create(PASS)
    assert "revisionId" not in sfn.describe_state_machine(stateMachineArn=arn)
    revision = sfn.update_state_machine(stateMachineArn=arn, definition=definition(WAIT))["revisionId"]
    assert sfn.describe_state_machine(stateMachineArn=arn)["revisionId"] == revision
    with pytest.raises(ClientError, match=r"MissingRequiredParameter.*LoggingConfiguration"):
        sfn.update_state_machine(stateMachineArn=arn)


def test_tags_belong_to_machines_that_there_are(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    arn = endpoint.create(PASS)
    sfn.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    sfn.untag_resource(resourceArn=arn, tagKeys=["a", "never"])
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    with pytest.raises(sfn.exceptions.ResourceNotFound):
        sfn.tag_resource(resourceArn=MISSING, tags=[{"key": "a", "value": "1"}])


def test_logging_and_tracing_are_taken_and_not_acted_on(endpoint: Endpoint) -> None:
    sfn = endpoint.client
    made = sfn.create_state_machine(
        name="logged",
        definition=definition(PASS),
        roleArn="arn:aws:iam::000000000000:role/that-nobody-made",
        loggingConfiguration={"level": "ALL", "includeExecutionData": True},
        tracingConfiguration={"enabled": True},
    )
    described = sfn.describe_state_machine(stateMachineArn=made["stateMachineArn"])
    assert described["loggingConfiguration"]["level"] == "OFF"
    assert described["tracingConfiguration"] == {"enabled": False}


def test_request_of_five_megabytes_is_refused(endpoint: Endpoint) -> None:
    request = urllib.request.Request(  # noqa: S310
        endpoint.url,
        data=b" " * 5_000_000,
        headers={"X-Amz-Target": "AWSStepFunctions.ListStateMachines"},
    )
    with pytest.raises((urllib.error.HTTPError, ConnectionError, urllib.error.URLError)) as refused:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310
    if isinstance(refused.value, urllib.error.HTTPError):
        assert refused.value.code == 413
        refused.value.close()
    assert endpoint.idle()["busy"] == 0
