"""What a machine's role must be allowed, and nothing more.

Resources hold the same `${Name}` placeholders as the definition, and CloudFormation's own (`${AWS::Region}`),
so that `Fn::Sub` makes them whole. A table's placeholder is its name, a queue's `${XUrl}` has its ARN as
`${XArn}`, a child machine's `${XMachine}` its name as `${XMachineName}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workflows.asl.checks.services import BOTOCORE_NAMES, service_model
from workflows.asl.expressions import placeholder
from workflows.asl.flow import all_states
from workflows.asl.resources import Call, Invoke, InvokeAndAwait
from workflows.asl.states import Map, Task

if TYPE_CHECKING:
    from workflows.asl.machine import Machine

_ACCOUNT = "${AWS::Region}:${AWS::AccountId}"
_ARN = "arn:${AWS::Partition}"

_TRANSACTION = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
}
"""Where the permission is not called like the operation."""

SYNC_RULE = f"{_ARN}:events:{_ACCOUNT}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
"""The rule by which Step Functions hears of a child's end; it makes it itself, in the caller's name."""


@dataclass(frozen=True, order=True)
class Statement:
    """Allow `actions` on `resources`."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]


Grant = tuple[str, str]


def iam_statements(machine: Machine) -> list[Statement]:
    """The statements of the machine's role, apart from logs and traces, in a stable order."""
    grants = {grant for state in all_states(machine.states) for grant in _grants(machine, state)}
    by_action: dict[str, set[str]] = {}
    for action, resource in grants:
        by_action.setdefault(action, set()).add(resource)
    together: dict[tuple[str, ...], list[str]] = {}
    for action, resources in sorted(by_action.items()):
        together.setdefault(tuple(sorted(resources)), []).append(action)
    return sorted(Statement(tuple(actions), resources) for resources, actions in together.items())


def _grants(machine: Machine, state: object) -> Iterator[Grant]:
    match state:
        case Task(resource=Invoke(function) | InvokeAndAwait(function)):
            yield "lambda:InvokeFunction", function.arn
        case Task(resource=Call() as call, arguments=arguments):
            yield from _call(call, arguments)
        case Map(distributed=True):
            yield "states:StartExecution", machine.arn
            yield from _children(machine.arn)


def _call(call: Call, arguments: Mapping[str, Any]) -> Iterator[Grant]:
    if call.resources:
        yield from ((action(call), resource) for resource in call.resources)
    elif call.service == "dynamodb":
        yield from _dynamodb(call, arguments)
    elif call.service in ("states", "sfn") and call.action == "startExecution":
        yield from _start(call, arguments["StateMachineArn"])
    else:
        yield action(call), _resource(call, arguments)


def action(call: Call) -> str:
    """The IAM action that a call needs: `states:StartExecution` of `sfn:startExecution`."""
    prefix = service_model(BOTOCORE_NAMES.get(call.service, call.service)).signing_name
    name = f"{prefix}:{call.action[:1].upper()}{call.action[1:]}"
    return _ACTIONS.get(name, name)


def _dynamodb(call: Call, arguments: Mapping[str, Any]) -> Iterator[Grant]:
    """A transaction has no permission of its own: it needs those of its parts."""
    if call.action in ("transactWriteItems", "transactGetItems"):
        for item in arguments["TransactItems"]:
            for kind, part in item.items():
                yield _TRANSACTION[kind], _table(part)
    elif call.action in ("batchGetItem", "batchWriteItem"):
        for table in arguments["RequestItems"]:
            yield action(call), _table({"TableName": table})
    else:
        yield action(call), _table(arguments)


def _table(arguments: Mapping[str, Any]) -> str:
    index = arguments.get("IndexName")
    table = f"{_ARN}:dynamodb:{_ACCOUNT}:table/{arguments['TableName']}"
    return f"{table}/index/{index}" if index else table


def _start(call: Call, machine: str) -> Iterator[Grant]:
    yield "states:StartExecution", machine
    if call.pattern.startswith("sync"):
        yield from _children(machine)
        for needed in ("events:DescribeRule", "events:PutRule", "events:PutTargets"):
            yield needed, SYNC_RULE


def _children(machine: str) -> Iterator[Grant]:
    """To follow an execution and to stop it with its parent."""
    name = machine.replace("}", "Name}")
    executions = f"{_ARN}:states:{_ACCOUNT}:execution:{name}:*"
    yield "states:DescribeExecution", executions
    yield "states:StopExecution", executions


def _resource(call: Call, arguments: Mapping[str, Any]) -> str:
    match call.service:
        case "sqs":
            return str(arguments["QueueUrl"]).replace("Url}", "Arn}")
        case "sns":
            return str(arguments["TopicArn"])
        case "lambda":
            return str(arguments["FunctionName"])
        case _:
            return placeholder("EventBusArn")
