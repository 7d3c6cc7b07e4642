"""Retry, Catch, time-outs, and the end of executions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.interpreter.building import START, Replies, kinds, names_entered, output, run, running, task
from workflows.asl.interpreter import (
    CallReturned,
    Heartbeat,
    ScheduleTask,
    Status,
    Stopped,
    TaskFailed,
    TaskSucceeded,
)
from workflows.asl.interpreter.definition import Retrier
from workflows.asl.interpreter.errors import matches
from workflows.asl.interpreter.simulation import Reply

WAITING = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


def caught(*names: str, **fields: Any) -> dict[str, Any]:
    return {"Catch": [{"ErrorEquals": list(names), "Next": "Caught", **fields}]}


def failing(error: str | None, cause: str | None = "why") -> Replies:
    return Replies(*[Reply(error=error or "Boom", cause=cause)] * 20)


@pytest.mark.parametrize(
    ("error", "names", "expected"),
    [
        ("Boom", ["States.ALL"], True),
        ("Boom", ["States.TaskFailed"], True),
        ("Boom", ["Bo"], False),
        ("States.Timeout", ["States.TaskFailed"], False),
        ("States.Timeout", ["States.ALL"], True),
        ("States.HeartbeatTimeout", ["States.Timeout"], True),
        ("States.Runtime", ["States.ALL"], False),
        ("States.Runtime", ["States.TaskFailed"], False),
        ("States.Runtime", ["States.Runtime"], True),
        ("States.DataLimitExceeded", ["States.ALL"], False),
        (None, ["States.ALL"], True),
    ],
)
def test_which_errors_a_name_takes(error: str | None, names: list[str], expected: bool) -> None:
    assert matches(error, names) is expected


def test_delays_grow_are_capped_and_jittered() -> None:
    plain = Retrier(("E",), interval=1, backoff_rate=2.0, max_delay=8)
    assert [plain.delay(n, 1.0) for n in range(5)] == [1, 2, 4, 8, 8]
    assert Retrier(("E",), interval=4, full_jitter=True).delay(0, 0.25) == 1
    assert Retrier(("E",), backoff_rate=10.0).delay(2000, 1.0) < float("inf")


def test_retries_then_success() -> None:
    replies = Replies(Reply(error="A"), Reply(error="A"), Reply("ok"))
    execution = run({"T": task(Retry=[{"ErrorEquals": ["A"], "IntervalSeconds": 3}])}, {}, replies)

    assert output(execution) == "ok"
    scheduled = [e.at - START for e in execution.history.events if e.type == "LambdaFunctionScheduled"]
    assert scheduled == [0, 3, 9]


def test_each_retrier_counts_for_itself_and_the_first_that_matches_decides() -> None:
    retry = [{"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    replies = Replies(Reply(error="A"), Reply(error="B"), Reply(error="A"))
    execution = run({"T": task(Retry=retry)}, {}, replies)

    assert (execution.status, execution.error) == (Status.FAILED, "A")
    assert len(replies.tasks) == 3


def test_no_retry_when_max_attempts_is_zero() -> None:
    replies = failing("A")
    run({"T": task(Retry=[{"ErrorEquals": ["A"], "MaxAttempts": 0}])}, {}, replies)
    assert len(replies.tasks) == 1


def test_retry_count_in_the_context() -> None:
    replies = Replies(Reply(error="A"), Reply(error="A"), Reply("ok"))
    states = {"T": task(Parameters={"n.$": "$$.State.RetryCount"}, Retry=[{"ErrorEquals": ["A"]}])}
    run(states, {}, replies)
    assert [asked.arguments["n"] for asked in replies.tasks] == [0, 1, 2]


def test_catch_puts_error_and_cause_where_it_says() -> None:
    states = {"T": task(**caught("Boom", ResultPath="$.trouble")), "Caught": {"Type": "Succeed"}}
    assert output(run(states, {"a": 1}, failing("Boom"))) == {
        "a": 1,
        "trouble": {"Error": "Boom", "Cause": "why"},
    }


def test_catch_after_the_retries_are_used_up() -> None:
    states = {
        "T": task(Retry=[{"ErrorEquals": ["Boom"], "MaxAttempts": 2}], **caught("States.ALL")),
        "Caught": {"Type": "Succeed"},
    }
    replies = failing("Boom")
    assert output(run(states, {}, replies))["Error"] == "Boom"
    assert len(replies.tasks) == 3


def test_runtime_errors_pass_states_all_by_but_not_their_own_name() -> None:
    broken = {"OutputPath": "$.no.such"}
    states = {"T": task(**broken, **caught("States.ALL")), "Caught": {"Type": "Succeed"}}
    assert run(states, {}, Replies(Reply({}))).status is Status.FAILED

    states = {"T": task(**broken, **caught("States.Runtime")), "Caught": {"Type": "Succeed"}}
    assert output(run(states, {}, Replies(Reply({}))))["Error"] == "States.Runtime"


def test_task_that_never_answers_times_out() -> None:
    execution = run({"T": task(TimeoutSeconds=5)}, {}, lambda _task: [])
    assert (execution.status, execution.error, execution.cause) == (Status.FAILED, "States.Timeout", None)
    assert execution.stopped_at == START + 5
    assert kinds(execution)[-2:] == ["LambdaFunctionTimedOut", "ExecutionFailed"]


def test_answer_in_time_stops_the_time_out() -> None:
    assert output(run({"T": task(TimeoutSeconds=5)}, {}, lambda _task: Reply("ok", after=4.9))) == "ok"


def test_answer_after_the_time_out_is_ignored() -> None:
    states = {
        "T": task(TimeoutSeconds=5, **caught("States.Timeout", ResultPath="$.t")),
        "Caught": {"Type": "Wait", "Seconds": 60, "End": True},
    }
    execution = run(states, {}, lambda _task: Reply("late", after=6))
    assert output(execution) == {"t": {"Error": "States.Timeout", "Cause": ""}}


def test_time_out_from_the_input() -> None:
    execution = run({"T": task(TimeoutSecondsPath="$.limit")}, {"limit": 7}, lambda _task: [])
    assert execution.stopped_at == START + 7
    assert (
        run({"T": task(TimeoutSecondsPath="$.limit")}, {"limit": "7"}, lambda _task: []).error
        == "States.Runtime"
    )


def test_heartbeats_push_the_heartbeat_time_out_and_not_the_other() -> None:
    def beats(asked: ScheduleTask) -> Any:
        return [(after, Heartbeat(asked.task)) for after in (8.0, 16.0, 24.0)]

    execution = run({"T": task(Resource=WAITING, HeartbeatSeconds=10, TimeoutSeconds=600)}, {}, beats)
    assert (execution.error, execution.stopped_at) == ("States.HeartbeatTimeout", START + 34)

    execution = run({"T": task(Resource=WAITING, HeartbeatSeconds=10, TimeoutSeconds=20)}, {}, beats)
    assert (execution.error, execution.stopped_at) == ("States.Timeout", START + 20)


def test_token_may_come_before_the_call_returns() -> None:
    def early(asked: ScheduleTask) -> Any:
        return [(0.1, TaskSucceeded(asked.task, "filled")), (0.5, CallReturned(asked.task, None))]

    execution = run({"T": task(Resource=WAITING)}, {}, early)
    assert output(execution) == "filled"
    assert "TaskSubmitted" not in kinds(execution)


def test_tokens_are_given_only_to_tasks_that_wait_for_something() -> None:
    replies = Replies(Reply("a"), Reply("b"))
    states = {
        "T": task(Resource=WAITING, Parameters={"t.$": "$$.Task.Token"}, End=False, Next="U"),
        "U": task(),
    }
    del states["T"]["End"]
    run(states, {}, replies)
    waiting, plain = replies.tasks
    assert waiting.arguments == {"t": waiting.token}
    assert plain.token is None
    assert waiting.token is not None
    assert waiting.token not in repr(waiting)


def test_machines_time_out() -> None:
    execution = run({"W": {"Type": "Wait", "Seconds": 100, "End": True}}, TimeoutSeconds=30)
    assert (execution.status, execution.error, execution.stopped_at) == (Status.TIMED_OUT, None, START + 30)
    last = execution.history.events[-1]
    assert (last.type, last.previous, last.details) == ("ExecutionTimedOut", 0, {"error": "States.Timeout"})


def test_stop() -> None:
    started = running({"T": task(TimeoutSeconds=60)}, {}, lambda _task: [])
    started.happens(Stopped("Enough", "for today"), after=1)
    execution = started.run()
    assert (execution.status, execution.error, execution.cause) == (Status.ABORTED, "Enough", "for today")
    assert not execution.tasks
    assert not execution.timers


def test_nothing_happens_to_an_execution_that_has_ended() -> None:
    started = running(
        {"T": task()}, {}, lambda asked: [(0, TaskFailed(asked.task, "No")), (1, CallReturned(asked.task, 1))]
    )
    execution = started.run()
    before = len(execution.history.events)
    assert execution.happened(Stopped(), START + 2) == []
    assert len(execution.history.events) == before


def test_fail_says_what_it_is_told_or_nothing() -> None:
    execution = run(
        {"F": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('{}!', $.e)"}}, {"e": "Shut"}
    )
    assert (execution.error, execution.cause) == ("Shut", "Shut!")
    assert run({"F": {"Type": "Fail"}}).error is None


def test_an_endless_loop_ends_at_25000_events_the_way_aws_does() -> None:
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "Loop"}],
        "Default": "Loop",
    }
    execution = run({"Loop": choice})
    last = execution.history.events[-1]
    assert (last.id, last.previous, last.type) == (25_000, 24_999, "ExecutionFailed")
    assert execution.history.events[-2].type == "ChoiceStateExited"
    assert execution.cause == "The execution reached the maximum number of history events (25000)."


@pytest.mark.parametrize(
    ("fields", "left_at"),
    [
        ({"Seconds": 90}, START + 90),
        ({"SecondsPath": "$.n"}, START + 5),
        ({"Timestamp": "2026-11-23T04:00:10.900Z"}, START + 10),
        ({"TimestampPath": "$.t"}, START + 30),
        ({"Timestamp": "2020-01-01T00:00:00Z"}, START),
    ],
)
def test_wait(fields: dict[str, Any], left_at: float) -> None:
    execution = run({"W": {"Type": "Wait", "End": True, **fields}}, {"n": 5, "t": "2026-11-23T09:30:30+05:30"})
    assert execution.stopped_at == left_at


def test_states_that_follow_are_entered_once_each() -> None:
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(2000)} | {
        "S2000": {"Type": "Succeed"}
    }
    assert len(names_entered(run(states))) == 2001
