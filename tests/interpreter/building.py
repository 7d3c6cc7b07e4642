"""Short ways to write machines in tests, and to see what became of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workflows.asl.interpreter import Execution, Machine, ScheduleTask, Status
from workflows.asl.interpreter.simulation import Answer, Reply, Simulation, simulate, simulation

LAMBDA = "arn:aws:lambda:ap-south-1:000000000000:function:f"
START = 1_795_406_400.0
"""2026-11-23T04:00:00Z"""

States = Mapping[str, Any]


def machine(states: States, **fields: Any) -> Machine:
    """A machine that starts at the first of its states."""
    return Machine.parse({"StartAt": next(iter(states)), "States": states, **fields})


def silent(_task: ScheduleTask) -> Reply:
    """For machines without tasks."""
    return Reply()


def run(states: States, input_: Any = None, answer: Answer = silent, **fields: Any) -> Execution:
    return simulate(machine(states, **fields), {} if input_ is None else input_, answer, at=START)


def running(states: States, input_: Any = None, answer: Answer = silent, **fields: Any) -> Simulation:
    """Started, and not run any further."""
    started = simulation(machine(states, **fields), {} if input_ is None else input_, answer, at=START)
    started.start()
    return started


def output(execution: Execution) -> Any:
    assert execution.status is Status.SUCCEEDED, (execution.error, execution.cause)
    assert execution.output is not None
    return json.loads(execution.output)


def passing(input_: Any, **fields: Any) -> Any:
    """The output of a single Pass."""
    return output(run({"P": {"Type": "Pass", "End": True, **fields}}, input_))


def kinds(execution: Execution) -> list[str]:
    return [event.type for event in execution.history.events]


def names_entered(execution: Execution) -> list[str]:
    return [
        str(event.details["name"])
        for event in execution.history.events
        if event.type.endswith("StateEntered") and event.details is not None
    ]


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": LAMBDA, "End": True, **fields}


class Replies:
    """Answers tasks with these replies, one after the other; keeps what was asked."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.tasks: list[ScheduleTask] = []

    def __call__(self, task: ScheduleTask) -> Reply:
        self.tasks.append(task)
        return self._replies.pop(0)
