"""State machines: what is registered under which name."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from localstack.stepfunctions.errors import ApiError
from localstack.stepfunctions.integrations import catalogue
from localstack.stepfunctions.journal import Journal, RevisionRow
from localstack.stepfunctions.names import Place, check_arn, check_name
from workflows.asl.interpreter import InvalidDefinition, Machine
from workflows.asl.interpreter.data import Json

MAX_EXPRESS = 300
"""Seconds that an Express execution may take."""
STANDARD = "STANDARD"
EXPRESS = "EXPRESS"


@dataclass(frozen=True, slots=True)
class StateMachine:
    """One revision of a registered machine. Executions keep the revision they started with."""

    row: RevisionRow
    machine: Machine
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return self.row.arn

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def is_express(self) -> bool:
        return self.row.type == EXPRESS


def parse(definition: str, type_: str = STANDARD) -> Machine:
    """Raises ApiError(InvalidDefinition) with everything that is wrong, integrations included."""
    try:
        machine = Machine.parse(definition)
        catalogue.check(machine, express=type_ == EXPRESS)
    except InvalidDefinition as wrong:
        raise ApiError("InvalidDefinition", str(wrong)) from None
    return _limited(machine) if type_ == EXPRESS else machine


def _limited(machine: Machine) -> Machine:
    """An Express execution runs for five minutes at most."""
    return replace(machine, timeout_seconds=min(machine.timeout_seconds or MAX_EXPRESS, MAX_EXPRESS))


class Machines:
    """All state machines of the endpoint, in the order they were made."""

    def __init__(self, place: Place, journal: Journal) -> None:
        self._place = place
        self._journal = journal
        self._revisions: dict[str, StateMachine] = {}
        self._machines: dict[str, StateMachine] = {}
        for row, tags in journal.machines():
            self._machines[row.arn] = replace(self.revision(row.id), tags=tags)

    def create(
        self, name: str, definition: str, role_arn: str, *, type_: str, tags: Mapping[str, str], at: float
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
            row = existing.row
            if (row.definition, row.role_arn, row.type) == (definition, role_arn, type_):
                return existing
            raise ApiError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
        machine = parse(definition, type_)
        row = RevisionRow(str(uuid.uuid4()), arn, name, type_, definition, role_arn, at, at)
        return self._keep(StateMachine(row, machine, dict(tags)))

    def update(self, arn: str, definition: str | None, role_arn: str | None, at: float) -> StateMachine:
        """Running executions go on with the definition they have."""
        old = self.get(arn)
        if definition is None and role_arn is None:
            words = "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration"
            raise ApiError("MissingRequiredParameter", f"{words} must be specified")
        row = replace(
            old.row,
            id=str(uuid.uuid4()),
            definition=old.row.definition if definition is None else definition,
            role_arn=role_arn or old.row.role_arn,
            updated_at=at,
        )
        machine = old.machine if definition is None else parse(definition, row.type)
        return self._keep(StateMachine(row, machine, old.tags))

    def tags(self, arn: str) -> dict[str, str]:
        """Raises ApiError(ResourceNotFound)."""
        check_arn(arn, "stateMachine")
        if arn not in self._machines:
            raise ApiError("ResourceNotFound", f"Resource not found: '{arn}'")
        return self._machines[arn].tags

    def tag(self, arn: str, tags: Mapping[str, str], gone: Iterable[str] = ()) -> None:
        """Raises ApiError(ResourceNotFound)."""
        self.tags(arn)
        machine = self._machines[arn]
        machine.tags.update(tags)
        for key in gone:
            machine.tags.pop(key, None)
        self._journal.keep_machine(machine.row, machine.tags)

    def _keep(self, machine: StateMachine) -> StateMachine:
        self._machines[machine.arn] = self._revisions[machine.row.id] = machine
        self._journal.keep_machine(machine.row, machine.tags)
        return machine

    def get(self, arn: str) -> StateMachine:
        check_arn(arn, "stateMachine")
        machine = self._machines.get(arn)
        if machine is None:
            raise ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def revision(self, id_: str) -> StateMachine:
        """A revision that an execution runs, whether or not it is the newest, or its machine is still there."""
        if id_ not in self._revisions:
            row = self._journal.revision(id_)
            self._revisions[id_] = StateMachine(row, parse(row.definition, row.type))
        return self._revisions[id_]

    def delete(self, arn: str) -> None:
        """Deleting what is not there is no error, as on AWS."""
        check_arn(arn, "stateMachine")
        if self._machines.pop(arn, None) is not None:
            self._journal.drop_machine(arn)

    def all(self) -> list[StateMachine]:
        return list(self._machines.values())


def described(machine: StateMachine) -> dict[str, Json]:
    """What DescribeStateMachine and DescribeStateMachineForExecution share."""
    revised = machine.row.updated_at != machine.row.created_at
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "definition": machine.row.definition,
        "roleArn": machine.row.role_arn,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        **({"revisionId": machine.row.id} if revised else {}),  # AWS names none before the first update
    }
