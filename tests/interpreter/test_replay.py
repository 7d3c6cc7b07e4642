"""The same happenings give the same execution: that is what durability stands on."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.interpreter.building import START, machine, task
from workflows.asl.interpreter import (
    CallReturned,
    Execution,
    Happening,
    Machine,
    Redriven,
    ScheduleTask,
    SeededEntropy,
    StartTimer,
    Status,
    Stopped,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)
from workflows.asl.interpreter.simulation import FACTS, Reply, simulate

WAVE = {
    "StartAt": "Claim",
    "States": {
        "Claim": {
            "Type": "Pass",
            "Parameters": {"id.$": "States.UUID()"},
            "ResultPath": "$.claim",
            "Next": "Place",
        },
        "Place": task(Retry=[{"ErrorEquals": ["States.ALL"], "JitterStrategy": "FULL", "MaxAttempts": 2}])
        | {"ResultPath": "$.placed", "End": False, "Next": "Fill"},
        "Fill": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "w", "Payload": {"token.$": "$$.Task.Token"}},
            "TimeoutSeconds": 5,
            "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.poll", "Next": "Nap"}],
            "End": True,
        },
        "Nap": {"Type": "Wait", "Seconds": 2, "Next": "Fill"},
    },
}
del WAVE["States"]["Place"]["End"]  # type: ignore[index]
STATES: dict[str, Any] = {
    "Legs": {"Type": "Map", "ItemsPath": "$.legs", "ItemProcessor": WAVE, "MaxConcurrency": 2, "End": True}
}
INPUT = json.dumps({"legs": [{"leg": n} for n in range(3)]})


def fresh() -> Execution:
    return Execution(machine(STATES, TimeoutSeconds=300), FACTS, INPUT, SeededEntropy("seed"))


class Chance:
    """Lets anything that may happen happen, in any order, and writes it down."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.execution = fresh()
        self.journal: list[tuple[float, Happening]] = []
        self.at = START
        self.possible: list[Happening] = []
        self.take(self.execution.start(self.at))

    def take(self, effects: Any) -> None:
        for effect in effects:
            if isinstance(effect, ScheduleTask):
                makers = (CallReturned, TaskSucceeded)
                self.possible += [make(effect.task, {"n": effect.task}) for make in makers]
                self.possible.append(TaskFailed(effect.task, "Boom", "why"))
            elif isinstance(effect, StartTimer):
                self.possible.append(TimerFired(effect.timer))

    def step(self) -> None:
        self.at += self.random.random() * 3
        ended = self.execution.status is not Status.RUNNING
        what: Happening = Redriven() if ended else self.random.choice([*self.possible, Stopped("Enough")])
        if isinstance(what, Stopped) and self.random.random() < 0.9:
            return
        self.journal.append((self.at, what))
        self.take(self.execution.happened(what, self.at))


def seen(execution: Execution) -> Any:
    events = [event.render() for event in execution.history.events]
    return events, execution.status, execution.output, sorted(execution.tasks), sorted(execution.timers)


@settings(max_examples=60, deadline=None)
@given(st.integers())
def test_replaying_what_happened_gives_the_same_execution(seed: int) -> None:
    chance = Chance(seed)
    for _ in range(60):
        if chance.execution.status is Status.SUCCEEDED:
            break
        chance.step()

    again = fresh()
    again.start(START)
    for at, what in chance.journal:
        again.happened(what, at)

    assert seen(again) == seen(chance.execution)


@settings(max_examples=60, deadline=None)
@given(st.integers())
def test_chains_of_events_hold_together_whatever_happens(seed: int) -> None:
    chance = Chance(seed)
    for _ in range(60):
        if chance.execution.status is Status.SUCCEEDED:
            break
        chance.step()

    events = chance.execution.history.events
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert all(event.previous < event.id for event in events)
    if chance.execution.status is not Status.RUNNING:
        assert not chance.execution.tasks
        assert not chance.execution.timers


LOOP: dict[str, Any] = {
    "Init": {"Type": "Pass", "Result": {"n": 0}, "ResultPath": "$.c", "Next": "Inc"},
    "Inc": {
        "Type": "Pass",
        "Parameters": {"n.$": "States.MathAdd($.c.n, 1)"},
        "ResultPath": "$.c",
        "Next": "Again",
    },
    "Again": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.c.n", "NumericLessThan": 1500, "Next": "Call"}],
        "Default": "Done",
    },
    "Call": {**task(TimeoutSeconds=5, ResultPath="$.r"), "End": False, "Next": "Nap"},
    "Nap": {"Type": "Wait", "Seconds": 1, "Next": "Inc"},
    "Done": {"Type": "Succeed"},
}
del LOOP["Call"]["End"]


def test_thousands_of_transitions_a_second() -> None:
    began = time.perf_counter()
    execution = simulate(machine(LOOP), {"a": "x" * 200}, lambda _task: Reply({"ok": True}, after=0.05))
    seconds = time.perf_counter() - began

    assert execution.status is Status.SUCCEEDED
    transitions = sum(event.type.endswith("StateEntered") for event in execution.history.events)
    assert transitions / seconds > 5000, f"{transitions / seconds:.0f} transitions a second"


def test_interpreter_does_no_io_and_asks_no_clock() -> None:
    folder = Path(__file__).parents[2] / "workflows" / "asl" / "interpreter"
    for file in folder.glob("*.py"):
        text = file.read_text()
        for forbidden in ("time.time", ".now(", "open(", "socket", "uuid4", "secrets", "sleep("):
            assert forbidden not in text, f"{file.name} has {forbidden}"


def test_machine_is_read_from_text_or_json() -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    assert Machine.parse(definition).root.start_at == Machine.parse(json.dumps(definition)).root.start_at
