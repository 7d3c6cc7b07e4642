"""Rules of ours, that the language would not mind breaking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workflows.asl.errors import Problem
from workflows.asl.flow import all_scopes, all_states, edges, reach, targets
from workflows.asl.resources import Call, InvokeAndAwait
from workflows.asl.states import Choice, Fail, Map, Moving, Pass, State, Task, catches_of, inner

_TOLD_BY_ARGUMENTS = frozenset({"dynamodb", "lambda", "sfn", "sns", "sqs"})
PORTABLE_SERVICES = frozenset({"dynamodb", "lambda", "sns", "sqs", "states"})


def check_policy(states: Sequence[State], *, portable: bool, express: bool) -> Iterator[Problem]:
    for scope in all_scopes(states):
        yield from _redrive(scope)
    for state in all_states(states):
        if isinstance(state, Task):
            yield from _retries(state)
            yield from _times(state)
            yield from _permission(state)
            yield from _express(state) if express else ()
        if isinstance(state, Map) and state.never_fails:
            yield from _never_fails(state)
        yield from _jsonata(state)
        yield from _portable(state) if portable else ()


def _retries(state: Task) -> Iterator[Problem]:
    resource = state.resource
    may_repeat = resource.idempotent if isinstance(resource, Call) else resource.function.idempotent
    if state.retry and not may_repeat:
        yield Problem(
            state.name,
            "no-retry",
            "has a Retry, but what it calls must not run twice: remove it, and look what the first call did",
        )


def _times(state: Task) -> Iterator[Problem]:
    """Task time-out > function time-out > HTTP time-out: whoever waits outlasts whom it waits for."""
    resource = state.resource
    if isinstance(resource, Call):
        return
    function = resource.function
    if function.http_timeout >= function.timeout:
        yield Problem(
            state.name,
            "timeouts",
            f"{function.name} ends after {function.timeout:g} s, its requests after {function.http_timeout:g}:"
            " give the function more or the requests less",
        )
    if isinstance(resource, InvokeAndAwait):
        return  # its time-out is for the answer: the function may well outlast it
    if state.timeout is None or state.timeout <= function.timeout:
        yield Problem(
            state.name,
            "timeouts",
            f"its time-out must be longer than {function.name}'s {function.timeout:g} s: set `timeout` higher",
        )


def _permission(state: Task) -> Iterator[Problem]:
    """The role gets no `*`: what an aws-sdk call touches must be known."""
    call = state.resource
    if isinstance(call, Call) and call.sdk and call.service not in _TOLD_BY_ARGUMENTS and not call.resources:
        yield Problem(
            state.name,
            "resources",
            f"what {call.service}:{call.action} touches is not known: name its ARNs in `resources`",
        )


def _redrive(scope: Sequence[State]) -> Iterator[Problem]:
    following = targets(edges(scope))
    fails = {state.name for state in scope if isinstance(state, Fail)}
    for state in scope:
        if not (isinstance(state, Task) and state.redrivable):
            continue
        for catch in catches_of(state):
            dead = sorted(fails & reach([catch.next], following))
            if dead:
                yield Problem(
                    state.name,
                    "redrive",
                    f"is to be redriven, but its Catch leads to {dead[0]}, which only fails again: remove it",
                )


def _never_fails(state: Map) -> Iterator[Problem]:
    """One iteration that fails aborts all others that are in flight."""
    for within in (each for scope in inner(state) for each in all_states(scope)):
        if isinstance(within, Fail):
            yield Problem(
                within.name, "never-fails", f"would abort {state.name}'s other items: end with a result instead"
            )
        if isinstance(within, Task) and not any("States.ALL" in catch.errors for catch in within.catch):
            yield Problem(
                within.name,
                "never-fails",
                f"its errors would abort {state.name}'s other items: catch States.ALL and end with a result",
            )


def _express(state: Task) -> Iterator[Problem]:
    resource = state.resource
    if isinstance(resource, InvokeAndAwait) or (isinstance(resource, Call) and resource.pattern):
        yield Problem(
            state.name, "express", "waits for a job or a token, which Express can't: make the machine STANDARD"
        )


def _jsonata(state: State) -> Iterator[Problem]:
    if any(text.strip().startswith("{%") for text in _texts(_template(state))):
        yield Problem(
            state.name,
            "jsonata",
            "has a JSONata expression, which is only text here: use paths instead",
        )


def _template(state: State) -> Any:
    if isinstance(state, Task):
        return state.arguments
    if isinstance(state, Map):
        return state.select
    return state.value if isinstance(state, Pass) else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _portable(state: State) -> Iterator[Problem]:
    for feature in _beyond_local(state):
        yield Problem(
            state.name,
            "portable",
            f"uses {feature}, which Step Functions Local may not run: do without, or declare portable=False",
        )


def _beyond_local(state: State) -> Iterator[str]:
    if isinstance(state, Moving | Choice) and state.assign is not None:
        yield "Assign"
    if isinstance(state, Map) and state.distributed:
        yield "a distributed Map"
    if isinstance(state, Task) and isinstance(state.resource, Call):
        call = state.resource
        if call.sdk:
            yield f"aws-sdk:{call.service}"
        elif call.service not in PORTABLE_SERVICES:
            yield call.service
