"""What a function may do: what its `FUNCTION` says of it, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from infra.data import SHAPES
from infra.lake_bucket import RESULTS
from infra.settings import (
    LAKE_DATABASE,
    PREFIX,
    SECRET_PREFIX,
    USERS_PARAMETER,
    Settings,
    lake_bucket,
    named,
    reports_bucket,
)
from tasks.objects import HISTORIES, REGISTER, TABLES
from tasks.spec import Function, Lake, Table

READ = ("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query")
"""ConditionCheckItem, because a condition on one table can guard a write to another. What scans says so."""

WRITE = ("dynamodb:PutItem", "dynamodb:UpdateItem")
FORGET = ("dynamodb:DeleteItem",)
"""Task tokens, and what a function declares; orders, positions and runs stay."""

FOLLOW = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")

KEEP_SECRETS = (
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:RestoreSecret",
)
KEEP_SCHEDULES = (
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "scheduler:GetSchedule",
    "scheduler:UpdateSchedule",
)


def statements(function: Function, stack: Stack) -> Iterator[iam.PolicyStatement]:
    """The statements of the function's role, apart from its logs and its queue."""
    for table in function.reads:
        yield from _read(table, stack)
    for table in function.writes:
        forgets = table is Table.CALLBACKS or table in function.deletes
        yield allow(WRITE + FORGET if forgets else WRITE, table_arn(table, stack))
    if function.scans:
        yield allow(("dynamodb:Scan",), *(table_arn(table, stack) for table in function.scans))
    yield from _follow(function, stack)
    yield from _reach(function, stack)
    yield from _lake(function, stack)
    if function.keeps_secrets:
        yield allow(KEEP_SECRETS, secrets_arn(stack))
    elif function.broker:
        yield allow(("secretsmanager:GetSecretValue",), secrets_arn(stack))
    if function.asks_people:
        yield allow(("cognito-idp:AdminGetUser",), pools_arn(stack))
        yield allow(("ssm:GetParameter",), users_parameter_arn(stack))
    if function.completes_callbacks:
        # IAM knows no narrower resource here: whoever holds a task token may answer it.
        yield allow(("states:SendTaskFailure", "states:SendTaskSuccess"), "*")


def _follow(function: Function, stack: Stack) -> Iterator[iam.PolicyStatement]:
    """The streams that call it, and the dead letters for what it could not take."""
    if not function.fed_by:
        return
    yield allow(FOLLOW, *(stream_arn(table, stack) for table in function.fed_by))
    # IAM knows no narrower resource for listing.
    yield allow(("dynamodb:ListStreams",), "*")


def _reach(function: Function, stack: Stack) -> Iterator[iam.PolicyStatement]:
    """Beyond the tables: the bus, the state machines it starts, the strategies' schedules."""
    if function.publishes:
        yield allow(("events:PutEvents",), bus_arn(stack))
    if function.starts:
        yield allow(("states:StartExecution",), *(machine_arn(name, stack) for name in function.starts))
        # An exit that was started before and failed has to go on.
        yield allow(
            ("states:DescribeExecution", "states:RedriveExecution"),
            *(executions_arn(name, stack) for name in function.starts),
        )
    if function.watches:
        yield allow(("states:ListExecutions",), *(machine_arn(name, stack) for name in function.watches))
        yield allow(("states:DescribeExecution",), *(executions_arn(name, stack) for name in function.watches))
    if function.keeps_schedules:
        yield allow(KEEP_SCHEDULES, schedules_arn(stack))
        yield allow(("scheduler:ListSchedules",), "*")
        yield iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[schedule_role_arn(stack)],
            conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        )


def _lake(function: Function, stack: Stack) -> Iterator[iam.PolicyStatement]:
    """The lake's files, the way there, and the histories that are kept beside them."""
    if function.feeds_lake:
        yield allow(("sqs:SendMessage",), stack.format_arn(service="sqs", resource=named("lake")))
    if function.reads_histories:
        yield allow(("states:DescribeExecution", "states:GetExecutionHistory"), any_execution_arn(stack))
    bucket = lake_bucket_arn(stack)
    if Lake.READ in function.lake:
        yield allow(("s3:ListBucket",), bucket)
        yield allow(("s3:GetObject",), f"{bucket}/{TABLES}/*", f"{bucket}/{REGISTER}")
    if Lake.WRITE in function.lake:
        yield allow(("s3:PutObject",), f"{bucket}/{TABLES}/*")
    if Lake.DELETE in function.lake:
        yield allow(("s3:DeleteObject",), f"{bucket}/{TABLES}/*")
    if function.asks_lake:
        yield from _ask(stack)
    if function.keeps_reports:
        yield allow(("s3:PutObject",), reports_arn(stack))
    if Lake.ARCHIVE in function.lake:
        yield allow(("s3:PutObject",), f"{bucket}/{HISTORIES}/*")


def _ask(stack: Stack) -> Iterator[iam.PolicyStatement]:
    """Athena's workgroup, the catalog's names, and the folder where Athena leaves its answers."""
    workgroup = stack.format_arn(service="athena", resource="workgroup", resource_name=PREFIX)
    yield allow(
        (
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            "athena:StartQueryExecution",
            "athena:StopQueryExecution",
        ),
        workgroup,
    )
    yield allow(
        ("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"),
        stack.format_arn(service="glue", resource="catalog"),
        stack.format_arn(service="glue", resource="database", resource_name=LAKE_DATABASE),
        lake_tables_arn(stack),
    )
    bucket = lake_bucket_arn(stack)
    yield allow(("s3:GetBucketLocation",), bucket)
    yield allow(("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"), f"{bucket}/{RESULTS}/*")


def lake_tables_arn(stack: Stack) -> str:
    """Every table and view of the lake's database."""
    return stack.format_arn(service="glue", resource="table", resource_name=f"{LAKE_DATABASE}/*")


def mailing(function: Function, stack: Stack, settings: Settings) -> Iterator[iam.PolicyStatement]:
    """Mail from the one address that the platform has, if it has one."""
    if function.sends_mail and settings.mail_from:
        identity = stack.format_arn(service="ses", resource="identity", resource_name=settings.mail_from)
        yield allow(("ses:SendRawEmail",), identity)


def reports_arn(stack: Stack) -> str:
    """Every report."""
    return f"arn:{stack.partition}:s3:::{reports_bucket(stack)}/*"


def lake_bucket_arn(stack: Stack) -> str:
    return f"arn:{stack.partition}:s3:::{lake_bucket(stack)}"


def any_execution_arn(stack: Stack) -> str:
    """Every execution of every state machine of the platform."""
    return f"{machine_arn('', stack).replace(':stateMachine:', ':execution:')}*:*"


def secrets_arn(stack: Stack) -> str:
    """The accounts' secrets. Accounts come and go, and Secrets Manager adds six characters to each name."""
    return f"arn:{stack.partition}:secretsmanager:{stack.region}:{stack.account}:secret:{SECRET_PREFIX}*"


def pools_arn(stack: Stack) -> str:
    """The user pool: Cognito names it when it is made."""
    return stack.format_arn(service="cognito-idp", resource="userpool", resource_name="*")


def users_parameter_arn(stack: Stack) -> str:
    return stack.format_arn(
        service="ssm", resource="parameter", resource_name=USERS_PARAMETER.removeprefix("/")
    )


def table_arn(table: Table, stack: Stack) -> str:
    """From the table's fixed name: an export would lock its stack for as long as anyone uses it."""
    return stack.format_arn(service="dynamodb", resource="table", resource_name=named(table))


def stream_arn(table: Table, stack: Stack) -> str:
    """Any stream of the table: its name holds the moment it was made."""
    return f"{table_arn(table, stack)}/stream/*"


def bus_arn(stack: Stack) -> str:
    return stack.format_arn(service="events", resource="event-bus", resource_name=PREFIX)


def machine_arn(name: str, stack: Stack) -> str:
    return stack.format_arn(
        service="states",
        resource="stateMachine",
        resource_name=named(name),
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def executions_arn(machine: str, stack: Stack) -> str:
    """Every execution of the state machine."""
    return f"{machine_arn(machine, stack).replace(':stateMachine:', ':execution:')}:*"


def schedules_arn(stack: Stack) -> str:
    """Every schedule of the strategies' group."""
    return stack.format_arn(service="scheduler", resource="schedule", resource_name=f"{PREFIX}/*")


def schedule_role_arn(stack: Stack) -> str:
    return stack.format_arn(service="iam", region="", resource="role", resource_name=named("schedules"))


def _read(table: Table, stack: Stack) -> Iterator[iam.PolicyStatement]:
    arn = table_arn(table, stack)
    yield allow(READ, arn)
    indexes = [f"{arn}/index/{name}" for name, _ in SHAPES[table].indexes]
    if indexes:
        yield allow(("dynamodb:Query",), *indexes)


def allow(actions: tuple[str, ...], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))
