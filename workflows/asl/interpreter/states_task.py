"""Task: a call of something outside, watched over by its time-outs."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from workflows.asl.interpreter.data import Data, Json, dumps
from workflows.asl.interpreter.errors import (
    HEARTBEAT_TIMEOUT,
    TIMEOUT,
    DataLimitExceeded,
    RuntimeFailure,
    StateError,
)
from workflows.asl.interpreter.evaluation import Scope
from workflows.asl.interpreter.happenings import (
    CallReturned,
    CancelTask,
    Heartbeat,
    Pattern,
    Purpose,
    ScheduleTask,
    TaskFailed,
    TaskSucceeded,
)
from workflows.asl.interpreter.runs import Kind, Task

if TYPE_CHECKING:
    from workflows.asl.interpreter.execution import Execution
    from workflows.asl.interpreter.runs import Visit

Details = dict[str, Json | Data]


@lru_cache(maxsize=1024)
def parse_resource(resource: str) -> tuple[Kind, Pattern]:
    """`arn:aws:states:::sqs:sendMessage.waitForTaskToken` → (sqs, sendMessage.waitForTaskToken), TOKEN."""
    parts = resource.split(":", 5)
    if parts[2] != "states":
        return Kind(
            is_lambda=parts[2] == "lambda", resource_type=parts[2], resource=parts[5]
        ), Pattern.REQUEST_RESPONSE
    rest = parts[5]
    pattern = next(
        (p for p in (Pattern.TOKEN, Pattern.SYNC_2, Pattern.SYNC) if rest.endswith(p)), Pattern.REQUEST_RESPONSE
    )
    service, _, action = rest.removesuffix(pattern).rpartition(":")
    return Kind(is_lambda=False, resource_type=service, resource=f"{action}{pattern}"), pattern


def schedule(execution: Execution, visit: Visit) -> None:
    fields = visit.state.fields
    kind, pattern = parse_resource(fields["Resource"])
    token = execution.entropy.token() if pattern is not Pattern.REQUEST_RESPONSE else None
    scope = execution.scope(visit, visit.input.value, token)
    scope = scope.with_data(scope.select(visit.state.input_path))
    arguments = scope.template(fields["Parameters"]) if "Parameters" in fields else scope.data
    timeout, heartbeat = _limit(scope, fields, "TimeoutSeconds"), _limit(scope, fields, "HeartbeatSeconds")
    limits: Details = {"timeoutInSeconds": timeout, "heartbeatInSeconds": heartbeat}
    number = _scheduled(execution, visit, kind, Data(arguments), limits)
    _event(execution, visit, kind, "Started")
    visit.task = task = Task(str(number), fields["Resource"], kind, pattern, token, heartbeat)
    execution.tasks[task.id] = visit
    execution.effect(ScheduleTask(task.id, task.resource, arguments, pattern, token, timeout, heartbeat))
    if timeout is not None:
        at = execution.at + timeout
        task.timers.append(execution.start_timer(at, Purpose.TASK_TIMEOUT, visit, task.id))
    _watch_heartbeat(execution, visit, task)


def _limit(scope: Scope, fields: Json, name: str) -> int | None:
    if f"{name}Path" not in fields:
        limit: int | None = fields.get(name)
        return limit
    path = fields[f"{name}Path"]
    value = scope.read_field(path, f"{name}Path")
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise RuntimeFailure(
            f"The {name}Path field refers to value {dumps(value)} which is not a positive integer: {path}"
        )
    return value


def _scheduled(execution: Execution, visit: Visit, kind: Kind, arguments: Data, limits: Details) -> int:
    limits = {name: value for name, value in limits.items() if value is not None}
    if arguments.too_large:
        raise DataLimitExceeded(visit.state.name)
    if kind.is_lambda:
        details: Details = {"resource": visit.state.fields["Resource"], "input": arguments, **limits}
    else:
        details = {"region": execution.facts.region, "parameters": arguments, **limits}
    return _event(execution, visit, kind, "Scheduled", details)


def _event(execution: Execution, visit: Visit, kind: Kind, what: str, details: Details | None = None) -> int:
    """LambdaFunctionSucceeded or TaskSucceeded, by the kind of resource."""
    if kind.is_lambda:
        name = f"lambdaFunction{what}EventDetails" if details is not None else None
        return execution.event(visit.run, f"LambdaFunction{what}", name, details)
    named: Details = {**(details or {}), "resource": kind.resource, "resourceType": kind.resource_type}
    return execution.event(visit.run, f"Task{what}", f"task{what}EventDetails", named)


def _watch_heartbeat(execution: Execution, visit: Visit, task: Task) -> None:
    execution.cancel_timer(task.heartbeat_timer)
    if task.heartbeat is not None:
        at = execution.at + task.heartbeat
        task.heartbeat_timer = execution.start_timer(at, Purpose.HEARTBEAT, visit, task.id)


def happened(
    execution: Execution, visit: Visit, what: CallReturned | TaskSucceeded | TaskFailed | Heartbeat
) -> None:
    task = visit.task
    if task is None:
        return
    if isinstance(what, Heartbeat):
        _watch_heartbeat(execution, visit, task)
    elif isinstance(what, CallReturned) and task.pattern is not Pattern.REQUEST_RESPONSE:
        _event(execution, visit, task.kind, "Submitted", {"output": Data(what.output)})
    elif isinstance(what, TaskFailed):
        _fail(execution, visit, task, StateError(what.error, what.cause))
    else:
        _succeed(execution, visit, task, what.output)


def _succeed(execution: Execution, visit: Visit, task: Task, output: Json) -> None:
    data = Data(output)
    if data.too_large:
        _fail(execution, visit, task, DataLimitExceeded(task.resource))
        return
    release(execution, visit)
    _event(execution, visit, task.kind, "Succeeded", {"output": data})
    execution.complete(visit, output)


def _fail(execution: Execution, visit: Visit, task: Task, error: StateError) -> None:
    release(execution, visit)
    words: Details = {
        n: text for n, text in (("cause", error.cause), ("error", error.error)) if text is not None
    }
    _event(execution, visit, task.kind, "Failed", words)
    raise error


def timed_out(execution: Execution, visit: Visit, purpose: Purpose) -> None:
    task = visit.task
    if task is None:
        return
    error = HEARTBEAT_TIMEOUT if purpose is Purpose.HEARTBEAT else TIMEOUT
    abandon(execution, visit)
    _event(execution, visit, task.kind, "TimedOut", {"error": error})
    raise StateError(error)


def release(execution: Execution, visit: Visit) -> None:
    """The task has answered: its watchers go."""
    task, visit.task = visit.task, None
    if task is None:
        return
    execution.tasks.pop(task.id, None)
    for timer in (*task.timers, task.heartbeat_timer):
        execution.cancel_timer(timer)


def abandon(execution: Execution, visit: Visit) -> None:
    """Nobody waits for the task's answer any more."""
    if visit.task is not None:
        execution.effect(CancelTask(visit.task.id))
        release(execution, visit)
