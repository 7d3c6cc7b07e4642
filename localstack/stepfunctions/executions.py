"""Executions: starting, finding, listing, redriving; and having them again from the journal."""

from __future__ import annotations

import gc
import secrets
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field

from localstack.stepfunctions.engine import Engine, Record
from localstack.stepfunctions.errors import ApiError
from localstack.stepfunctions.journal import ExecutionRow, ExpressRow, Journal
from localstack.stepfunctions.machines import Machines, StateMachine
from localstack.stepfunctions.names import Place, check_arn, check_name
from localstack.stepfunctions.views import why_not_redrivable
from workflows.asl.interpreter import (
    CallReturned,
    Effect,
    Execution,
    Facts,
    NotRedrivable,
    Redriven,
    ScheduleTask,
    SeededEntropy,
    StartTimer,
    Status,
)
from workflows.asl.interpreter.data import MAX_PAYLOAD_BYTES, Json

KEPT_WARM = 256
"""Executions that have ended and stay in memory; older ones come from the journal when they are asked for."""

KEPT_CHARACTERS = 32 * 1_048_576
"""Of inputs and outputs that the histories of those have together."""


@dataclass(slots=True)
class Replayed:
    """An execution as its journal says it is, with what was under way."""

    record: Record
    scheduled: dict[str, ScheduleTask] = field(default_factory=dict)
    timers: dict[str, StartTimer] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)
    """What the calls of tasks that go on waiting have returned."""

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, ScheduleTask):
                self.scheduled[effect.task] = effect
            elif isinstance(effect, StartTimer):
                self.timers[effect.timer] = effect

    def drop_what_is_over(self) -> None:
        tasks, timers = self.record.execution.tasks, self.record.execution.timers
        self.scheduled = {task: effect for task, effect in self.scheduled.items() if task in tasks}
        self.timers = {timer: effect for timer, effect in self.timers.items() if timer in timers}


class Executions:
    """All executions of the endpoint. Those that run are in memory, the others in the journal."""

    def __init__(self, place: Place, machines: Machines, journal: Journal) -> None:
        self._place = place
        self._machines = machines
        self._journal = journal
        self._running: dict[str, Record] = {}
        self._ended: OrderedDict[str, Record] = OrderedDict()
        self._cooled = 0
        """Characters let go of since the garbage was last collected."""

    # --- starting ---

    def start(self, engine: Engine, machine: StateMachine, name: str | None, input_: str) -> Record:
        """Start an execution; the name and input of a running one give that one.

        Raises
        ------
        ApiError
            InvalidName, InvalidExecutionInput, ExecutionAlreadyExists.
        """
        name = str(uuid.uuid4()) if name is None else name
        check_name(name)
        if machine.is_express:
            record = self.express(machine, name, input_)
            self._journal.begin_express(ExpressRow(record.arn, name, machine.row.id, input_))
            engine.begin(record)
            return record
        arn = self._place.execution(machine.name, name)
        existing = self._existing(arn)
        if existing is not None:
            if existing.status == Status.RUNNING and existing.input == input_:
                return self.get(arn)
            raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        record = self._make(
            arn, name, machine, input_, seed=secrets.token_hex(32), number=self._journal.number()
        )
        self._running[arn] = record
        engine.begin(record)
        return record

    def express(self, machine: StateMachine, name: str, input_: str, arn: str | None = None) -> Record:
        """An Express execution, not begun yet. Its name need not be new; its ARN always is."""
        arn = arn or self._place.express(machine.name, name, str(uuid.uuid4()))
        record = self._make(arn, name, machine, input_, seed=secrets.token_hex(32), number=None)
        self._running[arn] = record
        return record

    def _existing(self, arn: str) -> ExecutionRow | None:
        return self._journal.execution(arn)

    def _make(
        self, arn: str, name: str, machine: StateMachine, input_: str, *, seed: str, number: int | None
    ) -> Record:
        if len(input_.encode("utf-8", "surrogatepass")) > MAX_PAYLOAD_BYTES:
            raise ApiError("ValidationException", f"The input has more than {MAX_PAYLOAD_BYTES} bytes")
        region = arn.split(":")[3]
        facts = Facts(arn, name, machine.arn, machine.name, machine.row.role_arn, region)
        try:
            input_.encode()  # half of a surrogate pair is no text
            execution = Execution(machine.machine, facts, input_, SeededEntropy(seed))
        except (ValueError, RecursionError) as wrong:
            raise ApiError(
                "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{wrong}'"
            ) from None
        return Record(arn, name, machine, execution, input_, seed, number)

    # --- finding ---

    def get(self, arn: str) -> Record:
        """Raises ApiError(ExecutionDoesNotExist or InvalidArn)."""
        record = self._running.get(arn) or self._ended.get(arn)
        if record is None:
            check_arn(arn, "execution")
            row = self._existing(arn)
            if row is None:
                raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
            record = self.replay(row).record
            self._keep_warm(record)
        return record

    def standard(self, arn: str) -> Record:
        """An execution that the API tells about: Express ones only log."""
        check_arn(arn, "execution")
        return self.get(arn)

    def of_machine(
        self, arn: str, status: str | None, redriven: str | None, before: int | None, limit: int
    ) -> list[ExecutionRow]:
        """Newest first, those with a number below `before`; `redriven` is REDRIVEN or NOT_REDRIVEN."""
        wanted = None if redriven is None else redriven == "REDRIVEN"
        return self._journal.listed(arn, status, wanted, before, limit)

    # --- going on after an end or a crash ---

    def replay(self, row: ExecutionRow) -> Replayed:
        """The same happenings with the same chance give the same execution."""
        machine = self._machines.revision(row.revision)
        record = self._make(row.arn, row.name, machine, row.input, seed=row.seed, number=row.number)
        record.redrive_token = row.redrive_token
        replayed = Replayed(record)
        replayed.take(record.execution.start(row.began))
        for at, what in self._journal.happenings(row.number):
            if isinstance(what, CallReturned):
                replayed.answers[what.task] = what.output
            replayed.take(record.execution.happened(what, at))
            record.sequence += 1
        replayed.drop_what_is_over()
        return replayed

    def take_up(self, record: Record) -> None:
        """It runs, so it stays in memory until it ends."""
        self._ended.pop(record.arn, None)
        self._running[record.arn] = record

    def ended(self, record: Record) -> None:
        self._running.pop(record.arn, None)
        if record.number is None:
            self._journal.end_express(record.arn)
        else:
            self._keep_warm(record)

    def _keep_warm(self, record: Record) -> None:
        self._ended[record.arn] = record
        self._ended.move_to_end(record.arn)
        characters = sum(each.execution.history.characters for each in self._ended.values())
        while len(self._ended) > KEPT_WARM or (characters > KEPT_CHARACTERS and len(self._ended) > 1):
            cooled = self._ended.popitem(last=False)[1].execution.history.characters
            characters -= cooled
            self._cooled += cooled
        if self._cooled > KEPT_CHARACTERS:  # executions refer to themselves, and few large ones alarm nobody
            self._cooled = 0
            gc.collect()

    def forget(self, stopped_before: float, keep: int) -> int:
        """What is forgotten can't be found, listed or redriven, and its name is free again."""
        count = self._journal.forget(stopped_before, keep)
        if count:
            self._ended.clear()
        return count

    def redrive(self, engine: Engine, arn: str, client_token: str | None) -> Record:
        """Raises ApiError(ExecutionNotRedrivable). The same client token again changes nothing."""
        record = self.standard(arn)
        if client_token is not None and record.redrive_token == client_token:
            return record
        reason = why_not_redrivable(record, engine.now())
        if reason is not None:
            raise ApiError("ExecutionNotRedrivable", f"{reason}: '{arn}'")
        record.redrive_token = client_token
        self.take_up(record)
        try:
            engine.report(record, Redriven())
        except NotRedrivable as wrong:
            raise ApiError("ExecutionNotRedrivable", f"{wrong}: '{arn}'") from None
        return record
