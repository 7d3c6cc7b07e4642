"""Deploys the platform to one machine: CDK's stacks to ministack, the state machines to our endpoint.

The templates go as CDK wrote them. Only the state machines do not: their definitions come straight from
`workflows/definitions/`, with the same placeholders filled in.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import requests
from botocore.exceptions import ClientError

from localstack.assembly import Stack, stacks
from localstack.aws import Aws
from localstack.site import (
    ACCOUNT_ID,
    PREFIX,
    REGION,
    ROOT,
    SCHEDULE_DEAD_LETTERS,
    function_arn,
    machine_arn,
    queue_arn,
)
from workflows.timetable import INPUT, TIMETABLE, ZONE, Timed

DEFINITIONS = ROOT / "workflows" / "definitions"
_PLACEHOLDER = re.compile(r"\$\{(\w+?)(Function|Table|Machine)\}")
_STACK_SECONDS = 60.0


class DeployFailed(RuntimeError):
    """A stack or a state machine was refused; the message says which and why."""


def deploy_stacks(folder: Path, aws: Aws, aws_url: str) -> list[str]:
    """Upload the assembly's assets, create or update its stacks; their names.

    Raises
    ------
    DeployFailed
        If a stack does not come up.
    """
    found = stacks(folder)
    for stack in found:
        _upload(stack, aws)
        _create_or_update(stack, aws, f"{aws_url}/{stack.template.bucket}/{stack.template.key}")
        _wait_for(stack.name, aws)
    return [stack.name for stack in found]


def _upload(stack: Stack, aws: Aws) -> None:
    for bucket in {asset.bucket for asset in stack.assets}:
        _ensure_bucket(bucket, aws)
    for asset in stack.assets:
        aws.s3.put_object(Bucket=asset.bucket, Key=asset.key, Body=asset.content())


def _ensure_bucket(name: str, aws: Aws) -> None:
    try:
        aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise


def _create_or_update(stack: Stack, aws: Aws, template_url: str) -> None:
    try:
        aws.cloudformation.create_stack(
            StackName=stack.name, TemplateURL=template_url, Capabilities=["CAPABILITY_NAMED_IAM"]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "AlreadyExistsException":
            raise
        _update(stack, aws, template_url)


def _update(stack: Stack, aws: Aws, template_url: str) -> None:
    try:
        aws.cloudformation.update_stack(
            StackName=stack.name, TemplateURL=template_url, Capabilities=["CAPABILITY_NAMED_IAM"]
        )
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise


def _wait_for(name: str, aws: Aws) -> None:
    deadline = time.monotonic() + _STACK_SECONDS
    while True:
        status = aws.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        if not status.endswith("_IN_PROGRESS") or time.monotonic() > deadline:
            raise DeployFailed(f"stack {name} is {status}: {'; '.join(_reasons(name, aws))}")
        time.sleep(0.05)


def _reasons(name: str, aws: Aws) -> Iterator[str]:
    for event in aws.cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
        if event.get("ResourceStatus", "").endswith("_FAILED"):
            yield f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason', 'no reason given')}"


def keep(aws_url: str) -> None:
    """Let the emulator write down what was deployed, to be there again when it was killed."""
    requests.post(f"{aws_url}/_local/keep", timeout=_STACK_SECONDS).raise_for_status()


def deploy_machines(aws: Aws, definitions: Path = DEFINITIONS) -> list[str]:
    """Create or update every state machine on the Step Functions endpoint; their names.

    Raises
    ------
    DeployFailed
        If there is no definition at all.
    """
    files = sorted(definitions.glob("*.asl.json"))
    if not files:
        raise DeployFailed(f"{definitions} holds no definition: run python -m workflows")
    return [_deploy_machine(file, aws) for file in files]


def _deploy_machine(file: Path, aws: Aws) -> str:
    name = "".join(word.capitalize() for word in file.name.removesuffix(".asl.json").split("_"))
    definition = filled_in(file.read_text())
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/{PREFIX}-{name}"
    try:
        aws.step_functions.create_state_machine(
            name=f"{PREFIX}-{name}", definition=definition, roleArn=role, type="STANDARD"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "StateMachineAlreadyExists":
            raise
        aws.step_functions.update_state_machine(stateMachineArn=machine_arn(name), definition=definition)
    return name


def deploy_timetable(aws: Aws, timetable: Iterable[Timed] = TIMETABLE) -> None:
    """Create or update the schedules of the platform's own machines, as far as those are there."""
    machines = {path.name for path in DEFINITIONS.glob("*.asl.json")}
    for timed in timetable:
        if f"{snake(timed.machine)}.asl.json" in machines:
            ensure_group(timed.group, aws)
            write_schedule(aws, _described(timed))


def _described(timed: Timed) -> dict[str, Any]:
    return {
        "Name": timed.machine,
        "GroupName": timed.group,
        "Description": timed.why,
        "ScheduleExpression": timed.expression,
        "ScheduleExpressionTimezone": ZONE,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": machine_arn(timed.machine),
            "RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/{PREFIX}-timetable",
            "Input": INPUT,
            "DeadLetterConfig": {"Arn": queue_arn(SCHEDULE_DEAD_LETTERS)},
        },
    }


def deploy_schedules(aws: Aws) -> None:
    """What the strategies' schedules need: their group, and the queue for starts that failed."""
    aws.sqs.create_queue(QueueName=SCHEDULE_DEAD_LETTERS)
    ensure_group(PREFIX, aws)


def ensure_group(name: str, aws: Aws) -> None:
    try:
        aws.scheduler.create_schedule_group(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConflictException":
            raise


def write_schedule(aws: Aws, schedule: dict[str, Any]) -> None:
    """Create the schedule, or change the one of that name."""
    try:
        aws.scheduler.create_schedule(**schedule)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConflictException":
            raise
        aws.scheduler.update_schedule(**schedule)


def snake(name: str) -> str:
    """`exit_sweep` for ExitSweep: how its definition's file is named."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def filled_in(definition: str) -> str:
    """The definition with the names and ARNs that CloudFormation would put in."""

    def value(match: re.Match[str]) -> str:
        name, kind = match.groups()
        if kind == "Function":
            return function_arn(name)
        return machine_arn(name) if kind == "Machine" else f"{PREFIX}-{name.lower()}"

    return _PLACEHOLDER.sub(value, definition)
