"""State machines: what is registered under which name."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from localstack.stepfunctions.errors import ApiError
from localstack.stepfunctions.integrations import catalogue
from localstack.stepfunctions.names import Place, check_arn, check_name
from workflows.asl.interpreter import InvalidDefinition, Machine
from workflows.asl.interpreter.data import Json


@dataclass(slots=True)
class StateMachine:
    """A registered machine. Executions keep the `machine` they started with when it is updated."""

    arn: str
    name: str
    definition: str
    role_arn: str
    machine: Machine
    created_at: float
    updated_at: float
    revision: str
    tags: dict[str, str] = field(default_factory=dict)


def parse(definition: str) -> Machine:
    """Raises ApiError(InvalidDefinition) with everything that is wrong, integrations included."""
    try:
        machine = Machine.parse(definition)
        catalogue.check(machine)
    except InvalidDefinition as wrong:
        raise ApiError("InvalidDefinition", str(wrong)) from None
    return machine


class Machines:
    """All state machines of the endpoint, in the order they were made."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._machines: dict[str, StateMachine] = {}

    def create(
        self, name: str, definition: str, role_arn: str, tags: Mapping[str, str], at: float
    ) -> StateMachine:
        """The same request again gives the same machine.

        Raises
        ------
        ApiError
            InvalidName, InvalidDefinition, or StateMachineAlreadyExists if another definition has the name.
        """
        check_name(name)
        arn = self._place.machine(name)
        existing = self._machines.get(arn)
        if existing is not None:
            if (existing.definition, existing.role_arn) == (definition, role_arn):
                return existing
            raise ApiError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
        machine = parse(definition)
        made = StateMachine(arn, name, definition, role_arn, machine, at, at, str(uuid.uuid4()), dict(tags))
        self._machines[arn] = made
        return made

    def update(self, arn: str, definition: str | None, role_arn: str | None, at: float) -> StateMachine:
        """Running executions go on with the definition they have."""
        machine = self.get(arn)
        if definition is None and role_arn is None:
            raise ApiError("MissingRequiredParameter", "Either the definition, the role ARN must be specified")
        if definition is not None:
            machine.machine, machine.definition = parse(definition), definition
        machine.role_arn = role_arn or machine.role_arn
        machine.updated_at, machine.revision = at, str(uuid.uuid4())
        return machine

    def get(self, arn: str) -> StateMachine:
        check_arn(arn, "stateMachine")
        machine = self._machines.get(arn)
        if machine is None:
            raise ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def delete(self, arn: str) -> None:
        """Deleting what is not there is no error, as on AWS."""
        check_arn(arn, "stateMachine")
        self._machines.pop(arn, None)

    def all(self) -> list[StateMachine]:
        return list(self._machines.values())

    def restore(self, machine: StateMachine) -> None:
        self._machines[machine.arn] = machine


def described(machine: StateMachine) -> dict[str, Json]:
    """What DescribeStateMachine and DescribeStateMachineForExecution share."""
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "definition": machine.definition,
        "roleArn": machine.role_arn,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        "revisionId": machine.revision,
    }
