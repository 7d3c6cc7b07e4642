"""What arrives is applied or kept, what goes wrong is heard, and a schedule only starts runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from infra.alarms import COUNTED
from infra.settings import PREFIX, ROOT, named
from tests.infra.templates import Assembly, Json, as_list, statements

pytestmark = pytest.mark.slow


def queues(aws: Assembly) -> dict[str, Json]:
    return {each.name: each.properties for each in aws.all("AWS::SQS::Queue")}


def alarms(aws: Assembly) -> list[Json]:
    return [each.properties for each in aws.all("AWS::CloudWatch::Alarm")]


def counted_names() -> Iterator[str]:
    """What the tasks count by a literal name."""
    for path in sorted((ROOT / "tasks").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr="alarms"), attr="count"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    yield name


def test_one_bad_update_does_not_hold_up_the_others(aws: Assembly) -> None:
    (mapping,) = aws.all("AWS::Lambda::EventSourceMapping")
    assert mapping.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping.properties["FunctionName"]["Ref"].startswith("ApplyUpdates")


def test_an_update_is_not_seen_twice_while_it_is_being_applied(aws: Assembly) -> None:
    (queue,) = (each for each in queues(aws).values() if "RedrivePolicy" in each)
    assert queue["VisibilityTimeout"] >= 6 * aws.functions()["ApplyUpdates"]["Timeout"]


def test_every_queue_has_dead_letters_or_is_where_they_go(aws: Assembly) -> None:
    found = queues(aws)
    for queue in found.values():
        if queue["QueueName"].endswith("-dlq"):
            assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
        else:
            target = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
            assert found[target]["QueueName"] == f"{queue['QueueName']}-dlq"
            assert queue["RedrivePolicy"]["maxReceiveCount"] >= 3


def test_queues_are_encrypted_and_speak_tls_only(aws: Assembly) -> None:
    guarded = {
        policy.properties["Queues"][0]["Ref"]
        for policy in aws.all("AWS::SQS::QueuePolicy")
        for each in policy.properties["PolicyDocument"]["Statement"]
        if each["Effect"] == "Deny" and each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert guarded == set(queues(aws))
    assert all(queue["SqsManagedSseEnabled"] for queue in queues(aws).values())


def test_the_only_way_in_is_a_throttled_postback(aws: Assembly) -> None:
    assert [each.properties["RouteKey"] for each in aws.all("AWS::ApiGatewayV2::Route")] == [
        "POST /postback/{account}"
    ]
    (stage,) = aws.all("AWS::ApiGatewayV2::Stage")
    assert stage.properties["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 50}
    assert "body" not in stage.properties["AccessLogSettings"]["Format"].lower()
    assert not aws.all("AWS::Lambda::Url")


def test_every_bad_end_of_an_execution_alarms(aws: Assembly) -> None:
    watched = {
        (alarm["Dimensions"][0]["Value"]["Ref"], alarm["MetricName"])
        for alarm in alarms(aws)
        if alarm["Namespace"] == "AWS/States"
    }
    machines = [each.name for each in aws.all("AWS::StepFunctions::StateMachine")]
    endings = ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")
    assert watched == {(machine, ending) for machine in machines for ending in endings}


def test_every_dead_letter_alarms(aws: Assembly) -> None:
    watched = {
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for alarm in alarms(aws)
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    }
    assert watched == {name for name, queue in queues(aws).items() if queue["QueueName"].endswith("-dlq")}


def test_functions_that_no_machine_runs_alarm_by_themselves(aws: Assembly) -> None:
    watched = {
        alarm["Dimensions"][0]["Value"]["Ref"]
        for alarm in alarms(aws)
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    }
    names = {each.name for each in aws.all("AWS::Lambda::Function")}
    assert watched == {name for name in names if name.startswith(("ReceivePostback", "ApplyUpdates"))}


def test_everything_a_task_counts_has_an_alarm(aws: Assembly) -> None:
    names = set(counted_names())
    assert "ExitBlocked" in names
    assert names <= set(COUNTED)
    watched = {
        alarm["MetricName"]: {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        for alarm in alarms(aws)
        if alarm["Namespace"] == "Algo"
    }
    # As `tasks.aws.MetricAlarms` writes them; CloudWatch matches dimensions exactly.
    assert watched == {name: {"alarm": name, "service": PREFIX} for name in COUNTED}


def test_alarms_reach_the_topic_and_the_topic_takes_them(aws: Assembly) -> None:
    assert all(len(alarm["AlarmActions"]) == 1 for alarm in alarms(aws))
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in alarms(aws))
    (policy,) = aws.all("AWS::SNS::TopicPolicy")
    publishers = [
        each["Principal"]
        for each in policy.properties["PolicyDocument"]["Statement"]
        if each["Effect"] == "Allow" and "sns:Publish" in as_list(each["Action"])
    ]
    assert publishers == [{"Service": "cloudwatch.amazonaws.com"}]


def test_a_schedule_starts_a_strategy_and_nothing_else(aws: Assembly) -> None:
    (group,) = aws.all("AWS::Scheduler::ScheduleGroup")
    assert group.properties["Name"] == PREFIX
    (role,) = (
        each for each in aws.all("AWS::IAM::Role") if each.properties.get("RoleName") == named("schedules")
    )
    allowed = {
        (action, resource.rstrip("0123456789ABCDEF"))
        for policy in aws.all("AWS::IAM::Policy")
        if {"Ref": role.name} in policy.properties["Roles"]
        for statement in statements(policy.properties["PolicyDocument"])
        for action in statement.actions
        for resource in statement.resources
    }
    assert ("states:StartExecution", "StrategyLifecycle") in allowed
    assert {action for action, _ in allowed} == {
        "states:StartExecution",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:SendMessage",
    }


def test_a_machine_is_its_committed_definition(aws: Assembly) -> None:
    for machine in aws.machines().values():
        placeholders = set(machine["DefinitionSubstitutions"])
        assert all(f"${{{name}}}" in machine["DefinitionString"] for name in placeholders)
        assert machine["DefinitionString"].count("${") == sum(
            machine["DefinitionString"].count(f"${{{name}}}") for name in placeholders
        )
        assert machine["StateMachineType"] == "STANDARD"


def test_task_tokens_are_not_logged(aws: Assembly) -> None:
    """A state's parameters hold its token, and whoever holds it may answer."""
    for machine in aws.machines().values():
        assert machine["LoggingConfiguration"]["Level"] == "ALL"
        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
