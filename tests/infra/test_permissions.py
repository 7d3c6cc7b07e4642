"""Nobody may do more than their work needs, and everything that is named exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from policy_sentry.querying.actions import get_action_data

from infra.settings import PREFIX, SECRET_PREFIX, named
from tasks.catalogue import FUNCTIONS
from tasks.spec import Table
from tests.infra.templates import Assembly, Statement, as_text, statements

pytestmark = pytest.mark.slow

SENDS_TOKENS = {"states:SendTaskFailure", "states:SendTaskSuccess"}
LISTS = {"dynamodb:ListStreams", "scheduler:ListSchedules"}
LOGS_AND_TRACES = ("logs:", "xray:")


def functions_that_may(aws: Assembly, *actions: str) -> set[str]:
    return {
        name
        for name, function in aws.functions().items()
        if any(set(actions) & set(statement.actions) for statement in aws.may(function))
    }


def work(found: list[Statement]) -> list[Statement]:
    """Without logs and traces."""
    return [each for each in found if not all(action.startswith(LOGS_AND_TRACES) for action in each.actions)]


def all_statements(aws: Assembly) -> Iterator[Statement]:
    for policy in aws.all("AWS::IAM::Policy"):
        yield from statements(policy.properties["PolicyDocument"])


def table_actions(found: list[Statement]) -> dict[str, set[str]]:
    """By table; the indexes of a table go with it."""
    allowed: dict[str, set[str]] = {}
    for statement in found:
        for resource in statement.resources:
            if match := re.search(r":table/algo-(\w+)", resource):
                allowed.setdefault(match[1], set()).update(statement.actions)
    return allowed


def test_only_functions_that_talk_to_a_broker_read_secrets(aws: Assembly) -> None:
    expected = {function.name for function in FUNCTIONS if function.broker or function.keeps_secrets}
    assert functions_that_may(aws, "secretsmanager:GetSecretValue") == expected
    secrets = {
        resource
        for statement in all_statements(aws)
        if "secretsmanager:GetSecretValue" in statement.actions
        for resource in statement.resources
    }
    assert [secret.split(":secret:")[1] for secret in secrets] == [f"{SECRET_PREFIX}*"]


def test_only_functions_that_keep_secrets_change_one(aws: Assembly) -> None:
    expected = {function.name for function in FUNCTIONS if function.keeps_secrets}
    for action in ("CreateSecret", "PutSecretValue", "DeleteSecret"):
        assert functions_that_may(aws, f"secretsmanager:{action}") == expected


def test_only_functions_that_keep_schedules_change_one(aws: Assembly) -> None:
    expected = {function.name for function in FUNCTIONS if function.keeps_schedules}
    for action in ("CreateSchedule", "UpdateSchedule", "DeleteSchedule", "ListSchedules"):
        assert functions_that_may(aws, f"scheduler:{action}") == expected
    assert functions_that_may(aws, "iam:PassRole") == expected


def test_only_functions_that_complete_callbacks_answer_task_tokens(aws: Assembly) -> None:
    expected = {function.name for function in FUNCTIONS if function.completes_callbacks}
    assert functions_that_may(aws, *SENDS_TOKENS) == expected


def test_a_function_starts_the_machines_it_declares_and_no_other_function(aws: Assembly) -> None:
    assert functions_that_may(aws, "lambda:InvokeFunction") == set()
    for spec in FUNCTIONS:
        started = {
            resource.rpartition(":")[2].removeprefix(f"{PREFIX}-")
            for statement in aws.may(aws.functions()[spec.name])
            if "states:StartExecution" in statement.actions
            for resource in statement.resources
        }
        assert started == set(spec.starts), spec.name


def test_only_functions_that_publish_reach_the_bus(aws: Assembly) -> None:
    expected = {function.name for function in FUNCTIONS if function.publishes}
    assert functions_that_may(aws, "events:PutEvents") == expected


def test_only_account_basket_may_have_orders_placed(aws: Assembly) -> None:
    callers = {
        name
        for name, machine in aws.machines().items()
        for statement in aws.may(machine)
        if "lambda:InvokeFunction" in statement.actions
        and any(resource.endswith(f":function:{named('PlaceOrder')}") for resource in statement.resources)
    }
    assert callers == {"AccountBasket"}
    from_outside = {as_text(each.properties["FunctionName"]) for each in aws.all("AWS::Lambda::Permission")}
    heard = tuple(spec.name for spec in FUNCTIONS if spec.hears or spec.follows or spec.hears_endings)
    doors = ("ReceivePostback", *heard)
    of_people = (":algo-Api", ":algo-AskLake")
    assert [n for n in from_outside if not n.startswith(doors) and not n.endswith(of_people)] == []


def test_updates_go_from_the_receiver_through_the_queue_to_the_applier(aws: Assembly) -> None:
    senders = {function.name for function in FUNCTIONS if function.sends_updates}
    buries = {function.name for function in FUNCTIONS if function.fed_by}  # what a stream's function can't take
    to_the_lake = {function.name for function in FUNCTIONS if function.feeds_lake}
    may_send = functions_that_may(aws, "sqs:SendMessage") - buries - to_the_lake - {"WriteLake"}
    assert may_send == senders == {"ReceivePostback"}
    assert functions_that_may(aws, "sqs:ReceiveMessage") == {"ApplyUpdates", "WriteLake"}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_function_touches_the_tables_it_declares(aws: Assembly, function: object) -> None:
    spec = next(each for each in FUNCTIONS if each is function)
    allowed = table_actions(aws.may(aws.functions()[spec.name]))
    followed = {table for table, actions in allowed.items() if "dynamodb:GetRecords" in actions}
    assert followed == set(spec.fed_by)
    assert set(allowed) == {*spec.reads, *spec.writes, *spec.fed_by}
    for table, actions in allowed.items():
        reading = Table(table) in spec.reads
        writing = Table(table) in spec.writes
        assert ("dynamodb:GetItem" in actions) == reading
        assert ("dynamodb:UpdateItem" in actions) == writing
        assert ("dynamodb:Scan" in actions) == (Table(table) in spec.scans)


def test_only_task_tokens_and_what_is_declared_are_ever_deleted(aws: Assembly) -> None:
    for name, function in aws.functions().items():
        declared = {"callbacks", *next(each.deletes for each in FUNCTIONS if each.name == name)}
        for table, actions in table_actions(aws.may(function)).items():
            assert "dynamodb:DeleteItem" not in actions or table in declared, name


def test_orders_and_positions_are_recorded_by_the_machine(aws: Assembly) -> None:
    """ClaimOrder and RecordPosition need no Lambda: their tables are written by AccountBasket itself."""
    allowed = table_actions(aws.may(aws.machines()["AccountBasket"]))
    assert allowed == {"orders": {"dynamodb:PutItem"}, "positions": {"dynamodb:UpdateItem"}}


def test_a_machine_may_do_what_its_states_do_and_nothing_else(aws: Assembly) -> None:
    for name, machine in aws.machines().items():
        definition = machine["DefinitionString"]
        used = {
            action
            for action, mark in {
                "dynamodb:PutItem": ":::dynamodb:putItem",
                "dynamodb:UpdateItem": ":::dynamodb:updateItem",
                "lambda:InvokeFunction": "Function}",
                "states:StartExecution": ":::states:startExecution",
            }.items()
            if mark in definition
        }
        allowed = {action for statement in work(aws.may(machine)) for action in statement.actions}
        assert allowed - set(_logs_and_traces(allowed)) == used, name


def _logs_and_traces(actions: set[str]) -> Iterator[str]:
    return (action for action in actions if action.startswith(LOGS_AND_TRACES))


def test_no_action_is_a_wildcard_and_no_resource_that_could_be_named(aws: Assembly) -> None:
    """`*` stands alone only where IAM knows nothing narrower: traces, log delivery, answers, lists."""
    for statement in all_statements(aws):
        assert not any("*" in action for action in statement.actions), statement
        if "*" in statement.resources:
            nameless = {a for a in statement.actions if not a.startswith(LOGS_AND_TRACES)}
            assert nameless <= SENDS_TOKENS | LISTS | {"ecr:GetAuthorizationToken"}, statement


def test_every_action_exists(aws: Assembly) -> None:
    for action in {action for statement in all_statements(aws) for action in statement.actions}:
        service, name = action.split(":")
        assert get_action_data(service, name), f"IAM has no {action}"


def test_only_aws_services_of_this_account_take_the_roles(aws: Assembly) -> None:
    services = {"lambda.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com"}
    tasks = {"ecs-tasks.amazonaws.com", "vpc-flow-logs.amazonaws.com"}  # CDK makes two of these roles
    for role in aws.all("AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in role.properties
        (statement,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"]["Service"] in services | tasks
        if statement["Principal"]["Service"] not in {"lambda.amazonaws.com", *tasks}:
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_everything_that_is_named_in_a_policy_is_made_by_a_stack(aws: Assembly) -> None:
    """Names are fixed, so that no stack is locked by another's export; nothing but this test finds a slip."""
    made = {
        "function": {each.properties["FunctionName"] for each in aws.all("AWS::Lambda::Function")},
        "stateMachine": {
            each.properties["StateMachineName"] for each in aws.all("AWS::StepFunctions::StateMachine")
        },
        "table": {each.properties["TableName"] for each in aws.all("AWS::DynamoDB::Table")},
    }
    named_things = {
        (kind, name)
        for statement in all_statements(aws)
        for resource in statement.resources
        for kind, name in re.findall(rf":(function|stateMachine|table)[:/]({PREFIX}-\w+)", resource)
    }
    assert named_things
    assert {(kind, name) for kind, name in named_things if name not in made[kind]} == set()
