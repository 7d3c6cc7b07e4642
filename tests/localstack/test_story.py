"""Histories become steps, steps become lines that a trader can read."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from brokers.clock import IST
from localstack.history import End, Reader, Step
from localstack.story import Story
from tests.interpreter.building import run

BEGIN = datetime(2026, 11, 23, 9, 30, tzinfo=IST)


class History:
    """Events in the form of GetExecutionHistory, one second apart."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, previous: int | None = None, **details: Any) -> int:
        number = len(self.events) + 1
        name = {"Entered": "stateEntered", "Exited": "stateExited"}.get(kind[-7:].lstrip("e"), "")
        key = f"{name}EventDetails" if name else f"{kind[0].lower()}{kind[1:]}EventDetails"
        previous = number - 1 if previous is None else previous
        at = BEGIN + timedelta(seconds=number)
        self.events.append(
            {"id": number, "previousEventId": previous, "type": kind, "timestamp": at, key: details}
        )
        return number

    def state(self, kind: str, name: str, given: Any, left: Any, previous: int | None = None) -> int:
        self.add(f"{kind}StateEntered", previous, name=name, input=json.dumps(given))
        return self.add(f"{kind}StateExited", name=name, output=json.dumps(left))

    def steps(self) -> list[Step | End]:
        return Reader("run").read(self.events)


def test_iterations_are_told_apart() -> None:
    history = History()
    start = history.add("MapStateStarted", length=2)
    first = history.add("MapIterationStarted", start, name="SellWave", index=0)
    second = history.add("MapIterationStarted", start, name="SellWave", index=1)
    history.state("Task", "PlaceSellOrder", {}, {}, second)
    history.state("Task", "PlaceSellOrder", {}, {}, first)
    steps = history.steps()
    assert [step.iteration for step in steps if isinstance(step, Step)] == [1, 0]


def test_a_map_inside_a_map_is_read() -> None:
    """More iterations than run at once, some of them with nothing inside."""
    inner = {"Type": "Pass", "End": True}
    each = {"Type": "Map", "ItemsPath": "$", "MaxConcurrency": 1, "End": True}
    within = {"Inner": {**each, "ItemProcessor": {"StartAt": "Each", "States": {"Each": inner}}}}
    outer = {**each, "ItemProcessor": {"StartAt": "Inner", "States": within}}
    execution = run({"Outer": outer}, [["a", "b"], [], ["c"]])
    events: list[Any] = [event.render() for event in execution.history.events]
    told = [{**event, "timestamp": datetime.fromtimestamp(event["timestamp"], IST)} for event in events]
    steps = [step for step in Reader("run").read(told) if isinstance(step, Step)]
    assert [(step.state, step.iteration) for step in steps] == [
        ("Each", 0), ("Each", 1), ("Inner", 0), ("Inner", 1), ("Each", 0), ("Inner", 2), ("Outer", None),
    ]  # fmt: skip


def test_a_failure_that_was_caught_is_told() -> None:
    history = History()
    history.add("TaskStateEntered", name="WaitForSellFill", input="{}")
    history.add("TaskTimedOut", error="States.Timeout")
    history.add("TaskStateExited", name="WaitForSellFill", output="{}")
    (step,) = history.steps()
    assert "caught States.Timeout" in Story().tell(step)


def test_only_what_is_new_is_read() -> None:
    history, reader = History(), Reader("run")
    history.state("Pass", "First", {}, {})
    assert len(reader.read(history.events)) == 1
    history.state("Pass", "Second", {}, {})
    assert [step.state for step in reader.read(history.events) if isinstance(step, Step)] == ["Second"]


def test_lines_say_who_when_and_what_came_of_it() -> None:
    history = History()
    given = {"side": "ENTRY", "account": "ZA1234"}
    fill = {"status": "FILLED", "filled_quantity": 30, "average_price": "1071.35"}
    history.state("Task", "WaitForSellFill", given, {**given, "fill": fill})
    history.add("ExecutionSucceeded", output="{}")
    story = Story()
    lines = [story.tell(item) for item in history.steps()]
    assert lines == [
        "09:30:02  ZA1234 entry  WaitForSellFill        FILLED: 30 at 1,071.35",
        "09:30:03  ZA1234 entry  ■ succeeded",
    ]


def test_a_skipped_run_says_why() -> None:
    history = History()
    result = {"result": {"status": "SKIPPED", "reason": "DTE 1"}}
    history.add("ExecutionSucceeded", output=json.dumps(result))
    (end,) = history.steps()
    assert "succeeded: SKIPPED, DTE 1" in Story().tell(end)
