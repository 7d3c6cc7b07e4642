"""What a function may do: what its `FUNCTION` says of it, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from infra.data import SHAPES
from infra.settings import SECRET_PREFIX, named
from tasks.spec import Function, Table

READ = ("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query")
"""ConditionCheckItem, because a condition on one table can guard a write to another. Nothing scans."""

WRITE = ("dynamodb:PutItem", "dynamodb:UpdateItem")
FORGET = ("dynamodb:DeleteItem",)
"""Only task tokens are ever deleted: orders, positions and runs stay."""


def statements(function: Function, stack: Stack) -> Iterator[iam.PolicyStatement]:
    """The statements of the function's role, apart from its logs and its queue."""
    for table in function.reads:
        yield from _read(table, stack)
    for table in function.writes:
        actions = WRITE + FORGET if table is Table.CALLBACKS else WRITE
        yield allow(actions, table_arn(table, stack))
    if function.broker:
        yield allow(("secretsmanager:GetSecretValue",), secrets_arn(stack))
    if function.completes_callbacks:
        # IAM knows no narrower resource here: whoever holds a task token may answer it.
        yield allow(("states:SendTaskFailure", "states:SendTaskSuccess"), "*")


def secrets_arn(stack: Stack) -> str:
    """The accounts' secrets. Accounts come and go, and Secrets Manager adds six characters to each name."""
    return f"arn:{stack.partition}:secretsmanager:{stack.region}:{stack.account}:secret:{SECRET_PREFIX}*"


def table_arn(table: Table, stack: Stack) -> str:
    """From the table's fixed name: an export would lock its stack for as long as anyone uses it."""
    return stack.format_arn(service="dynamodb", resource="table", resource_name=named(table))


def _read(table: Table, stack: Stack) -> Iterator[iam.PolicyStatement]:
    arn = table_arn(table, stack)
    yield allow(READ, arn)
    indexes = [f"{arn}/index/{name}" for name, _ in SHAPES[table].indexes]
    if indexes:
        yield allow(("dynamodb:Query",), *indexes)


def allow(actions: tuple[str, ...], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))
