"""Histories become steps: attempts, caught errors, iterations, redrives; also from engines that say little."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localstack.console.steps import Status
from localstack.console.story import Story
from tests.console.histories import History

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "stepfunctions" / "recorded"


def told(history: History) -> Story:
    story = Story()
    story.read(history.events)
    return story


def by_state(story: Story, state: str) -> Any:
    return [step for step in story.steps.values() if step.state == state][-1]


def test_retries_count_and_a_caught_error_is_caught() -> None:
    history = History()
    history.add("ExecutionStarted")
    history.enter("Place")
    for _ in range(3):
        history.add("LambdaFunctionScheduled")
        history.add("LambdaFunctionFailed", error="BrokerUnavailable", cause="502")
    history.leave("Place")
    history.enter("Lag", "Wait")
    story = told(history)
    place = by_state(story, "Place")
    assert (place.status, len(place.attempts), place.error) == (Status.CAUGHT, 3, "BrokerUnavailable")
    assert by_state(story, "Lag").status is Status.RUNNING


def test_between_two_attempts_it_is_retrying() -> None:
    history = History()
    history.add("ExecutionStarted")
    history.enter("Plan")
    history.add("LambdaFunctionScheduled")
    history.add("LambdaFunctionTimedOut")
    story = told(history)
    assert by_state(story, "Plan").status is Status.RETRYING
    assert by_state(story, "Plan").error == "States.Timeout"


def redriven_entry() -> History:
    history = History()
    history.add("ExecutionStarted")
    history.enter("Plan")
    history.add("LambdaFunctionScheduled")
    history.add("LambdaFunctionFailed", error="TokenExpired", cause="log in")
    history.add("ExecutionFailed", error="TokenExpired", cause="log in")
    history.add("ExecutionRedriven", redriveCount=1)
    history.add("LambdaFunctionScheduled")
    history.add("LambdaFunctionSucceeded")
    history.leave("Plan")
    history.add("ExecutionSucceeded")
    return history


def test_a_redrive_goes_on_in_the_step_that_failed() -> None:
    history = redriven_entry()
    story = Story()
    story.read(history.events[:5])
    assert (story.status, by_state(story, "Plan").status) == (Status.FAILED, Status.FAILED)
    story.read(history.events)
    plan = by_state(story, "Plan")
    assert (story.status, story.redrives) == (Status.SUCCEEDED, 1)
    assert [(each.redrive, each.failed) for each in plan.attempts] == [(0, True), (1, False)]
    assert (plan.status, plan.error, len(story.steps)) == (Status.SUCCEEDED, "", 1)


def test_events_are_told_once_whatever_the_parts() -> None:
    events = redriven_entry().events
    whole, parts = Story(), Story()
    whole.read(events)
    for end in range(1, len(events) + 1):
        parts.read(events[max(0, end - 3) : end])
    assert parts.steps == whole.steps


def order(leg: int, symbol: str) -> dict[str, Any]:
    return {
        "order": {"leg": leg, "slice": 1, "attempt": 1, "side": "SELL", "symbol": symbol, "account": "ZA1234"}
    }


def test_iterations_are_named_by_leg_and_account_and_do_not_mix() -> None:
    history = History()
    history.add("ExecutionStarted")
    history.enter("Wave", "Map")
    started = history.add("MapStateStarted", length=2)
    first = history.add("MapIterationStarted", after=started, name="Wave", index=0)
    second = history.add("MapIterationStarted", after=started, name="Wave", index=1)
    a = history.enter("Claim", after=first, data=order(1, "NIFTY26NOV25000CE"))
    b = history.enter("Claim", after=second, data=order(2, "NIFTY26NOV25000PE"))
    a = history.leave("Claim", after=a)
    a = history.add("MapIterationSucceeded", after=a, name="Wave", index=0)
    b = history.add("TaskScheduled", after=b)
    b = history.add("TaskFailed", after=b, error="Oops")
    history.add("MapIterationFailed", after=b, name="Wave", index=1)
    history.add("MapStateFailed", after=b)
    history.add("ExecutionFailed", error="Oops")
    story = told(history)
    frames = list(story.frames.values())[1:]
    assert [frame.label for frame in frames] == [
        "Leg 1 · SELL NIFTY26NOV25000CE · ZA1234",
        "Leg 2 · SELL NIFTY26NOV25000PE · ZA1234",
    ]
    assert [frame.status for frame in frames] == [Status.SUCCEEDED, Status.FAILED]
    assert [story.steps[frame.steps[0]].status for frame in frames] == [Status.SUCCEEDED, Status.FAILED]
    assert by_state(story, "Wave").status is Status.FAILED


def test_a_redriven_iteration_goes_on_with_its_own_step() -> None:
    history = History()
    history.add("ExecutionStarted")
    history.enter("Wave", "Map")
    started = history.add("MapStateStarted", length=1)
    at = history.add("MapIterationStarted", after=started, name="Wave", index=0)
    history.enter("Place", after=at)
    history.add("TaskScheduled")
    failed = history.add("TaskFailed", error="Oops")
    history.add("MapIterationFailed", name="Wave", index=0)
    history.add("MapStateFailed", after=failed)
    history.add("ExecutionFailed", error="Oops")
    history.add("ExecutionRedriven", redriveCount=1)
    history.add("MapIterationStarted", name="Wave", index=0)
    history.add("TaskScheduled")
    history.add("TaskSucceeded")
    history.leave("Place")
    history.add("MapIterationSucceeded", name="Wave", index=0)
    history.add("MapStateSucceeded")
    history.leave("Wave", "Map")
    story = told(history)
    assert len(story.frames) == 2
    assert by_state(story, "Place").status is Status.SUCCEEDED
    assert by_state(story, "Wave").status is Status.SUCCEEDED


def test_branches_of_a_parallel_are_frames_of_their_own() -> None:
    history = History()
    history.add("ExecutionStarted")
    history.enter("Both", "Parallel")
    started = history.add("ParallelStateStarted")
    a = history.enter("A", "Pass", after=started)
    b = history.enter("B", "Pass", after=started)
    history.leave("A", "Pass", after=a)
    b = history.leave("B", "Pass", after=b)
    history.add("ParallelStateSucceeded", after=b)
    history.leave("Both", "Parallel")
    history.add("ExecutionSucceeded")
    story = told(history)
    assert {by_state(story, state).frame for state in "AB"} == {1, 2}
    assert {step.status for step in story.steps.values()} == {Status.SUCCEEDED}


def test_an_engine_without_previous_event_ids_is_followed_in_order() -> None:
    history = History(previous=False)
    history.add("ExecutionStarted")
    history.enter("Greet", "Pass")
    history.leave("Greet", "Pass")
    history.enter("Work")
    history.add("TaskScheduled")
    history.add("TaskFailed", error="Broken")
    history.add("ExecutionFailed", error="Broken", cause="so")
    story = told(history)
    assert by_state(story, "Greet").status is Status.SUCCEEDED
    assert (by_state(story, "Work").status, by_state(story, "Work").error) == (Status.FAILED, "Broken")


def test_started_executions_are_remembered() -> None:
    history = History()
    history.add("ExecutionStarted")
    history.enter("Start")
    history.add("TaskScheduled", resourceType="states", resource="startExecution")
    history.add(
        "TaskSucceeded", resourceType="states", output={"ExecutionArn": "arn:aws:states:x:1:execution:m:e"}
    )
    assert by_state(told(history), "Start").children == ["arn:aws:states:x:1:execution:m:e"]


def recorded_histories() -> list[tuple[str, list[dict[str, Any]]]]:
    if not RECORDED.exists():
        pytest.skip("../shared/data/stepfunctions is not present")
    found = []
    for file in sorted(RECORDED.glob("*.json")):
        for name, case in json.loads(file.read_text()).items():
            for events in _events_in(case):
                found.append((name, events))
    return found


def _events_in(value: Any) -> list[list[dict[str, Any]]]:
    if isinstance(value, dict):
        own = value.get("events")
        if isinstance(own, list) and own and isinstance(own[0], dict) and "type" in own[0]:
            return [own]
        return [found for each in value.values() for found in _events_in(each)]
    return [found for each in value for found in _events_in(each)] if isinstance(value, list) else []


def test_whatever_aws_recorded_is_told_to_its_end() -> None:
    """Every step of every history that ended is over, and nothing succeeded in what failed in the open."""
    told_of = 0
    for name, events in recorded_histories():
        if any(not isinstance(event["id"], int) for event in events):
            continue  # a placeholder stands where order is left open
        at = datetime(2026, 11, 23, tzinfo=UTC)
        story = Story()
        story.read([{**event, "timestamp": at + timedelta(seconds=event["id"])} for event in events])
        if story.status is Status.RUNNING:
            continue
        told_of += 1
        still = [
            step.state for step in story.steps.values() if step.status in (Status.RUNNING, Status.RETRYING)
        ]
        assert not still, f"{name}: {still}"
        entered = sum(event["type"].endswith("StateEntered") for event in events)
        assert len(story.steps) == entered, name
    assert told_of > 50
