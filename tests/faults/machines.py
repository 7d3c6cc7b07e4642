"""Executions of the committed definitions, on simulated time, with their tasks as jobs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.faults.schedule import Schedule
from tests.machines.definitions import FUNCTION_ARN, machine
from workflows.asl.interpreter import (
    CallReturned,
    CancelTask,
    CancelTimer,
    Effect,
    Execution,
    Facts,
    Finished,
    Happening,
    Pattern,
    Redriven,
    ScheduleTask,
    SeededEntropy,
    StartTimer,
    Status,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)

HOP = 0.004
"""Seconds between a state machine's decision and the call."""


class AlreadyExists(Exception):
    """An execution of that name exists."""


class Failed(Exception):
    """A call failed with this error name."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(cause or error)
        self.error = error


@dataclass(slots=True, eq=False)
class Running:
    name: str
    machine: str
    execution: Execution
    timers: set[str] = field(default_factory=set)
    redrives: int = 0

    @property
    def status(self) -> Status:
        return self.execution.status

    @property
    def states(self) -> list[str]:
        events = self.execution.history.events
        return [str(e.details["name"]) for e in events if e.type.endswith("StateEntered") and e.details]


@dataclass(frozen=True, slots=True)
class Call:
    """A task that an execution wants done: a function with its payload, or a call of the machine's own."""

    running: Running
    task: ScheduleTask
    resource: str
    payload: Any
    state: str

    @property
    def function(self) -> str:
        return self.resource.removeprefix(FUNCTION_ARN) if self.resource.startswith(FUNCTION_ARN) else ""


class Machines:
    """All executions. `perform` does a call and answers through `returned` or `failed`."""

    def __init__(self, schedule: Schedule, perform: Callable[[Call], None], ended: Callable[[Running], None]):
        self._schedule = schedule
        self._perform = perform
        self._ended = ended
        self.executions: dict[str, Running] = {}
        self._tokens: dict[str, tuple[Running, str]] = {}

    def start(self, name: str, called: str, input_: Any) -> Running:
        if called in self.executions:
            raise AlreadyExists(called)
        facts = Facts(f"arn:{name}:{called}", called, f"arn:{name}", name)
        execution = Execution(machine(name), facts, json.dumps(input_), SeededEntropy(called))
        running = self.executions[called] = Running(called, name, execution)
        self._do(running, execution.start(self._schedule.now))
        return running

    def redrive(self, running: Running) -> None:
        running.redrives += 1
        self._happened(running, Redriven())

    def returned(self, call: Call, output: Any) -> None:
        self._happened(call.running, CallReturned(call.task.task, output))

    def failed(self, call: Call, error: str, cause: str) -> None:
        self._happened(call.running, TaskFailed(call.task.task, error, cause))

    def succeed(self, token: str, output: dict[str, object]) -> None:
        """SendTaskSuccess. A token that is no longer wanted changes nothing."""
        waiting = self._tokens.pop(token, None)
        if waiting is not None:
            running, task = waiting
            done = TaskSucceeded(task, json.loads(json.dumps(output)))
            self._schedule.after(HOP, partial(self._happened, running, done))

    def start_child(self, arguments: Any) -> Any:
        self.start(arguments["StateMachineArn"], arguments["Name"], arguments["Input"])
        started = datetime.fromtimestamp(self._schedule.now, UTC).isoformat()
        return {"ExecutionArn": f"arn:AccountBasket:{arguments['Name']}", "StartDate": started}

    def _happened(self, running: Running, what: Happening) -> None:
        self._do(running, running.execution.happened(what, self._schedule.now))

    def _do(self, running: Running, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case StartTimer():
                    running.timers.add(effect.timer)
                    self._schedule.at(effect.at, partial(self._fire, running, effect.timer))
                case CancelTimer():
                    running.timers.discard(effect.timer)
                case ScheduleTask():
                    self._schedule.after(HOP, partial(self._call, running, effect))
                case CancelTask():
                    pass
                case Finished():
                    running.timers.clear()
                    self._ended(running)

    def _fire(self, running: Running, timer: str) -> None:
        if timer in running.timers:
            running.timers.discard(timer)
            self._happened(running, TimerFired(timer))

    def _call(self, running: Running, task: ScheduleTask) -> None:
        if task.pattern is Pattern.TOKEN and task.token:
            self._tokens[task.token] = (running, task.task)
        arguments: Any = task.arguments
        visit = running.execution.tasks.get(task.task)
        if visit is None:
            return  # it timed out on the way
        resource, payload = task.resource, arguments
        if "lambda:invoke" in resource:
            resource, payload = arguments["FunctionName"], arguments["Payload"]
        self._perform(Call(running, task, resource, payload, visit.state.name))
