"""Wrong calls of AWS APIs. Each comes with the one thing that must be said about it."""

from __future__ import annotations

from tests.asl.broken.material import (
    END,
    ITEM,
    KEY,
    LOOK,
    PUT,
    STARTS,
    Cases,
    Order,
    Placed,
    call,
    look,
    machine,
    to,
)
from workflows.asl.context import TASK_TOKEN
from workflows.asl.paths import Path
from workflows.asl.resources import InvokeAndAwait

INTEGRATIONS: Cases = {
    "an operation that does not exist": (
        lambda: machine(call("dynamodb", "upsertItem", PUT, sdk=True), END, portable=False),
        "Write: dynamodb has no operation upsertItem: see its API reference [operation]",
    ),
    "a service that does not exist": (
        lambda: machine(call("dynamo", "putItem", PUT, sdk=True, resources=("*",)), END, portable=False),
        "Write: there is no service dynamo: name it as the AWS SDK for Java does [operation]",
    ),
    "an operation with a capital": (
        lambda: machine(call("dynamodb", "PutItem", PUT, sdk=True), END, portable=False),
        "Write: PutItem begins with a capital: write putItem [operation]",
    ),
    "an integration that waits for a job it can't wait for": (
        lambda: machine(
            call("sqs", "sendMessage", {"QueueUrl": "${Q}", "MessageBody": "x"}, pattern="sync"), END
        ),
        "Write: sqs:sendMessage can't be used with .sync: it has waitForTaskToken [operation]",
    ),
    "an argument with a small letter": (
        lambda: machine(
            call(
                "sfn",
                "startExecution",
                {"stateMachineArn": "${ChildMachine}", "StateMachineArn": "${ChildMachine}"},
                sdk=True,
            ),
            END,
            portable=False,
        ),
        "Write: stateMachineArn is no argument of StartExecutionInput: write StateMachineArn [arguments]",
    ),
    "an argument missing": (
        lambda: machine(call("dynamodb", "putItem", {"Item": ITEM}), END),
        "Write: TableName is missing, which PutItemInput requires: add it [arguments]",
    ),
    "a number where DynamoDB takes text": (
        lambda: machine(
            call("dynamodb", "putItem", PUT | {"Item": {"quantity": {"N": Path("$.order.quantity")}}}), END
        ),
        "Write: Item.quantity.N wants string: int is no str [argument-type]",
    ),
    "an attribute of a type DynamoDB does not have": (
        lambda: machine(call("dynamodb", "putItem", PUT | {"Item": {"side": {"T": "x"}}}), END),
        (
            "Write: Item.side.T is no argument of AttributeValue: it takes B, BOOL, BS, L, M, N, NS, NULL,"
            " S, SS [arguments]"
        ),
    ),
    "a value used in an expression but not declared": (
        lambda: machine(call("dynamodb", "updateItem", KEY | {"UpdateExpression": "SET quantity = :q"}), END),
        (
            "Write: :q is used but not declared, which DynamoDB refuses: mend the expression or its names and"
            " values [dynamodb-expression]"
        ),
    ),
    "a transaction without its idempotency token": (
        lambda: machine(
            call("dynamodb", "transactWriteItems", {"TransactItems": [{"Put": PUT}]}, sdk=True),
            END,
            portable=False,
        ),
        "Write: ClientRequestToken is missing: give it, or a retry would do the work twice [idempotency-token]",
    ),
    "an error with aws-sdk's prefix on an optimized call": (
        lambda: machine(
            call("dynamodb", "putItem", PUT, catch=[to("Done", "DynamoDb.ConditionalCheckFailedException")]),
            END,
        ),
        (
            "Write: DynamoDb.ConditionalCheckFailedException never matches: errors of"
            " arn:aws:states:::dynamodb:putItem begin with DynamoDB, write"
            " DynamoDB.ConditionalCheckFailedException [error-prefix]"
        ),
    ),
    "an error the operation does not have": (
        lambda: machine(
            call("dynamodb", "putItem", PUT, catch=[to("Done", "DynamoDB.ConditionalCheckFailed")]), END
        ),
        (
            "Write: DynamoDB.ConditionalCheckFailed never matches: PutItem has no such error, did you mean"
            " DynamoDB.ConditionalCheckFailedException? [error-names]"
        ),
    ),
    "an error of another service on a function": (
        lambda: machine(look(catch=[to("Done", "DynamoDB.ThrottlingException")]), END),
        (
            "Look: DynamoDB.ThrottlingException never comes from a function: name the exception's class, or an"
            " error of Lambda [error-prefix]"
        ),
    ),
    "a task token handed to nobody": (
        lambda: machine(look(resource=InvokeAndAwait(LOOK, Placed), timeout=5), END),
        "Look: waits for its task token but hands it to nobody: add TASK_TOKEN to the arguments [task-token]",
    ),
    "a callback without a time-out": (
        lambda: machine(
            call(
                "sqs",
                "sendMessage",
                {"QueueUrl": "${QueueUrl}", "MessageBody": {"token": TASK_TOKEN}},
                pattern="waitForTaskToken",
            ),
            END,
        ),
        "Write: would wait up to a year for its token: set `timeout` or `heartbeat` [callback-timeout]",
    ),
    "a task token in a task that does not wait": (
        lambda: machine(look(arguments={"order_id": TASK_TOKEN, "quantity": 1}), END),
        "Look: $$.Task.Token exists only in a .waitForTaskToken task: use one [context-object]",
    ),
    "a child machine's input that lacks a field": (
        lambda: machine(
            call("states", "startExecution", STARTS, payloads={"Input": Order}),
            END,
        ),
        "Write: its Input is no Order (side is missing) [fits-input]",
    ),
}
