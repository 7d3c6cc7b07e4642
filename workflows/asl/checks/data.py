"""Is everything there that a state reads, and does it fit where it goes?

A dataflow analysis: for each state, the slots that *every* path to it has written, Catch edges included. On
such an edge the error's slot is written, the state's own is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from workflows.asl.checks.choices import check_choice
from workflows.asl.checks.integrations import check_call
from workflows.asl.errors import Problem
from workflows.asl.flow import Edge, edges, is_end
from workflows.asl.paths import Path
from workflows.asl.resources import Call, Invoke, InvokeAndAwait
from workflows.asl.states import (
    Choice,
    Fail,
    Map,
    Parallel,
    Pass,
    State,
    Succeed,
    Task,
    Wait,
    catches_of,
    slot_of,
)
from workflows.asl.types import Record, element_of, misfit
from workflows.asl.view import NotWritten, View
from workflows.asl.walk import PathProblem

_UNKNOWN = object()
"""What a state gives that reads something wrong, which is reported already."""

_ERROR = Record({"Error": str, "Cause": str})


def check_data(
    states: Sequence[State], view: View, *, leaves: Any = object, nested: bool = False
) -> Iterator[Problem]:
    """All data rules of one scope and of those inside it. `leaves` is what its ends must give."""
    connections = edges(states)
    written = written_before(states, view.written, connections)
    for state in states:
        if state.name not in written:
            continue  # unreachable: reported as such
        here = View(view.model, written[state.name], view.item, has_token=_has_token(state))
        yield from _filters(state)
        yield from _said_where(_reads(state, here), state, states, connections, view.written)
        yield from _slots(state, here)
        if nested and is_end(state):
            yield from _leaving(state, here, leaves)
        if isinstance(state, Task):
            yield from _arguments(state, here)
        yield from _inside(state, here)


def written_before(
    states: Sequence[State], initial: frozenset[str], connections: Sequence[Edge]
) -> dict[str, frozenset[str]]:
    """The slots that are surely written when each state begins; states nothing leads to are left out."""
    slots = {state.name: slot_of(state) for state in states}
    written: dict[str, frozenset[str]] = {states[0].name: initial}
    waiting = deque([states[0].name])
    while waiting:
        name = waiting.popleft()
        for edge in connections:
            if edge.source != name or edge.target not in slots:
                continue
            arriving = written[name] | _written_on(edge, slots)
            known = written.get(edge.target)
            merged = arriving if known is None else known & arriving
            if merged != known:
                written[edge.target] = merged
                waiting.append(edge.target)
    return written


def _written_on(edge: Edge, slots: Mapping[str, str | None]) -> frozenset[str]:
    slot = edge.slot if edge.kind == "catch" else slots[edge.source]
    return frozenset([slot]) if slot else frozenset()


def _has_token(state: State) -> bool:
    if not isinstance(state, Task):
        return False
    resource = state.resource
    return isinstance(resource, InvokeAndAwait) or (
        isinstance(resource, Call) and resource.pattern == "waitForTaskToken"
    )


def _filters(state: State) -> Iterator[Problem]:
    named = {
        "InputPath": state.input_path,
        "OutputPath": state.output_path,
        "ResultSelector": getattr(state, "result_selector", None),
    }
    for name, value in named.items():
        if value is not None:
            yield Problem(
                state.name, "no-filters", f"has {name}: remove it, and read paths in the arguments instead"
            )


def _reads(state: State, view: View) -> Iterator[PathProblem]:
    """What is wrong with each place that the state reads."""
    if isinstance(state, Task):
        yield from view.problems_in(state.arguments)
    elif isinstance(state, Pass):
        yield from view.problems_in(state.value)
    elif isinstance(state, Wait):
        yield from _timing(state, view)
    elif isinstance(state, Choice):
        yield from check_choice(state, view)
    elif isinstance(state, Map):
        yield from view.problems_in(state.items)
        yield from _in_map(state, view).problems_in(state.select)


def _timing(state: Wait, view: View) -> Iterator[PathProblem]:
    for value, wanted in ((state.seconds, int), (state.until, str)):
        if not isinstance(value, Path):
            continue
        problems = list(view.problems_in(value))
        yield from problems
        reason = None if problems else misfit(view.safe_type_of(value), wanted)
        if reason:
            yield PathProblem("wait-type", f"waits by {value.text}: {reason}")


def _said_where(
    found: Iterator[PathProblem],
    state: State,
    states: Sequence[State],
    connections: Sequence[Edge],
    initial: frozenset[str],
) -> Iterator[Problem]:
    for problem in found:
        message = str(problem)
        if isinstance(problem, NotWritten):
            way = _way_without(problem.slot, state.name, states, connections, initial)
            message = f"reads {problem.source}, which is not written on the way {way}: write it there first"
        yield Problem(state.name, problem.rule, message)


def _way_without(
    slot: str,
    target: str,
    states: Sequence[State],
    connections: Sequence[Edge],
    initial: frozenset[str],
) -> str:
    """One way to `target` on which nothing writes `slot`, to be shown."""
    if slot in initial:
        return target
    slots = {state.name: slot_of(state) for state in states}
    ways: dict[str, list[str]] = {states[0].name: [states[0].name]}
    waiting = deque([states[0].name])
    while waiting and target not in ways:
        name = waiting.popleft()
        for edge in connections:
            writes = slot in _written_on(edge, slots) if edge.source in slots else False
            if edge.source == name and edge.target not in ways and not writes:
                ways[edge.target] = [*ways[name], edge.target]
                waiting.append(edge.target)
    return " → ".join(ways.get(target, [target]))


def _slots(state: State, view: View) -> Iterator[Problem]:
    gives = _result(state, view)
    slot = slot_of(state)
    if slot is not None:
        yield from _slot(state.name, slot, gives, view.model)
    elif gives is not None and not is_end(state):
        yield Problem(
            state.name, "slot-needed", "its result would replace all of the data: name the slot it goes to"
        )
    for catch in catches_of(state):
        yield from _slot(state.name, catch.slot, _ERROR, view.model)


def _slot(name: str, slot: str, gives: Any, model: type[BaseModel]) -> Iterator[Problem]:
    field = model.model_fields.get(slot)
    if field is None:
        yield Problem(
            name,
            "slot-declared",
            f"writes {slot}, which is no field of {model.__qualname__}: declare it there",
        )
        return
    reason = None if gives is _UNKNOWN else misfit(gives, field.annotation)
    if reason:
        yield Problem(
            name,
            "slot-type",
            f"what it writes does not fit {model.__qualname__}.{slot} ({reason}): change one of them",
        )


def _result(state: State, view: View) -> Any:
    """The type of what a state gives; None if it gives nothing."""
    match state:
        case Task(resource=Invoke(function)):
            return function.output
        case Task(resource=InvokeAndAwait(result=result) | Call(result=result)):
            return result
        case Pass(value=value) if value is not None:
            return _UNKNOWN if any(view.problems_in(value)) else view.type_of(value)
        case Map(result=result) | Parallel(result=result):
            return object if result is object else list[result]  # type: ignore[valid-type]
        case _:
            return None


def _leaving(state: State, view: View, leaves: Any) -> Iterator[Problem]:
    """An end inside a Map or Parallel whose result is declared gives just that."""
    if leaves is object or isinstance(state, Fail):
        return
    gives = _result(state, view)
    if isinstance(state, Succeed) or slot_of(state) is not None or gives is None:
        yield Problem(
            state.name, "scope-result", "ends its scope with all of the data: end with the result, and no slot"
        )
        return
    reason = None if gives is _UNKNOWN else misfit(gives, leaves)
    if reason:
        yield Problem(
            state.name,
            "scope-result",
            f"what it ends with is not the scope's result ({reason}): change one of them",
        )


def _arguments(state: Task, view: View) -> Iterator[Problem]:
    if isinstance(state.resource, Call):
        yield from check_call(state, state.resource, view)
        return
    function = state.resource.function
    reason = misfit(view.safe_type_of(state.arguments), function.input)
    if reason and not any(view.problems_in(state.arguments)):
        yield Problem(
            state.name,
            "fits-input",
            f"its arguments are no Input of {function.name} ({reason}): change the arguments or the Input",
        )


def _inside(state: State, view: View) -> Iterator[Problem]:
    if isinstance(state, Map):
        yield from _map(state, view)
    elif isinstance(state, Parallel):
        for branch in state.branches:
            yield from check_data(branch, view, leaves=state.result, nested=True)


def _in_map(state: Map, view: View) -> View:
    return View(view.model, view.written, element_of(view.safe_type_of(state.items)) or object)


def _map(state: Map, view: View) -> Iterator[Problem]:
    items = view.safe_type_of(state.items)
    if items is not object and element_of(items) is None:
        yield Problem(
            state.name, "map-items", f"{state.items.text} is no list: let a task return the list to go through"
        )
        return
    outside = _in_map(state, view)
    for name, value in state.select.items():
        if not any(outside.problems_in({name: value})):
            yield from _slot(state.name, name, outside.type_of(value), state.item)
    inside = View(state.item, frozenset(state.select), outside.item)
    yield from check_data(state.states, inside, leaves=state.result, nested=True)
