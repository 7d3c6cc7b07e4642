"""What a function may do, from what its `FUNCTION` says: nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from infra.data import SHAPES
from infra.settings import SECRET_PREFIX
from tasks.spec import Function, Table

READ = ("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query")
"""ConditionCheckItem, because a condition on one table can guard a write to another. Nothing scans."""

WRITE = ("dynamodb:PutItem", "dynamodb:UpdateItem")
FORGET = ("dynamodb:DeleteItem",)
"""Only task tokens are ever deleted: orders, positions and runs stay."""


def statements(
    function: Function, tables: Mapping[Table, dynamodb.Table], stack: Stack
) -> Iterator[iam.PolicyStatement]:
    """The statements of the function's role, apart from its logs."""
    for table in function.reads:
        yield from _read(table, tables[table])
    for table in function.writes:
        actions = WRITE + FORGET if table is Table.CALLBACKS else WRITE
        yield _allow(actions, tables[table].table_arn)
    if function.broker:
        yield _allow(("secretsmanager:GetSecretValue",), secrets_arn(stack))
    if function.completes_callbacks:
        # IAM knows no narrower resource here: whoever holds a task token may answer it.
        yield _allow(("states:SendTaskFailure", "states:SendTaskSuccess"), "*")


def secrets_arn(stack: Stack) -> str:
    """The accounts' secrets. Accounts come and go, and Secrets Manager adds six characters to each name."""
    return f"arn:{stack.partition}:secretsmanager:{stack.region}:{stack.account}:secret:{SECRET_PREFIX}*"


def _read(table: Table, made: dynamodb.Table) -> Iterator[iam.PolicyStatement]:
    yield _allow(READ, made.table_arn)
    indexes = [f"{made.table_arn}/index/{name}" for name, _ in SHAPES[table].indexes]
    if indexes:
        yield _allow(("dynamodb:Query",), *indexes)


def _allow(actions: tuple[str, ...], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))
