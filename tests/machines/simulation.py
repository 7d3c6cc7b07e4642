"""The committed definitions and the real tasks in one process, on a clock that jumps from event to event.

DynamoDB is moto's, so that the literal putItem and updateItem of the machines are evaluated; the broker is
`tests.tasks.world.FakeBroker`.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from brokers.clock import IST
from tasks.runtime import Runtime
from tests.machines.definitions import FILES, FUNCTION_ARN, machine, task_modules
from workflows.asl.interpreter import (
    CallReturned,
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


@dataclass(slots=True)
class Running:
    name: str
    execution: Execution
    timers: dict[str, float] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        return self.execution.status

    @property
    def output(self) -> Any:
        assert self.execution.output is not None, (self.execution.error, self.execution.cause)
        return json.loads(self.execution.output)

    @property
    def states(self) -> list[str]:
        """The names of the states it entered, in order."""
        return [
            str(event.details["name"])
            for event in self.execution.history.events
            if event.type.endswith("StateEntered") and event.details
        ]


class Simulation:
    """Executions by name. `runtime` is what the tasks work with; its callbacks must be this simulation."""

    def __init__(self, clock: Any, dynamodb: Any) -> None:
        self.clock = clock
        self.dynamodb = dynamodb
        self.runtime: Runtime | None = None
        self.executions: dict[str, Running] = {}
        self.tokens: dict[str, tuple[Running, str]] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._machines = {name: machine(name) for name in FILES}

    # --- the clock ---

    def at(self, moment: float, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._agenda, (moment, self._count, what))

    def run(self, until: datetime | None = None) -> None:
        """Everything that is due, jumping from one to the next, to the end or to `until`."""
        while self._agenda and (until is None or self._agenda[0][0] <= until.timestamp()):
            moment, _, what = heapq.heappop(self._agenda)
            self.clock.at = max(self.clock.at, datetime.fromtimestamp(moment, IST))
            what()
        if until is not None:
            self.clock.at = max(self.clock.at, until)

    @property
    def now(self) -> float:
        return float(self.clock.now().timestamp())

    # --- executions ---

    def start(self, machine: str, name: str, input_: Any) -> Running:
        facts = Facts(f"arn:{machine}:{name}", name, f"arn:{machine}", machine)
        execution = Execution(self._machines[machine], facts, json.dumps(input_), SeededEntropy(name))
        running = self.executions[name] = Running(name, execution)
        self._do(running, execution.start(self.now))
        return running

    def redrive(self, name: str) -> None:
        self._happened(self.executions[name], Redriven())

    def succeed(self, token: str, output: dict[str, object]) -> None:
        """SendTaskSuccess, as the tasks' runtime calls it."""
        waiting = self.tokens.pop(token, None)
        if waiting is not None:
            running, task = waiting
            self.at(
                self.now, partial(self._happened, running, TaskSucceeded(task, json.loads(json.dumps(output))))
            )

    def _happened(self, running: Running, what: Happening) -> None:
        self._do(running, running.execution.happened(what, self.now))

    def _do(self, running: Running, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case StartTimer():
                    running.timers[effect.timer] = effect.at
                    self.at(effect.at, partial(self._fire, running, effect.timer))
                case CancelTimer():
                    running.timers.pop(effect.timer, None)
                case ScheduleTask():
                    self.at(self.now, partial(self._call, running, effect))
                case Finished():
                    running.timers.clear()

    def _fire(self, running: Running, timer: str) -> None:
        if running.timers.pop(timer, None) is not None:
            self._happened(running, TimerFired(timer))

    # --- tasks ---

    def _call(self, running: Running, task: ScheduleTask) -> None:
        if task.pattern is Pattern.TOKEN and task.token:
            self.tokens[task.token] = (running, task.task)
        try:
            output = self._result(task)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            self._happened(running, TaskFailed(task.task, f"DynamoDB.{code}", str(error)))
        except _AlreadyExists as error:
            name = "StepFunctions.ExecutionAlreadyExistsException"
            self._happened(running, TaskFailed(task.task, name, str(error)))
        except Exception as error:  # noqa: BLE001  (as Lambda does: every exception is an answer)
            self._happened(running, TaskFailed(task.task, type(error).__name__, str(error)))
        else:
            self._happened(running, CallReturned(task.task, output))

    def _result(self, task: ScheduleTask) -> Any:
        arguments: Any = task.arguments
        if task.resource.startswith(FUNCTION_ARN):
            return self._invoke(task.resource, arguments)
        if "lambda:invoke" in task.resource:
            return self._invoke(arguments["FunctionName"], arguments["Payload"])
        if "dynamodb:putItem" in task.resource:
            return self._plain(self.dynamodb.put_item(**arguments))
        if "dynamodb:updateItem" in task.resource:
            return self._plain(self.dynamodb.update_item(**arguments))
        if "states:startExecution" in task.resource:
            return self._start_child(arguments)
        raise AssertionError(f"the simulation has no {task.resource}")

    def _invoke(self, arn: str, payload: Any) -> Any:
        module = task_modules()[arn.removeprefix(FUNCTION_ARN)]
        assert self.runtime is not None
        output = module.run(module.Input.model_validate(json.loads(json.dumps(payload))), self.runtime)
        return json.loads(output.model_dump_json())

    def _start_child(self, arguments: Any) -> Any:
        name = arguments["Name"]
        if name in self.executions:
            raise _AlreadyExists(name)
        self.start(arguments["StateMachineArn"], name, arguments["Input"])
        started = datetime.fromtimestamp(self.now, UTC).isoformat()
        return {"ExecutionArn": f"arn:AccountBasket:{name}", "StartDate": started}

    @staticmethod
    def _plain(answer: dict[str, Any]) -> Any:
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


class _AlreadyExists(Exception):
    """An execution of that name exists."""
