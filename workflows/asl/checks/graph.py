"""Does the graph hold together: names, targets, ways in and out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from workflows.asl.errors import Problem
from workflows.asl.flow import all_scopes, all_states, edges, is_end, reach, sources, targets
from workflows.asl.states import Choice, Moving, State, Task, Wait, catches_of, retries_of

MAX_NAME = 80
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

RESERVED_ERRORS = frozenset(
    {
        "States.ALL",
        "States.BranchFailed",
        "States.DataLimitExceeded",
        "States.ExceedToleratedFailureThreshold",
        "States.HeartbeatTimeout",
        "States.Http.Socket",
        "States.IntrinsicFailure",
        "States.ItemReaderFailed",
        "States.NoChoiceMatched",
        "States.ParameterPathFailure",
        "States.Permissions",
        "States.ResultPathMatchFailure",
        "States.ResultWriterFailed",
        "States.Runtime",
        "States.TaskFailed",
        "States.Timeout",
    }
)
_NEVER_CAUGHT = frozenset({"States.Runtime", "States.DataLimitExceeded"})


def check_graph(states: Sequence[State]) -> Iterator[Problem]:
    """All rules that need nothing but the states and their edges."""
    yield from _names(states)
    for scope in all_scopes(states):
        yield from _scope(scope)
    for state in all_states(states):
        yield from _state(state)


def _names(states: Sequence[State]) -> Iterator[Problem]:
    counts = Counter(state.name for state in all_states(states))
    for name, count in counts.items():
        if count > 1:
            yield Problem(
                name,
                "unique-names",
                f"{count} states have this name: rename all but one, also inside Map and Parallel",
            )
        if not 0 < len(name) <= MAX_NAME:
            yield Problem(
                name, "name-length", f"the name has {len(name)} characters: it must have 1 to {MAX_NAME}"
            )


def _scope(states: Sequence[State]) -> Iterator[Problem]:
    names = [state.name for state in states]
    connections = edges(states)
    for edge in connections:
        if edge.target not in names:
            yield Problem(
                edge.source,
                "target-exists",
                f"goes to {edge.target}, which is not in the same scope: name one of its own scope's states",
            )
    reached = reach(names[:1], targets(connections))
    for name in names:
        if name not in reached:
            yield Problem(name, "reachable", "nothing leads here: point a state at it or remove it")
    broken = [edge.source for edge in connections if edge.target not in names]
    ends = [*(state.name for state in states if is_end(state)), *broken, *_stuck(states[-1:])]
    can_end = reach(ends, sources(connections))
    for name in names:
        if name in reached and name not in can_end:
            yield Problem(name, "way-out", "no way leads from here to an end: give the loop an exit")
    for name in _stuck(states[-1:]):
        yield Problem(name, "next-xor-end", "is the last of its scope: give it `next` or `end=True`")


def _stuck(last: Sequence[State]) -> list[str]:
    """The last state, if nothing follows it and it doesn't end."""
    return [state.name for state in last if isinstance(state, Moving) and not state.end and not state.next]


def _state(state: State) -> Iterator[Problem]:
    if isinstance(state, Moving) and state.end and state.next is not None:
        yield Problem(state.name, "next-xor-end", "has both `next` and `end=True`: keep one of them")
    if isinstance(state, Choice) and state.default is None:
        yield Problem(
            state.name,
            "choice-default",
            "has no default: say where it goes when nothing matches, or it dies of States.NoChoiceMatched",
        )
    if isinstance(state, Wait):
        yield from _wait(state)
    if isinstance(state, Task):
        yield from _heartbeat(state)
    yield from _error_lists(state)


def _wait(state: Wait) -> Iterator[Problem]:
    if (state.seconds is None) == (state.until is None):
        yield Problem(state.name, "wait-one", "must have either `seconds` or `until`")
    if isinstance(state.until, str) and not _TIMESTAMP.fullmatch(state.until):
        yield Problem(
            state.name, "timestamp", f"{state.until!r} is no timestamp: write it like 2026-11-23T04:00:00Z"
        )


def _heartbeat(state: Task) -> Iterator[Problem]:
    if state.heartbeat and state.timeout and state.heartbeat >= state.timeout:
        yield Problem(
            state.name,
            "heartbeat",
            f"its heartbeat of {state.heartbeat} s ends after its time-out of {state.timeout} s: shorten it",
        )


def _error_lists(state: State) -> Iterator[Problem]:
    for kind, handlers in (("Retry", retries_of(state)), ("Catch", catches_of(state))):
        for position, handler in enumerate(handlers):
            is_last = position == len(handlers) - 1
            yield from _error_list(state.name, kind, handler.errors, is_last)


def _error_list(name: str, kind: str, errors: Sequence[str], is_last: bool) -> Iterator[Problem]:
    if not errors:
        yield Problem(name, "error-names", f"a {kind} names no error: name at least one")
    if "States.ALL" in errors and not (is_last and len(errors) == 1):
        yield Problem(
            name, "states-all-last", f"States.ALL must stand alone, in the last {kind}: move it there"
        )
    for error in errors:
        yield from _error_name(name, kind, error)


def _error_name(name: str, kind: str, error: str) -> Iterator[Problem]:
    if error.startswith("States.") and error not in RESERVED_ERRORS:
        yield Problem(
            name,
            "error-names",
            f"{kind} on {error}, which does not exist: `States.` is reserved, use one of the language's",
        )
    if error in _NEVER_CAUGHT:
        yield Problem(
            name,
            "error-names",
            f"{kind} on {error} never matches: it always fails the execution, so make sure it can't happen",
        )
