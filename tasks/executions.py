"""Executions of our state machines, through the Step Functions API."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config

from brokers.clock import IST
from tasks.runtime import Ran
from tasks.spec import machine_variable

_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 4})
_FAILED = ("FAILED", "TIMED_OUT", "ABORTED")


class StepFunctions:
    """Starts executions by name: the same name and input again is the same execution.

    The machines' ARNs are in `environment`, as `ACCOUNT_BASKET_MACHINE`.
    """

    def __init__(self, environment: Mapping[str, str], client: Any = None) -> None:
        self._environment = environment
        self._client: Any = client or boto3.client("stepfunctions", config=_CONFIG)

    def start(self, machine: str, name: str, document: dict[str, Any]) -> tuple[str, str]:
        try:
            made = self._client.start_execution(
                stateMachineArn=self._machine(machine), name=name, input=json.dumps(document)
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return self._again(self.arn(machine, name))
        return made["executionArn"], "STARTED"

    def arn(self, machine: str, name: str) -> str:
        return f"{self._machine(machine).replace(':stateMachine:', ':execution:')}:{name}"

    def running(self, machine: str) -> Sequence[Ran]:
        pages = self._client.get_paginator("list_executions").paginate(
            stateMachineArn=self._machine(machine), statusFilter="RUNNING"
        )
        return [
            Ran(one["executionArn"], one["name"], machine, one["status"], _moment(one["startDate"]))
            for page in pages
            for one in page["executions"]
        ]

    def status(self, arn: str) -> Ran | None:
        try:
            one = self._client.describe_execution(executionArn=arn)
        except self._client.exceptions.ExecutionDoesNotExist:
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

    def redrive(self, arn: str) -> bool:
        refused = self._client.exceptions
        try:
            self._client.redrive_execution(executionArn=arn)
        except (refused.ExecutionNotRedrivable, refused.ExecutionLimitExceeded):
            return False
        return True

    def _machine(self, machine: str) -> str:
        return self._environment[machine_variable(machine)]

    def _again(self, arn: str) -> tuple[str, str]:
        """One that failed is redriven: an exit must go on."""
        status = self._client.describe_execution(executionArn=arn)["status"]
        if status not in _FAILED:
            return arn, "RUNNING"
        with suppress(self._client.exceptions.ExecutionNotRedrivable):
            self._client.redrive_execution(executionArn=arn)
            return arn, "REDRIVEN"
        return arn, "RUNNING"


def _moment(moment: datetime) -> datetime:
    return moment.astimezone(IST)
