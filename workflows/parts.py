"""What our machines have in common: how a task is called, retried and caught, and how a row is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from typing import Any

from pydantic import BaseModel

from tasks.spec import Table
from workflows.asl.expressions import Expression, placeholder
from workflows.asl.intrinsics import format_text
from workflows.asl.paths import Path
from workflows.asl.resources import Call, Function, Invoke
from workflows.asl.states import Catch, Retry, Task


class Trouble(BaseModel):
    """What a Catch writes."""

    Error: str
    Cause: str


LAMBDA_TROUBLE = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "States.Timeout",
)
OUTAGES = ("StoreUnavailable", "BrokerUnavailable", "RateLimited")

RETRIES = (Retry(errors=[*LAMBDA_TROUBLE, *OUTAGES], interval=1, max_attempts=4, backoff=2.0),)
"""Of a task that may run twice: after 1, 2, 4 and 8 seconds."""

IN_TURN = (
    Retry(errors=["RateLimited"], interval=1, max_attempts=60, backoff=1.0),
    Retry(
        errors=[*LAMBDA_TROUBLE, "StoreUnavailable", "BrokerUnavailable"],
        interval=1,
        max_attempts=4,
        backoff=2.0,
    ),
)
"""Of a task that many runs want at the same second, and that one of them does for all: look each second."""

_ONLY_A_PERSON_CAN = ("ExitNeedsPerson", "HedgeStillNeeded", "UnknownLeg", "PlanNotFound", "InvalidInput")
PERSISTENCE = (
    Retry(errors=_ONLY_A_PERSON_CAN, interval=1, max_attempts=0, backoff=1.0),
    Retry(errors=["States.ALL"], interval=5, max_attempts=4000, backoff=1.0),
)
"""Of what closes positions: every 5 seconds for over five hours, whatever is wrong. Exits never stop. (The
history of an execution takes 25,000 events, about five for each try.)"""

CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"
_STORE_TROUBLE = (
    "DynamoDB.AmazonDynamoDBException",
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.ThrottlingException",
    "DynamoDB.SdkClientException",
    "States.Timeout",
)
STORE_RETRIES = (Retry(errors=_STORE_TROUBLE, interval=1, max_attempts=4, backoff=2.0),)
STORE_TIMEOUT = 10

MARGIN = 5
"""Seconds by which a Task outlasts its function, for Lambda to say itself that time was up."""


def function(module: str) -> Function:
    """The function of a task module, `tasks.check_dte`, with what it takes and gives."""
    task = import_module(f"tasks.{module}")
    spec = task.FUNCTION
    return Function(
        name=spec.name,
        input=task.Input,
        output=task.Output,
        timeout=spec.timeout,
        http_timeout=spec.http_timeout,
        idempotent=spec.idempotent,
    )


def invoke(
    name: str,
    module: str,
    slot: str,
    arguments: Mapping[str, Any],
    *,
    retry: Sequence[Retry] = RETRIES,
    catch: Sequence[Catch] = (),
    comment: str | None = None,
    next: str | None = None,
    redrivable: bool = False,
) -> Task:
    """A Task that calls one of our Lambdas and outlasts it."""
    called = function(module)
    return Task(
        name=name,
        comment=comment,
        resource=Invoke(called),
        arguments=arguments,
        slot=slot,
        timeout=int(called.timeout) + MARGIN,
        retry=retry,
        catch=catch,
        next=next,
        redrivable=redrivable,
    )


def put_item(table: Table, item: Mapping[str, Any], **condition: Any) -> tuple[Call, dict[str, Any]]:
    """The optimized putItem and its arguments."""
    return Call("dynamodb", "putItem"), {"TableName": placeholder(table.placeholder), "Item": item, **condition}


def attributes(model: type[BaseModel], root: str, *, decimals: Collection[str] = ()) -> dict[str, Any]:
    """Every field of `model` below `root` in DynamoDB's form. `decimals` are strings that hold numbers."""
    return {
        name: _number(Path(f"{root}.{name}"), name in decimals)
        if field.annotation is int or name in decimals
        else {"S": Path(f"{root}.{name}")}
        for name, field in model.model_fields.items()
    }


def _number(path: Path, is_text: bool) -> dict[str, Expression]:
    """DynamoDB takes numbers as strings."""
    return {"N": path if is_text else format_text("{}", path)}
