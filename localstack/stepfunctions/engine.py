"""Drives executions in real time: carries out what the interpreter asks for and reports what happened.

Everything that changes an execution runs in the event loop's thread, one thing after the other. Calls are made
in threads of their own and come back into the loop.

What happened is written to the journal first; calls leave, and the API answers, only when it is committed. All
that happens in one turn of the event loop is committed together.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from brokers.clock import IST, SystemClock
from localstack.stepfunctions.commits import Commits
from localstack.stepfunctions.errors import ApiError
from localstack.stepfunctions.integrations import calls, catalogue, nested
from localstack.stepfunctions.integrations.clients import Clients
from localstack.stepfunctions.integrations.failures import CallFailed
from localstack.stepfunctions.journal import ExecutionRow, Journal
from localstack.stepfunctions.machines import StateMachine
from localstack.stepfunctions.timers import Timers
from localstack.stepfunctions.tokens import Owner, Tokens, over
from workflows.asl.interpreter import (
    CallReturned,
    CancelTask,
    CancelTimer,
    Effect,
    Execution,
    Finished,
    Happening,
    Pattern,
    Redriven,
    ScheduleTask,
    StartTimer,
    Status,
    Stopped,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)
from workflows.asl.interpreter.data import Json

log = logging.getLogger(__name__)

MAX_CALLS = 64
"""Calls at once; more wait their turn."""
POLL = 0.2
"""Seconds between looks at the clock file: a jump is noticed at latest then."""


@dataclass(slots=True)
class Record:
    """An execution and what the API says about it."""

    arn: str
    name: str
    machine: StateMachine
    execution: Execution
    input: str
    seed: str = field(repr=False)
    number: int | None
    """Its number in the journal; None for an Express execution, whose steps are not kept."""
    sequence: int = 0
    redrive_token: str | None = None

    @property
    def machine_arn(self) -> str:
        return self.machine.arn


TimerKey = tuple[str, str]
"""(execution ARN, timer)"""

Starter = Callable[[str, str | None, str, bool], Record]
"""Starts a child execution: machine ARN, name, input, and whether its end is waited for."""


@dataclass(slots=True)
class Engine:
    """The running side of the endpoint.

    Parameters
    ----------
    start_child, find, ended
        Start a nested execution; find one by its ARN; hear that one has ended.
    announce
        Tells the world of an execution's status, after it was committed.
    """

    clock: SystemClock
    clients: Clients
    journal: Journal
    start_child: Starter
    find: Callable[[str], Record]
    ended: Callable[[Record], None]
    announce: Callable[[Record, Status], None]
    commits: Commits = field(init=False)
    tokens: Tokens = field(init=False)
    timers: Timers = field(default_factory=Timers)
    in_flight: set[Owner] = field(default_factory=set)
    """Calls that have not come back yet: the endpoint is busy while there are any."""
    called_again: int = 0
    """Calls made a second time at the start of this process, because their results were not known."""
    _watched: dict[TimerKey, Owner] = field(default_factory=dict)
    _children: dict[str, list[tuple[Owner, Pattern]]] = field(default_factory=dict)
    _waiting_for: dict[Owner, str] = field(default_factory=dict)
    _ends: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    _poke: asyncio.Event = field(default_factory=asyncio.Event)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="call")
    )
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _offset: float = 0.0

    def __post_init__(self) -> None:
        self.commits = Commits(self.journal)
        self.tokens = Tokens(self.journal.was_issued)
        self._offset = self.clock.offset()

    # --- executions ---

    def now(self) -> float:
        return self.clock.now().timestamp()

    def begin(self, record: Record) -> None:
        at, execution = self.now(), record.execution
        effects = execution.start(at)
        if record.number is not None:
            self.journal.begin(
                ExecutionRow(
                    record.number, record.arn, record.name, record.machine_arn, record.machine.row.id,
                    record.input, record.seed, at, execution.started_at, execution.status.value,
                    execution.stopped_at, 0, None, None,
                )
            )  # fmt: skip
        self.commits.after(lambda: self.announce(record, Status.RUNNING))
        self._carry_out(record, effects)

    def report(self, record: Record, what: Happening) -> None:
        """Something happened to an execution; do what follows from it."""
        at = self.now()
        effects = record.execution.happened(what, at)
        if record.number is not None:
            record.sequence += 1
            self.journal.happened(record.number, record.sequence, at, what)
            if isinstance(what, Redriven):
                self.journal.status(record.number, record.execution, record.redrive_token)
                self.commits.after(lambda: self.announce(record, Status.RUNNING))
        self.commits.soon()
        self._carry_out(record, effects)

    def stop(self, record: Record, error: str | None, cause: str | None) -> None:
        """StopExecution; what has ended stays as it ended."""
        if record.execution.status is Status.RUNNING:
            self.report(record, Stopped(error, cause))

    async def end(self, record: Record) -> None:
        """Wait until the execution has ended and its end is committed."""
        if record.execution.status is Status.RUNNING:
            await self._ends.setdefault(record.arn, self._loop.create_future())
        await self.commits.durable()

    # --- after a restart ---

    def adopt(
        self, record: Record, scheduled: Mapping[str, ScheduleTask], timers: Mapping[str, StartTimer]
    ) -> None:
        """An execution from the journal: its tokens are valid and its timers run, as they did before."""
        for effect in scheduled.values():
            if effect.token is not None:
                self.tokens.issue(effect.token, (record.arn, effect.task))
        for timer in timers.values():
            self._start_timer(record, timer)

    def take_up(self, record: Record, effect: ScheduleTask, answers: Mapping[str, Json]) -> None:
        """A task that was in flight when the process ended.

        If its call is not known to have returned, it is made again, with the same arguments and the same token:
        at least once, as AWS promises. A callback whose call had returned waits on, and `.sync` for its child.
        """
        if effect.task not in record.execution.tasks:
            return  # timed out meanwhile
        if effect.task not in answers:
            self.called_again += 1
            self._schedule(record, effect)
        elif effect.pattern in (Pattern.SYNC, Pattern.SYNC_2):
            try:
                child = self.find(answers[effect.task]["ExecutionArn"])
            except ApiError as wrong:
                self._soon(record, TaskFailed(effect.task, "States.TaskFailed", wrong.message))
                return
            self._wait_for(child, (record.arn, effect.task), effect.pattern)
            self._loop.call_soon(self._tell_parents, child)

    # --- effects ---

    def _carry_out(self, record: Record, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, ScheduleTask):
                self._schedule(record, effect)
            elif isinstance(effect, CancelTask):
                self._forget((record.arn, effect.task))
            elif isinstance(effect, StartTimer):
                self._start_timer(record, effect)
            elif isinstance(effect, CancelTimer):
                self.timers.cancel((record.arn, effect.timer))
                self._watched.pop((record.arn, effect.timer), None)
            elif isinstance(effect, Finished):
                self._finished(record)

    def _start_timer(self, record: Record, effect: StartTimer) -> None:
        key = (record.arn, effect.timer)
        self.timers.start(key, effect.at)
        if effect.task is not None:
            self._watched[key] = (record.arn, effect.task)
        self._poke.set()

    def _schedule(self, record: Record, effect: ScheduleTask) -> None:
        owner = (record.arn, effect.task)
        if effect.token is not None:
            self.tokens.issue(effect.token, owner)
            if record.number is not None:
                self.journal.issued(effect.token, record.number)
        integration = catalogue.read(effect.resource)
        if integration is None:  # refused when the machine was created; only a change of ours can lead here
            self._soon(record, TaskFailed(effect.task, "States.Runtime", f"Unknown: {effect.resource}"))
        elif integration.service == "states" and integration.optimized:
            self._start_nested(record, effect)
        else:
            self.in_flight.add(owner)
            self.commits.after(lambda: self._submit(record, effect, integration))

    def _submit(self, record: Record, effect: ScheduleTask, integration: catalogue.Integration) -> None:
        """The execution may have ended while its call waited for the commit."""
        if effect.task in record.execution.tasks:
            self._pool.submit(self._call, record, effect, integration)
        else:
            self.in_flight.discard((record.arn, effect.task))

    def _call(self, record: Record, effect: ScheduleTask, integration: catalogue.Integration) -> None:
        """In a thread of the pool."""
        what: Happening
        try:
            what = CallReturned(effect.task, calls.perform(self.clients, integration, effect.arguments))
        except CallFailed as failed:
            what = TaskFailed(effect.task, failed.error, failed.cause)
        except Exception as wrong:  # whatever it is, the execution must hear of it and not hang
            log.exception("the call of %s failed in an unforeseen way", effect.resource)
            what = TaskFailed(effect.task, "States.TaskFailed", f"{type(wrong).__name__}: {wrong}")
        self._loop.call_soon_threadsafe(self._came_back, record, effect.task, what)

    def _came_back(self, record: Record, task: str, what: Happening) -> None:
        self.in_flight.discard((record.arn, task))
        self._answered(record, what)

    def _answered(self, record: Record, what: Happening) -> None:
        """A task's answer, unless nobody waits for it any more."""
        task = cast("CallReturned | TaskSucceeded | TaskFailed", what).task
        if task not in record.execution.tasks:
            return
        self.report(record, what)
        if task not in record.execution.tasks:
            self.tokens.void((record.arn, task))

    def complete(self, token: str, make: Callable[[str], Happening]) -> None:
        """SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat. Raises ApiError as they do."""
        arn, task = self.tokens.owner(token)
        record, what = self.find(arn), make(task)
        if task not in record.execution.tasks:
            raise over()
        self.report(record, what)
        if task not in record.execution.tasks:
            self.tokens.void((arn, task))

    def _soon(self, record: Record, what: Happening) -> None:
        self._loop.call_soon(self._answered, record, what)

    def _forget(self, owner: Owner) -> None:
        self.tokens.void(owner)
        child = self._waiting_for.pop(owner, None)
        if child is not None:
            self._children.pop(child, None)
            self._stop_child(child)  # at once, so that one commit holds both ends

    def _stop_child(self, arn: str) -> None:
        """AWS stops what a `.sync` task started when nobody waits for it any more."""
        try:
            self.stop(self.find(arn), None, "Aborted because the task of the parent execution was aborted")
        except ApiError:
            log.debug("child %s is gone", arn)

    # --- nested executions ---

    def _start_nested(self, record: Record, effect: ScheduleTask) -> None:
        owner = (record.arn, effect.task)
        self.in_flight.add(owner)

        def start() -> None:
            self.in_flight.discard(owner)
            if effect.task not in record.execution.tasks:
                return  # stopped, or timed out, in the same turn
            waits = effect.pattern in (Pattern.SYNC, Pattern.SYNC_2)
            try:
                child = self.start_child(*nested.request(effect.arguments), waits)
            except ApiError as wrong:
                failure = nested.refused(wrong)
                self._answered(record, TaskFailed(effect.task, failure.error, failure.cause))
                return
            if waits:
                self._wait_for(child, owner, effect.pattern)
            self._answered(
                record, CallReturned(effect.task, nested.started(child.arn, child.execution.started_at))
            )
            if child.execution.stopped_at is not None:
                self._tell_parents(child)

        self._loop.call_soon(start)

    def _wait_for(self, child: Record, owner: Owner, pattern: Pattern) -> None:
        self._children.setdefault(child.arn, []).append((owner, pattern))
        self._waiting_for[owner] = child.arn

    def _finished(self, record: Record) -> None:
        for task in list(record.execution.tasks):
            self._forget((record.arn, task))
        if record.number is not None and record.sequence:
            self.journal.status(record.number, record.execution, record.redrive_token)
        self.ended(record)
        status = record.execution.status
        self.commits.after(lambda: self.announce(record, status))
        end = self._ends.pop(record.arn, None)
        if end is not None and not end.done():
            end.set_result(None)
        self._loop.call_soon(self._tell_parents, record)

    def _tell_parents(self, child: Record) -> None:
        if child.execution.stopped_at is None:
            return
        for owner, pattern in self._children.pop(child.arn, ()):
            self._waiting_for.pop(owner, None)
            parent = self.find(owner[0])
            self._answered(parent, nested.ended(owner[1], child, pattern))

    # --- time ---

    async def run_timers(self) -> None:
        """Fire what is due, for ever; wakes for the next due time, a poke, and a look at the clock file."""
        while True:
            try:
                self._notice_jump()
                self.fire_due()
                nap = self._nap()
            except (OSError, ValueError):  # the clock's file can't be read at this moment: look again soon
                log.exception("the clock can't be read")
                nap = POLL
            self._poke.clear()
            try:
                await asyncio.wait_for(self._poke.wait(), nap)
            except TimeoutError:
                continue

    def fire_due(self) -> None:
        for key in self.timers.pop_due(self.now()):
            arn, timer = cast("TimerKey", key)
            self._watched.pop((arn, timer), None)
            self._fire(arn, timer)

    def _fire(self, arn: str, timer: str) -> None:
        try:
            self.report(self.find(arn), TimerFired(timer))
        except Exception:  # one execution's trouble must not stop everybody's clock
            log.exception("a timer of %s failed", arn)

    def _nap(self) -> float | None:
        due = self.timers.next_due()
        until_due = None if due is None else max(0.0, due - self.now())
        if self.clock.offset_file is None:
            return until_due
        return POLL if until_due is None else min(POLL, until_due)

    def poke(self) -> None:
        """The clock may have jumped: look at once."""
        self._poke.set()

    def _notice_jump(self) -> None:
        """A call that is being made takes no longer because the clock jumps: its time-outs move with it."""
        offset = self.clock.offset()
        jump, self._offset = offset - self._offset, offset
        if abs(jump) > 0.001:
            calling = {key for key, owner in self._watched.items() if owner in self.in_flight}
            self.timers.shift(lambda key: key in calling, jump)

    def idle(self) -> dict[str, Json]:
        """How many calls are being made, and when (platform time) the next timer is due."""
        due = self.timers.next_due()
        moment = None if due is None else datetime.fromtimestamp(due, IST).isoformat()
        return {"busy": len(self.in_flight), "next_due": moment, "called_again": self.called_again}

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.journal.close()
