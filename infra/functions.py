"""One Lambda from its `FUNCTION`: role, log group, environment, layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.lake_bucket import RESULTS
from infra.layers import Layer
from infra.nag import acknowledge, as_nag_writes
from infra.permissions import (
    any_execution_arn,
    executions_arn,
    lake_bucket_arn,
    lake_tables_arn,
    machine_arn,
    mailing,
    pools_arn,
    reports_arn,
    schedule_role_arn,
    schedules_arn,
    secrets_arn,
    statements,
    stream_arn,
)
from infra.settings import (
    LAKE_DATABASE,
    METRICS_NAMESPACE,
    PREFIX,
    SCHEDULED,
    SCHEDULES_DEAD_LETTERS,
    SECRET_PREFIX,
    USERS_PARAMETER,
    Settings,
    lake_bucket,
    named,
    reports_bucket,
)
from tasks.objects import HISTORIES, TABLES
from tasks.spec import Function, Table, machine_variable

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.X86_64
"""The layers' wheels are built for this runtime and this architecture: see `infra.layers`."""

LOG_RETENTION = logs.RetentionDays.THREE_MONTHS
"""As long as Step Functions keeps an execution's history."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all functions are made from."""

    settings: Settings
    code: lambda_.Code
    layers: Sequence[lambda_.ILayerVersion]
    parquet: Sequence[lambda_.ILayerVersion] = ()
    """The layer of the functions that read or write Parquet, besides."""

    def make(self, scope: Construct, function: Function) -> lambda_.Function:
        """The Lambda of `function`, allowed to do what it declares and nothing else."""
        group = log_group(scope, function.name, f"/aws/lambda/{named(function.name)}", self.settings)
        made = lambda_.Function(
            scope,
            function.name,
            function_name=named(function.name),
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            code=self.code,
            handler=f"{function.module}.handler",
            timeout=Duration.seconds(function.timeout),
            memory_size=function.memory,
            environment=self._environment(function, Stack.of(scope)),
            layers=[*self.layers, *(self.parquet if function.parquet else ())],
            role=self._role(scope, function, group),
            log_group=group,
            tracing=lambda_.Tracing.DISABLED if self.settings.local else lambda_.Tracing.ACTIVE,
        )
        acknowledge(
            made,
            "L1",
            "One behind Lambda's newest Python: the broker's client and its dependencies are older than that.",
        )
        return made

    def _environment(self, function: Function, stack: Stack) -> dict[str, str]:
        variables = {table.variable: named(table) for table in Table}
        variables |= {
            machine_variable(name): machine_arn(name, stack) for name in (*function.starts, *function.watches)
        }
        if function.keeps_schedules:
            variables |= _schedules(stack)
        if function.lake:
            variables["LAKE_BUCKET"] = lake_bucket(stack)
        if function.asks_lake:
            variables |= {
                "LAKE_ENGINE": "duckdb" if self.settings.local else "athena",
                "ATHENA_WORKGROUP": PREFIX,
                "LAKE_DATABASE": LAKE_DATABASE,
            }
        if function.keeps_reports:
            variables["REPORTS_BUCKET"] = reports_bucket(stack)
        if function.sends_mail:
            variables["MAIL_FROM"] = self.settings.mail_from
        if function.feeds_lake:
            variables["LAKE_QUEUE_URL"] = _queue_url("lake", stack)
        if function.asks_people:
            variables["USERS_PARAMETER"] = USERS_PARAMETER
        variables |= {
            "EVENT_BUS": PREFIX,
            "BROKER_SECRET_PREFIX": SECRET_PREFIX,
            "POWERTOOLS_SERVICE_NAME": PREFIX,
            "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
        }
        if self.settings.local:
            variables["POWERTOOLS_TRACE_DISABLED"] = "true"
        return variables

    def _role(self, scope: Construct, function: Function, group: logs.LogGroup) -> iam.Role:
        stack = Stack.of(scope)
        role = iam.Role(
            scope,
            f"{function.name}Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {function.name} may do",
        )
        group.grant_write(role)
        for statement in (*statements(function, stack), *mailing(function, stack, self.settings)):
            role.add_to_principal_policy(statement)
        _acknowledge(role, function, stack)
        return role


def _queue_url(name: str, stack: Stack) -> str:
    """From the queue's fixed name: who feeds it and whom it feeds may be the same function."""
    return f"https://sqs.{stack.region}.{stack.url_suffix}/{stack.account}/{named(name)}"


def _schedules(stack: Stack) -> dict[str, str]:
    """What a new schedule of a strategy names: its group, its target, and who starts it."""
    return {
        "SCHEDULE_GROUP": PREFIX,
        "SCHEDULE_ROLE_ARN": schedule_role_arn(stack),
        "SCHEDULE_TARGET_ARN": machine_arn(SCHEDULED, stack),
        "SCHEDULE_DEAD_LETTERS_ARN": stack.format_arn(service="sqs", resource=named(SCHEDULES_DEAD_LETTERS)),
    }


def layer_version(scope: Construct, layer: Layer, settings: Settings) -> lambda_.LayerVersion:
    return lambda_.LayerVersion(
        scope,
        "".join(word.capitalize() for word in layer.name.split("-")) + "Layer",
        layer_version_name=named(layer.name),
        description=layer.description,
        code=lambda_.Code.from_asset(str(layer.zip_in(settings.layers))),
        compatible_runtimes=[RUNTIME],
        compatible_architectures=[ARCHITECTURE],
    )


def log_group(scope: Construct, name: str, group_name: str, settings: Settings) -> logs.LogGroup:
    """A log group that forgets."""
    return logs.LogGroup(
        scope,
        f"{name}Logs",
        log_group_name=group_name,
        retention=LOG_RETENTION,
        removal_policy=RemovalPolicy.DESTROY if settings.local else RemovalPolicy.RETAIN,
    )


def _acknowledge(role: iam.Role, function: Function, stack: Stack) -> None:
    """Say why a wildcard is there, for cdk-nag."""
    reasons = {
        "Resource::*": "X-Ray, answers to task tokens, and listing streams or schedules know no narrower one."
    }
    for table in function.fed_by:
        reasons[f"Resource::{as_nag_writes(stream_arn(table, stack), stack)}"] = (
            "A stream's name holds the moment it was made; the table's is fixed."
        )
    for machine in (*function.starts, *function.watches):
        reasons[f"Resource::{as_nag_writes(executions_arn(machine, stack), stack)}"] = (
            "Executions come and go; each is of a machine that the function may start or watch."
        )
    if function.keeps_schedules:
        reasons[f"Resource::{as_nag_writes(schedules_arn(stack), stack)}"] = (
            "Strategies come and go; their schedules share a group that holds nothing else."
        )
    if function.broker or function.keeps_secrets:
        reasons[f"Resource::{as_nag_writes(secrets_arn(stack), stack)}"] = (
            "Accounts come and go; their secrets share a prefix."
        )
    if function.reads_histories:
        reasons[f"Resource::{as_nag_writes(any_execution_arn(stack), stack)}"] = (
            "Executions come and go; each is of a machine of the platform."
        )
    for folder in (TABLES, HISTORIES) if function.lake else ():
        reasons[f"Resource::{as_nag_writes(lake_bucket_arn(stack), stack)}/{folder}/*"] = (
            "Files come and go; those of the lake have a folder of their own."
        )
    if function.asks_lake:
        reasons[f"Resource::{as_nag_writes(lake_tables_arn(stack), stack)}"] = (
            "Tables and views are of the lake's own database, which holds nothing else."
        )
        reasons[f"Resource::{as_nag_writes(lake_bucket_arn(stack), stack)}/{RESULTS}/*"] = (
            "Athena names each answer anew; they have a folder of their own and go after a month."
        )
    if function.keeps_reports:
        reasons[f"Resource::{as_nag_writes(reports_arn(stack), stack)}"] = (
            "Reports come and go; their bucket holds nothing else."
        )
    if function.asks_people:
        reasons[f"Resource::{as_nag_writes(pools_arn(stack), stack)}"] = (
            "The pool's id is made by Cognito, after the functions; there is one pool."
        )
    for finding, reason in reasons.items():
        acknowledge(role, f"IAM5[{finding}]", reason)
