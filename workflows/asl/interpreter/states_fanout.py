"""Parallel and Map: states that have runs inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows.asl.interpreter import states_task
from workflows.asl.interpreter.data import MAX_EXPRESSION, Data, Json, dumps, exceeds
from workflows.asl.interpreter.definition import MAX_INLINE_CONCURRENCY
from workflows.asl.interpreter.errors import DataLimitExceeded, RuntimeFailure, StateError, TooLarge
from workflows.asl.interpreter.evaluation import Scope
from workflows.asl.interpreter.runs import Fanout, Run, RunStatus

if TYPE_CHECKING:
    from workflows.asl.interpreter.execution import Execution
    from workflows.asl.interpreter.runs import Visit


def parallel(execution: Execution, visit: Visit) -> None:
    fields = visit.state.fields
    scope = execution.scope(visit, visit.input.value)
    data = scope.select(visit.state.input_path)
    if "Parameters" in fields:
        data = scope.with_data(data).template(fields["Parameters"])
    branches = visit.state.scopes
    execution.event(visit.run, "ParallelStateStarted")
    _begin(execution, visit, Fanout(branches, [data] * len(branches), len(branches), [None] * len(branches)))


def map_(execution: Execution, visit: Visit) -> None:
    fields = visit.state.fields
    scope = execution.scope(visit, visit.input.value)
    visit.effective = scope.select(visit.state.input_path)
    scope = scope.with_data(visit.effective)
    items = _items(scope, fields.get("ItemsPath", "$"))
    limit = _concurrency(scope, fields)
    details: dict[str, Json | Data] = {"length": len(items)}
    execution.event(visit.run, "MapStateStarted", "mapStateStartedEventDetails", details)
    _begin(execution, visit, Fanout(visit.state.scopes, items, limit, [None] * len(items)))


def _items(scope: Scope, path: str) -> list[Json]:
    items = scope.select(path)
    if not isinstance(items, list):
        raise RuntimeFailure(f'Reference path "{path}" must point to array.')
    return items


def _concurrency(scope: Scope, fields: Json) -> int:
    """0 means as many as an inline Map can do at once, which is 40."""
    asked = fields.get("MaxConcurrency", 0)
    if "MaxConcurrencyPath" in fields:
        path = fields["MaxConcurrencyPath"]
        asked = scope.read_field(path, "MaxConcurrencyPath")
        if not isinstance(asked, int) or isinstance(asked, bool):
            raise RuntimeFailure(
                f"The MaxConcurrencyPath field refers to value {dumps(asked)} "
                f"which is not a valid integer: {path}"
            )
        if asked < 0:
            raise RuntimeFailure(f"Expected non-negative integer for MaxConcurrency, got {asked} instead.")
    return min(asked or MAX_INLINE_CONCURRENCY, MAX_INLINE_CONCURRENCY)


def _begin(execution: Execution, visit: Visit, fanout: Fanout) -> None:
    visit.fanout = fanout
    fanout.previous = visit.run.last_event
    _start_more(execution, visit, fanout)
    _end_if_done(execution, visit, fanout)


def _start_more(execution: Execution, visit: Visit, fanout: Fanout) -> None:
    while fanout.active < fanout.limit and (fanout.queue or fanout.next_index < len(fanout.inputs)):
        if fanout.queue:
            fanout.active += 1
            execution.resume(fanout.runs[fanout.queue.pop(0)], visit.run.last_event)
        else:
            _start(execution, visit, fanout, fanout.next_index)
            fanout.next_index += 1


def _start(execution: Execution, visit: Visit, fanout: Fanout, index: int) -> None:
    is_map = visit.state.type == "Map"
    states = fanout.scopes[0 if is_map else index]
    item = fanout.inputs[index]
    run = Run(states, Data(item), visit, index, item if is_map else None, fanout.previous)
    if is_map:
        run.input = _iteration_input(execution, visit, run, item)
        execution.event(run, "MapIterationStarted", "mapIterationStartedEventDetails", _named(visit, index))
    fanout.active += 1
    fanout.runs[index] = run
    execution.enter(run, states.start_at, run.input)


def _iteration_input(execution: Execution, visit: Visit, run: Run, item: Json) -> Data:
    """ItemSelector (Parameters, in older definitions) sees the Map's input and, in `$$.Map.Item`, the item."""
    fields = visit.state.fields
    selector = fields.get("ItemSelector", fields.get("Parameters"))
    if selector is None:
        return Data(item)
    context = execution.scope(visit, None).context
    context["Map"] = {"Item": {"Index": run.index, "Value": item}}
    data = Data(Scope(visit.effective, lambda: context, execution.entropy).template(selector))
    if data.too_large:
        raise DataLimitExceeded(visit.state.name)
    return data


def _named(visit: Visit, index: int) -> dict[str, Json | Data]:
    return {"index": index, "name": visit.state.name}


def run_succeeded(execution: Execution, run: Run, output: Data) -> None:
    visit = run.parent
    fanout = visit.fanout if visit is not None else None
    if visit is None or fanout is None:
        return
    fanout.outputs[run.index] = output.value
    del fanout.runs[run.index]
    fanout.active -= 1
    fanout.done += 1
    fanout.previous = run.last_event
    if visit.state.type == "Map":
        details = _named(visit, run.index)
        execution.event(run, "MapIterationSucceeded", "mapIterationSucceededEventDetails", details)
    visit.run.last_event = run.last_event
    execution.attempt(visit, lambda: _go_on(execution, visit, fanout))


def _go_on(execution: Execution, visit: Visit, fanout: Fanout) -> None:
    _start_more(execution, visit, fanout)
    _end_if_done(execution, visit, fanout)


def _end_if_done(execution: Execution, visit: Visit, fanout: Fanout) -> None:
    if fanout.done < len(fanout.inputs):
        return
    visit.fanout = None
    execution.event(visit.run, f"{visit.state.type}StateSucceeded", advance=False)
    if exceeds(fanout.outputs, MAX_EXPRESSION):
        raise TooLarge
    execution.complete(visit, fanout.outputs)


def run_failed(execution: Execution, failed: Visit, error: StateError) -> None:
    """One run has failed: the others are aborted, and the state around them fails with the same error."""
    run = failed.run
    visit = run.parent
    if visit is None or visit.fanout is None:
        return
    run.status = RunStatus.FAILED
    if failed.state.type == "Task":
        execution.event(run, "TaskStateAborted", advance=False)
    if visit.state.type == "Map":
        details = _named(visit, run.index)
        execution.event(run, "MapIterationFailed", "mapIterationFailedEventDetails", details, advance=False)
    for sibling in list(visit.fanout.runs.values()):
        if sibling.status is RunStatus.RUNNING:
            _abort(execution, visit, sibling)
    visit.run.last_event = run.last_event
    execution.event(visit.run, f"{visit.state.type}StateFailed")
    execution.failed(visit, error)


_ABORTED_EVENTS = frozenset({"Task", "Wait", "Map", "Parallel"})
"""The kinds of state for which AWS has an aborted event."""


def _abort(execution: Execution, around: Visit, run: Run) -> None:
    cancel(execution, run)
    if run.visit is not None:
        _abort_inside(execution, run.visit)
        if run.visit.state.type in _ABORTED_EVENTS:
            execution.event(run, f"{run.visit.state.type}StateAborted", advance=False)
    run.status = RunStatus.ABORTED
    if around.state.type == "Map":
        details = _named(around, run.index)
        execution.event(run, "MapIterationAborted", "mapIterationAbortedEventDetails", details, advance=False)


def _abort_inside(execution: Execution, visit: Visit) -> None:
    for run in list(visit.fanout.runs.values()) if visit.fanout is not None else ():
        if run.status is RunStatus.RUNNING:
            _abort(execution, visit, run)


def cancel(execution: Execution, run: Run) -> None:
    """Give up every task and timer of a run and of what is inside it, without a word in the history."""
    visit = run.visit
    if visit is None:
        return
    execution.cancel_timer(visit.timer)
    visit.timer = None
    states_task.abandon(execution, visit)
    for inner in visit.fanout.runs.values() if visit.fanout is not None else ():
        cancel(execution, inner)


def drop(execution: Execution, visit: Visit) -> None:
    """The state is left, or begins again: whatever still runs inside is given up."""
    for run in visit.fanout.runs.values() if visit.fanout is not None else ():
        cancel(execution, run)
        run.status = RunStatus.ABORTED
    visit.fanout = None


def resume(execution: Execution, visit: Visit) -> None:
    """After a redrive: only the runs that failed or were aborted, and those that never began."""
    fanout = visit.fanout
    if fanout is None:
        return
    fanout.queue = sorted(fanout.runs)
    fanout.active = 0
    fanout.previous = visit.run.last_event
    execution.attempt(visit, lambda: _go_on(execution, visit, fanout))
