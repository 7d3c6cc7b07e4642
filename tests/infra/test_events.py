"""What arrives is applied or kept, what goes wrong is heard, and a schedule only starts runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from infra.api import SIGNED_IN
from infra.settings import PREFIX, ROOT, named
from tasks.alarms import COUNTED, runbook
from tasks.catalogue import FUNCTIONS
from tests.infra.templates import Assembly, Json, as_list, as_text, statements
from workflows.catalogue import MACHINES
from workflows.timetable import HOUSEKEEPING, PLATFORM, TIMETABLE

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
    mappings = [each.properties for each in aws.all("AWS::Lambda::EventSourceMapping")]
    assert all(mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for mapping in mappings)
    queued = [each["FunctionName"]["Ref"] for each in mappings if "BisectBatchOnFunctionError" not in each]
    assert sorted(name.rstrip("0123456789ABCDEF") for name in queued) == ["ApplyUpdates", "WriteLake"]


def test_a_change_that_can_not_become_an_event_ends_alone_among_the_dead_letters(aws: Assembly) -> None:
    fed = [
        each.properties
        for each in aws.all("AWS::Lambda::EventSourceMapping")
        if "BisectBatchOnFunctionError" in each.properties
    ]
    assert sorted(each["EventSourceArn"] for each in fed) == sorted(
        f"{{{{resolve:ssm:/algo/streams/{table}}}}}" for spec in FUNCTIONS for table in spec.fed_by
    )
    for mapping in fed:
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["MaximumRetryAttempts"] >= 5
        target = mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
        assert target.startswith("EventsDeadLetters")


def test_an_event_that_nobody_takes_is_a_dead_letter(aws: Assembly) -> None:
    rules = [each.properties for each in aws.all("AWS::Events::Rule")]
    ended = {named(spec.name) for spec in FUNCTIONS if spec.hears_endings or spec.follows}
    heard = {named(spec.name) for spec in FUNCTIONS if spec.hears} | {named("lake")}
    assert {rule["Name"] for rule in rules} == heard | ended
    for rule in rules:
        assert rule["EventPattern"]["source"] == ["aws.states" if rule["Name"] in ended else "algo"]
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("EventsDeadLetters")
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0


def test_failures_and_redrives_of_runs_are_followed_and_nothing_else(aws: Assembly) -> None:
    rules = {each.properties["Name"]: each.properties for each in aws.all("AWS::Events::Rule")}
    rule = rules[named("RecordFailures")]
    assert "EventBusName" not in rule
    detail = rule["EventPattern"]["detail"]
    machines = [as_text(arn).rpartition(":")[2] for arn in detail["stateMachineArn"]]
    assert machines == [named("StrategyLifecycle"), named("AccountBasket")]
    assert detail["$or"] == [
        {"status": ["FAILED", "TIMED_OUT", "ABORTED"]},
        {"redriveCount": [{"numeric": [">", 0]}]},
    ]


def test_an_update_is_not_seen_twice_while_it_is_being_applied(aws: Assembly) -> None:
    takers = {"algo-updates": "ApplyUpdates", "algo-lake": "WriteLake"}
    found = {each["QueueName"]: each for each in queues(aws).values() if "RedrivePolicy" in each}
    assert found.keys() == takers.keys()
    for name, taker in takers.items():
        assert found[name]["VisibilityTimeout"] >= 6 * aws.functions()[taker]["Timeout"]


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


PUBLIC = {"POST /postback/{account}", "GET /callback/{account}", "GET /health"}
"""Each proves itself in another way, or tells nothing."""


def test_whoever_has_no_token_comes_in_nowhere_else(aws: Assembly) -> None:
    routes = {each.properties["RouteKey"]: each.properties for each in aws.all("AWS::ApiGatewayV2::Route")}
    guarded = {route for route, each in routes.items() if each.get("AuthorizationType") == "JWT"}
    assert set(routes) - guarded == PUBLIC
    assert guarded == {"ANY /{proxy+}", "POST /lake/questions"}
    assert not aws.all("AWS::Lambda::Url")


def test_a_token_has_to_be_of_our_pool_and_for_our_client(aws: Assembly) -> None:
    (authorizer,) = aws.all("AWS::ApiGatewayV2::Authorizer")
    (pool,) = aws.all("AWS::Cognito::UserPool")
    (client,) = aws.all("AWS::Cognito::UserPoolClient")
    trusted = authorizer.properties["JwtConfiguration"]
    assert trusted["Audience"] == [{"Ref": client.name}]
    assert pool.name in as_text(trusted["Issuer"])


def test_every_way_in_is_throttled_and_logs_no_body(aws: Assembly) -> None:
    stages = [each.properties for each in aws.all("AWS::ApiGatewayV2::Stage")]
    assert len(stages) == 2
    for stage in stages:
        assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] <= 100
        assert "body" not in stage["AccessLogSettings"]["Format"].lower()
        assert "authorization" not in stage["AccessLogSettings"]["Format"].lower()


def test_people_prove_their_email_and_have_strong_passwords(aws: Assembly) -> None:
    (pool,) = (each.properties for each in aws.all("AWS::Cognito::UserPool"))
    assert pool["AutoVerifiedAttributes"] == ["email"]
    assert pool["UsernameAttributes"] == ["email"]
    assert pool["MfaConfiguration"] == "OPTIONAL"
    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    policy = pool["Policies"]["PasswordPolicy"]
    assert policy["MinimumLength"] >= 12
    assert all(policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols"))
    groups = {each.properties["GroupName"] for each in aws.all("AWS::Cognito::UserPoolGroup")}
    assert groups == {"admin", "user"}


def test_the_client_keeps_no_secret_and_uses_the_code_flow(aws: Assembly) -> None:
    (client,) = (each.properties for each in aws.all("AWS::Cognito::UserPoolClient"))
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["CallbackURLs"] == [SIGNED_IN]
    assert client["PreventUserExistenceErrors"] == "ENABLED"


def test_users_are_kept_when_a_stack_goes(aws: Assembly) -> None:
    (pool,) = aws.all("AWS::Cognito::UserPool")
    assert pool.properties["DeletionProtection"] == "ACTIVE"
    assert pool.attributes["DeletionPolicy"] == "Retain"


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
    hearing = ("fed_by", "hears", "follows", "hears_endings")
    triggered = [spec.name for spec in FUNCTIONS if any(getattr(spec, name) for name in hearing)]
    alone = ("ReceivePostback", "ApplyUpdates", "WriteLake", "AskLake", "Api", *triggered)
    assert watched == {name for name in names if name.rstrip("0123456789ABCDEF") in alone}


def test_everything_a_task_counts_has_an_alarm(aws: Assembly) -> None:
    names = set(counted_names())
    assert "ExitBlocked" in names
    assert names <= set(COUNTED)
    watched = {
        alarm["MetricName"]: {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        for alarm in alarms(aws)
        if alarm["Namespace"] == "Algo" and alarm["MetricName"] not in SILENCE
    }
    # As `tasks.aws.MetricAlarms` writes them; CloudWatch matches dimensions exactly.
    assert watched == {name: {"alarm": name, "service": PREFIX} for name in COUNTED}


def test_every_alarm_looks_each_minute_and_names_a_page(aws: Assembly) -> None:
    """Called within a minute of the first one, and told where it says what to do."""
    for alarm in alarms(aws):
        assert alarm["Period"] == 60
        if alarm["MetricName"] not in SILENCE:
            assert (alarm["EvaluationPeriods"], alarm["Threshold"]) == (1, 1)
        assert "DatapointsToAlarm" not in alarm
        page = re.fullmatch(r".+ Runbook: (docs/runbooks/[\w-]+\.md)", alarm["AlarmDescription"])
        assert page, alarm["AlarmDescription"]
        assert (ROOT / page[1]).is_file()
        if alarm["Namespace"] == "Algo" and alarm["MetricName"] not in SILENCE:
            assert page[1] == runbook(alarm["MetricName"])


SILENCE = {"FeedLeads", "RunningTaskCount"}
"""Metrics whose silence is bad news: `tests/infra/test_feed.py`."""


def test_alarms_reach_the_topic_and_the_topic_takes_them(aws: Assembly) -> None:
    assert all(len(alarm["AlarmActions"]) == 1 for alarm in alarms(aws))
    loud = [alarm for alarm in alarms(aws) if alarm["MetricName"] not in SILENCE]
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in loud)
    (policy,) = aws.all("AWS::SNS::TopicPolicy")
    publishers = [
        each["Principal"]
        for each in policy.properties["PolicyDocument"]["Statement"]
        if each["Effect"] == "Allow" and "sns:Publish" in as_list(each["Action"])
    ]
    assert publishers == [{"Service": "cloudwatch.amazonaws.com"}]


def test_a_schedule_starts_a_strategy_and_nothing_else(aws: Assembly) -> None:
    groups = {each.properties["Name"] for each in aws.all("AWS::Scheduler::ScheduleGroup")}
    assert groups == {PREFIX, PLATFORM, HOUSEKEEPING}
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


def test_task_tokens_are_not_logged(aws: Assembly) -> None:
    """A state's parameters hold its token, and whoever holds it may answer."""
    for machine in aws.machines().values():
        assert machine["LoggingConfiguration"]["Level"] == "ALL"
        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_what_waits_is_standard_and_what_looks_often_is_express(aws: Assembly) -> None:
    kinds = {name: machine["StateMachineType"] for name, machine in aws.machines().items()}
    assert kinds == {machine.name: machine.kind for machine in MACHINES}


def test_the_platforms_own_machines_run_by_the_timetable(aws: Assembly) -> None:
    made = {each.properties["Name"]: each.properties for each in aws.all("AWS::Scheduler::Schedule")}
    assert set(made) == {timed.machine for timed in TIMETABLE}
    for schedule in made.values():
        assert schedule["GroupName"] != PREFIX  # the reconciler owns that group
        assert schedule["ScheduleExpressionTimezone"] == "Asia/Kolkata"
        assert schedule["Target"]["DeadLetterConfig"]
