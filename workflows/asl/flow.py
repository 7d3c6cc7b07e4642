"""Where a machine can go: the edges between the states of one scope."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from workflows.asl.conditions import Test
from workflows.asl.states import Choice, Fail, Moving, State, Succeed, catches_of, inner


@dataclass(frozen=True)
class Edge:
    """One way from a state to another. `slot` is what is written on it: a Catch writes the error instead."""

    source: str
    target: str
    kind: Literal["next", "choice", "default", "catch"]
    slot: str | None = None
    test: Test | None = None
    errors: tuple[str, ...] = ()


def edges(states: Sequence[State]) -> list[Edge]:
    """Every edge of one scope, also those to states that do not exist."""
    below = [state.name for state in states[1:]]
    return [
        edge
        for state, following in zip(states, [*below, None], strict=True)
        for edge in _edges_of(state, following)
    ]


def _edges_of(state: State, below: str | None) -> Iterator[Edge]:
    if isinstance(state, Choice):
        for arm in state.choices:
            yield Edge(state.name, arm.next, "choice", test=arm.test)
        if state.default:
            yield Edge(state.name, state.default, "default")
    if isinstance(state, Moving):
        target = state.next or (None if state.end else below)
        if target:
            yield Edge(state.name, target, "next")
    for catch in catches_of(state):
        yield Edge(state.name, catch.next, "catch", slot=catch.slot, errors=tuple(catch.errors))


def is_end(state: State) -> bool:
    return isinstance(state, Succeed | Fail) or (isinstance(state, Moving) and state.end)


def targets(connections: Sequence[Edge]) -> dict[str, list[str]]:
    """Source → the states it can go to."""
    found: dict[str, list[str]] = {}
    for edge in connections:
        found.setdefault(edge.source, []).append(edge.target)
    return found


def sources(connections: Sequence[Edge]) -> dict[str, list[str]]:
    """Target → the states that can go to it."""
    found: dict[str, list[str]] = {}
    for edge in connections:
        found.setdefault(edge.target, []).append(edge.source)
    return found


def reach(starts: Sequence[str], following: Mapping[str, Sequence[str]]) -> set[str]:
    """Everything that can be reached from `starts`, which are part of it."""
    seen = set(starts)
    waiting = deque(starts)
    while waiting:
        for name in following.get(waiting.popleft(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def all_states(states: Sequence[State]) -> Iterator[State]:
    """Every state, those of inner scopes too, in the order they are read."""
    for scope in all_scopes(states):
        yield from scope


def all_scopes(states: Sequence[State]) -> Iterator[Sequence[State]]:
    """The scope of the machine and all inside it."""
    yield states
    for state in states:
        for scope in inner(state):
            yield from all_scopes(scope)
