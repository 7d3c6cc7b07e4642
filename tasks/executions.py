"""Executions of our state machines, through boto3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from brokers.clock import IST
from tasks.runtime import Ran
from tasks.spec import machine_variable

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient


@dataclass(frozen=True, slots=True)
class StepFunctionsExecutions:
    """The machines' ARNs are in `environment`, as `ACCOUNT_BASKET_MACHINE`."""

    client: SFNClient
    environment: Mapping[str, str]

    def running(self, machine: str) -> Sequence[Ran]:
        pages = self.client.get_paginator("list_executions").paginate(
            stateMachineArn=self._machine(machine), statusFilter="RUNNING"
        )
        return [
            Ran(one["executionArn"], one["name"], machine, one["status"], _moment(one["startDate"]))
            for page in pages
            for one in page["executions"]
        ]

    def status(self, arn: str) -> Ran | None:
        try:
            one = self.client.describe_execution(executionArn=arn)
        except self.client.exceptions.ExecutionDoesNotExist:
            return None
        stopped = one.get("stopDate")
        return Ran(
            arn=arn,
            name=one["name"],
            machine=one["stateMachineArn"].rpartition("-")[2],
            status=one["status"],
            started=_moment(one["startDate"]),
            stopped=_moment(stopped) if stopped else None,
            error=one.get("error", ""),
        )

    def arn(self, machine: str, name: str) -> str:
        return f"{self._machine(machine).replace(':stateMachine:', ':execution:')}:{name}"

    def redrive(self, arn: str) -> bool:
        try:
            self.client.redrive_execution(executionArn=arn)
        except (
            self.client.exceptions.ExecutionNotRedrivable,
            self.client.exceptions.ExecutionLimitExceeded,
        ):
            return False
        return True

    def start(self, machine: str, name: str, input_: str) -> bool:
        try:
            self.client.start_execution(stateMachineArn=self._machine(machine), name=name, input=input_)
        except self.client.exceptions.ExecutionAlreadyExists:
            return False
        return True

    def _machine(self, machine: str) -> str:
        return self.environment[machine_variable(machine)]


def _moment(moment: datetime) -> datetime:
    return moment.astimezone(IST)
