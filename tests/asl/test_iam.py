"""What a machine may do: real IAM actions, on what it names, and nothing else."""

from __future__ import annotations

from typing import Any

from tests.asl.broken.material import END, KEY, PUT, STARTS, call, look, machine, mapped
from workflows.asl.iam import Statement, iam_statements
from workflows.asl.states import State

TABLE = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${OrdersTable}"


def needs(state: State, **fields: Any) -> list[Statement]:
    return iam_statements(machine(state, END, **fields))


def test_a_function_is_invoked_and_nothing_more() -> None:
    assert needs(look()) == [Statement(("lambda:InvokeFunction",), ("${LookUpFunction}",))]


def test_a_transaction_needs_the_permissions_of_its_parts() -> None:
    update = KEY | {"UpdateExpression": "REMOVE x"}
    check = KEY | {"ConditionExpression": "attribute_exists(order_id)"}
    items = [{"Put": PUT}, {"Update": update}, {"Delete": KEY}, {"ConditionCheck": check}]
    arguments = {"TransactItems": items, "ClientRequestToken": "one"}
    actions = (
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    )
    transaction = call("dynamodb", "transactWriteItems", arguments, sdk=True)
    assert needs(transaction, portable=False) == [Statement(actions, (TABLE,))]


def test_a_query_by_an_index_touches_the_index_only() -> None:
    query = call("dynamodb", "query", {"TableName": "${OrdersTable}", "IndexName": "position"}, sdk=True)
    assert needs(query, portable=False) == [Statement(("dynamodb:Query",), (f"{TABLE}/index/position",))]


def test_a_child_that_is_started_without_waiting() -> None:
    assert needs(call("states", "startExecution", STARTS)) == [
        Statement(("states:StartExecution",), ("${ChildMachine}",))
    ]


def test_a_child_that_is_waited_for_must_be_followed_and_stopped() -> None:
    actions = {
        action
        for statement in needs(call("states", "startExecution", STARTS, pattern="sync:2"))
        for action in statement.actions
    }
    assert actions == {
        "states:StartExecution",
        "states:DescribeExecution",
        "states:StopExecution",
        "events:DescribeRule",
        "events:PutRule",
        "events:PutTargets",
    }


def test_permissions_are_named_as_iam_does_not_as_the_api() -> None:
    secret = "arn:aws:secretsmanager:ap-south-1:1:secret:x"
    read = call("secretsmanager", "getSecretValue", {"SecretId": "x"}, sdk=True, resources=(secret,))
    assert needs(read, portable=False) == [Statement(("secretsmanager:GetSecretValue",), (secret,))]
    send = call("sqs", "sendMessage", {"QueueUrl": "${UpdatesQueueUrl}", "MessageBody": {"a": 1}})
    assert needs(send) == [Statement(("sqs:SendMessage",), ("${UpdatesQueueArn}",))]


def test_states_inside_a_map_count_too() -> None:
    assert needs(mapped(look(end=True))) == needs(look())
