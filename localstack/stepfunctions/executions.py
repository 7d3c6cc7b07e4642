"""Executions: starting, finding, listing, and what the API says about each."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable

from localstack.stepfunctions.engine import Engine, Record
from localstack.stepfunctions.errors import ApiError
from localstack.stepfunctions.machines import StateMachine
from localstack.stepfunctions.names import Place, check_arn, check_name
from workflows.asl.interpreter import Execution, Facts, NotRedrivable, Redriven, SeededEntropy, Status
from workflows.asl.interpreter.data import MAX_PAYLOAD_BYTES, Json

REDRIVABLE_SECONDS = 14 * 24 * 3600
"""An execution can be redriven within 14 days of its end."""


class Executions:
    """All executions of the endpoint, oldest first."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._records: dict[str, Record] = {}

    def start(self, engine: Engine, machine: StateMachine, name: str | None, input_: str) -> Record:
        """Start an execution; the name and input of a running one give that one.

        Raises
        ------
        ApiError
            InvalidName, InvalidExecutionInput, ExecutionAlreadyExists.
        """
        name = str(uuid.uuid4()) if name is None else name
        check_name(name)
        arn = self._place.execution(machine.name, name)
        existing = self._records.get(arn)
        if existing is not None:
            if existing.execution.status is Status.RUNNING and existing.input == input_:
                return existing
            raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        record = self._make(arn, name, machine, input_)
        self._records[arn] = record
        engine.begin(record)
        return record

    def _make(self, arn: str, name: str, machine: StateMachine, input_: str) -> Record:
        if len(input_.encode()) > MAX_PAYLOAD_BYTES:
            raise ApiError("ValidationException", f"The input has more than {MAX_PAYLOAD_BYTES} bytes")
        facts = Facts(arn, name, machine.arn, machine.name, machine.role_arn, self._place.region)
        try:
            execution = Execution(machine.machine, facts, input_, SeededEntropy(secrets.token_hex(32)))
        except (ValueError, RecursionError) as wrong:
            raise ApiError(
                "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{wrong}'"
            ) from None
        frozen = StateMachine(
            machine.arn, machine.name, machine.definition, machine.role_arn, machine.machine,
            machine.created_at, machine.updated_at, machine.revision,
        )  # fmt: skip
        return Record(arn, name, frozen, execution, input_)

    def get(self, arn: str) -> Record:
        check_arn(arn, "execution")
        record = self._records.get(arn)
        if record is None:
            raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return record

    def of_machine(self, arn: str, status: str | None, redriven: str | None) -> list[Record]:
        """Newest first; `redriven` is REDRIVEN or NOT_REDRIVEN."""
        return [
            record
            for record in reversed(self._records.values())
            if record.machine_arn == arn
            and (status is None or record.execution.status == status)
            and (redriven is None or (record.execution.redrive_count > 0) is (redriven == "REDRIVEN"))
        ]

    def running(self) -> Iterable[Record]:
        return [record for record in self._records.values() if record.execution.status is Status.RUNNING]

    def redrive(self, engine: Engine, arn: str, client_token: str | None) -> Record:
        """Raises ApiError(ExecutionNotRedrivable). The same client token again changes nothing."""
        record = self.get(arn)
        if client_token is not None and record.redrive_token == client_token:
            return record
        reason = why_not_redrivable(record, engine.now())
        if reason is not None:
            raise ApiError("ExecutionNotRedrivable", f"{reason}: '{arn}'")
        record.redrive_token = client_token
        try:
            engine.report(record, Redriven())
        except NotRedrivable as wrong:
            raise ApiError("ExecutionNotRedrivable", f"{wrong}: '{arn}'") from None
        return record


def why_not_redrivable(record: Record, now: float) -> str | None:
    stopped = record.execution.stopped_at
    if stopped is not None and now - stopped > REDRIVABLE_SECONDS:
        return "Execution redrivable period exceeded"
    return record.execution.redrivable()


def summary(record: Record) -> dict[str, Json]:
    """One line of ListExecutions."""
    execution = record.execution
    fields: dict[str, Json] = {
        "executionArn": record.arn,
        "stateMachineArn": record.machine_arn,
        "name": record.name,
        "status": execution.status.value,
        "startDate": execution.started_at,
        "stopDate": execution.stopped_at,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redriven_at,
    }
    return _without_none(fields)


def described(record: Record, now: float, *, with_data: bool = True) -> dict[str, Json]:
    execution = record.execution
    reason = why_not_redrivable(record, now)
    fields: dict[str, Json] = {
        **summary(record),
        "redriveStatus": "REDRIVABLE" if reason is None else "NOT_REDRIVABLE",
        "redriveStatusReason": reason,
        "error": execution.error,
        "cause": execution.cause,
    }
    if with_data:
        fields["input"], fields["inputDetails"] = record.input, {"included": True}
        if execution.output is not None:
            fields["output"], fields["outputDetails"] = execution.output, {"included": True}
    return _without_none(fields)


def _without_none(fields: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}
