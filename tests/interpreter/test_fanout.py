"""Map and Parallel: order, limits, failure, and what a redrive takes up again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.interpreter.building import START, Replies, kinds, names_entered, output, run, running, task
from workflows.asl.interpreter import (
    CallReturned,
    NotRedrivable,
    Redriven,
    ScheduleTask,
    Status,
    Stopped,
    TaskFailed,
)
from workflows.asl.interpreter.simulation import Reply


def processor(state: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": "Each", "States": {"Each": state}}


def map_of(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Map", "ItemProcessor": processor(state), "End": True, **fields}


def echo(asked: ScheduleTask) -> Reply:
    return Reply(asked.arguments, after=1)


def test_results_are_in_order_of_the_items_whatever_comes_first() -> None:
    def backwards(asked: ScheduleTask) -> Reply:
        return Reply(asked.arguments * 10, after=10 - asked.arguments)

    assert output(run({"M": map_of(task())}, [1, 2, 3], backwards)) == [10, 20, 30]


def test_items_path_selector_and_context() -> None:
    selector = {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "all.$": "$.name"}
    states = {"M": map_of({"Type": "Pass", "End": True}, ItemsPath="$.items", ItemSelector=selector)}
    assert output(run(states, {"items": ["a", "b"], "name": "N"})) == [
        {"v": "a", "i": 0, "all": "N"},
        {"v": "b", "i": 1, "all": "N"},
    ]


def test_older_form_with_iterator_and_parameters() -> None:
    states = {
        "M": {
            "Type": "Map",
            "Iterator": processor({"Type": "Pass", "End": True}),
            "Parameters": {"v.$": "$$.Map.Item.Value"},
            "End": True,
        }
    }
    assert output(run(states, [1, 2])) == [{"v": 1}, {"v": 2}]


def test_states_inside_see_the_item_in_the_context() -> None:
    inner = {
        "Type": "Pass",
        "Parameters": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"},
        "End": True,
    }
    assert output(run({"M": map_of(inner)}, ["x"])) == [{"i": 0, "v": "x"}]


def test_no_items() -> None:
    execution = run({"M": map_of(task())}, [], echo)
    assert output(execution) == []
    assert kinds(execution)[2:5] == ["MapStateStarted", "MapStateSucceeded", "MapStateExited"]


@pytest.mark.parametrize(
    ("limit", "seconds"), [({}, 3), ({"MaxConcurrency": 2}, 50), ({"MaxConcurrencyPath": "$.m"}, 20)]
)
def test_concurrency(limit: dict[str, Any], seconds: int) -> None:
    states = {"M": map_of(task(), ItemsPath="$.items", **limit)}
    execution = run(states, {"items": list(range(100)), "m": 5}, echo)
    assert execution.stopped_at == START + seconds


def test_what_is_no_array() -> None:
    execution = run({"M": map_of(task(), ItemsPath="$.x")}, {"x": 1}, echo)
    assert execution.error == "States.Runtime"
    assert execution.cause is not None
    assert 'Reference path "$.x" must point to array.' in execution.cause


def one_fails(asked: ScheduleTask) -> Any:
    if asked.arguments == 2:
        return Reply(error="Boom", cause="two", after=1)
    return Reply(asked.arguments, after=5)


def test_one_failure_aborts_the_others_and_fails_the_map() -> None:
    execution = run({"M": map_of(task())}, [1, 2, 3], one_fails)
    assert (execution.status, execution.error, execution.stopped_at) == (Status.FAILED, "Boom", START + 1)
    assert kinds(execution)[-8:] == [
        "TaskStateAborted",
        "MapIterationFailed",
        "TaskStateAborted",
        "MapIterationAborted",
        "TaskStateAborted",
        "MapIterationAborted",
        "MapStateFailed",
        "ExecutionFailed",
    ]
    assert not execution.tasks


def test_map_catches_what_an_iteration_throws() -> None:
    states = {
        "M": map_of(task(), Catch=[{"ErrorEquals": ["Boom"], "Next": "Done"}]),
        "Done": {"Type": "Succeed"},
    }
    assert output(run(states, [1, 2], one_fails)) == {"Error": "Boom", "Cause": "two"}


def test_map_that_is_retried_begins_again() -> None:
    replies = Replies(Reply(error="Boom"), Reply("b"), Reply("c"), Reply("d"))
    states = {"M": map_of(task(), MaxConcurrency=1, Retry=[{"ErrorEquals": ["Boom"], "MaxAttempts": 1}])}
    execution = run(states, [1, 2], replies)
    assert output(execution) == ["b", "c"]
    assert kinds(execution).count("MapStateStarted") == 2


def test_parallel_gives_each_branch_the_input_and_collects_by_branch() -> None:
    branches = [
        {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 9, "End": True}}},
        {"StartAt": "B", "States": {"B": {"Type": "Pass", "Result": "b", "End": True}}},
    ]
    states = {"P": {"Type": "Parallel", "Branches": branches, "ResultPath": "$.r", "End": True}}
    assert output(run(states, {"a": 1})) == {"a": 1, "r": [{"a": 1}, "b"]}


def test_runtime_error_in_a_branch_ends_everything_at_once_as_on_aws() -> None:
    bad = {"Type": "Pass", "Parameters": {"m.$": "$.nope"}, "End": True}
    branches = [{"StartAt": "Fast", "States": {"Fast": bad}}]
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Never"}]
    states = {
        "P": {"Type": "Parallel", "Branches": branches, "Catch": catch, "End": True},
        "Never": {"Type": "Succeed"},
    }
    execution = run(states, {"x": "a"})
    assert kinds(execution)[2:] == ["ParallelStateStarted", "PassStateEntered", "ExecutionFailed"]
    assert execution.cause is not None
    assert execution.cause.startswith(
        "An error occurred while executing the state 'Fast' (entered at the event id #4)"
    )


def test_nested_map() -> None:
    inner = {"Type": "Map", "Iterator": {"StartAt": "T", "States": {"T": task()}}, "End": True}
    assert output(run({"M": map_of(inner)}, [[1, 2], [3]], echo)) == [[1, 2], [3]]


def test_a_large_map_costs_no_more_memory_than_its_items() -> None:
    started = running({"M": map_of(task(), ItemsPath="$")}, [0] * 20_000, lambda _task: [])
    assert len(started.execution.tasks) == 40


# --- redrive ---


class Market:
    """Fails for the accounts in `shut`, until they are let in."""

    def __init__(self, *shut: int) -> None:
        self.shut = set(shut)
        self.asked: list[int] = []

    def __call__(self, asked: ScheduleTask) -> Any:
        self.asked.append(asked.arguments)
        if asked.arguments in self.shut:
            return [(1.0, TaskFailed(asked.task, "TokenExpired"))]
        return [(0.5 if asked.arguments < 3 else 60.0, CallReturned(asked.task, asked.arguments * 10))]


def test_redrive_runs_only_what_failed_or_was_aborted_or_never_began() -> None:
    market = Market(2)
    started = running({"M": map_of(task(), MaxConcurrency=3)}, [1, 2, 3, 4], market)
    execution = started.run()
    assert execution.status is Status.FAILED
    assert sorted(market.asked) == [1, 2, 3, 4]

    market.shut.clear()
    market.asked.clear()
    started.redrive(Redriven())
    assert output(started.run()) == [10, 20, 30, 40]
    assert sorted(market.asked) == [2, 3, 4]
    assert (execution.redrive_count, kinds(execution).count("MapStateEntered")) == (1, 1)


def test_redrive_of_an_account_that_never_began() -> None:
    market = Market(1)
    started = running({"M": map_of(task(), MaxConcurrency=1)}, [1, 2], market)
    started.run()
    assert market.asked == [1]

    market.shut.clear()
    started.redrive(Redriven())
    assert output(started.run()) == [10, 20]


def test_redrive_gives_retries_back() -> None:
    replies = Replies(*[Reply(error="A")] * 4, Reply("ok"))
    started = running({"T": task(Retry=[{"ErrorEquals": ["A"], "MaxAttempts": 1}])}, {}, replies)
    started.run()
    assert len(replies.tasks) == 2

    started.redrive(Redriven())
    assert started.run().status is Status.FAILED
    assert len(replies.tasks) == 4
    started.redrive(Redriven())
    assert output(started.run()) == "ok"
    assert started.execution.redrive_count == 2


def test_redriven_fail_fails_again() -> None:
    started = running({"F": {"Type": "Fail", "Error": "Shut"}})
    started.redrive(Redriven())
    assert started.run().status is Status.FAILED
    assert names_entered(started.execution) == ["F", "F"]


def test_redriven_choice_and_wait_are_evaluated_again() -> None:
    states = {
        "W": {"Type": "Wait", "Seconds": 100, "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "S"}]},
        "S": {"Type": "Succeed"},
    }
    started = running(states)
    started.happens(Stopped(), after=40)
    started.run()
    started.redrive(Redriven())
    assert started.run().status is Status.FAILED
    assert started.execution.stopped_at == START + 140

    started.redrive(Redriven())
    assert started.run().cause is not None
    assert kinds(started.execution).count("ExecutionRedriven") == 2


def test_redrive_counts_in_the_context_and_restarts_the_machines_clock() -> None:
    replies = Replies(Reply(error="A", after=50), Reply("ok", after=50))
    started = running(
        {"T": task(Parameters={"n.$": "$$.Execution.RedriveCount"})}, {}, replies, TimeoutSeconds=60
    )
    started.run()
    started.redrive(Redriven())
    assert output(started.run()) == "ok"
    assert [asked.arguments["n"] for asked in replies.tasks] == [0, 1]


def test_what_can_not_be_redriven() -> None:
    started = running({"W": {"Type": "Wait", "Seconds": 9, "End": True}})
    with pytest.raises(NotRedrivable, match="RUNNING"):
        started.redrive(Redriven())
    done = run({"P": {"Type": "Pass", "End": True}})
    with pytest.raises(NotRedrivable, match="SUCCEEDED"):
        done.happened(Redriven(), START)


def test_parallel_branch_between_two_states_when_another_fails_goes_on_with_the_next() -> None:
    branches: list[Any] = [
        {"StartAt": "F", "States": {"F": task()}},
        {
            "StartAt": "A",
            "States": {"A": task(End=False, Next="B"), "B": {"Type": "Pass", "Result": "b", "End": True}},
        },
    ]
    del branches[1]["States"]["A"]["End"]
    tries: list[str] = []

    def answer(asked: ScheduleTask) -> Any:
        tries.append(asked.task)
        return [(1.0, TaskFailed(asked.task, "X") if len(tries) == 1 else CallReturned(asked.task, "a"))]

    started = running({"P": {"Type": "Parallel", "Branches": branches, "End": True}}, {}, answer)
    started.run()
    started.redrive(Redriven())
    assert output(started.run()) == ["a", "b"]
