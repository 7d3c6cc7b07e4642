"""A machine as the JSON that AWS, Step Functions Local and the local endpoint read.

Keys come in a fixed order, so that a definition in a pull request shows only what changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from workflows.asl.conditions import AllOf, AnyOf, Condition, Negation, Test
from workflows.asl.expressions import Expression
from workflows.asl.paths import Path
from workflows.asl.resources import Call, Invoke, InvokeAndAwait, Resource
from workflows.asl.states import (
    Catch,
    Choice,
    Fail,
    Map,
    Moving,
    Parallel,
    Pass,
    Retry,
    State,
    Succeed,
    Task,
    Wait,
)

if TYPE_CHECKING:
    from workflows.asl.machine import Machine

Json = dict[str, Any]


def render(machine: Machine) -> str:
    """The definition as text, with `${Name}` where deployment fills something in."""
    return json.dumps(definition(machine), indent=2, ensure_ascii=False) + "\n"


def definition(machine: Machine) -> Json:
    return {"Comment": machine.comment, **scope(machine.states)}


def scope(states: Sequence[State]) -> Json:
    below = [state.name for state in states[1:]] + [None]
    return {
        "StartAt": states[0].name,
        "States": {
            state.name: _state(state, following) for state, following in zip(states, below, strict=True)
        },
    }


def template(value: Any) -> Any:
    """A payload template: keys of computed values get their `.$`."""
    if isinstance(value, Mapping):
        return {
            f"{key}.$" if isinstance(part, Expression) else key: template(part) for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [template(part) for part in value]
    return value.text if isinstance(value, Expression) else value


def _state(state: State, below: str | None) -> Json:
    return _some(
        {
            "Type": type(state).__name__,
            "Comment": state.comment,
            "InputPath": state.input_path,
            **_body(state),
            "OutputPath": state.output_path,
            **_onward(state, below),
        }
    )


def _some(fields: Mapping[str, Any]) -> Json:
    """Without the fields that are not set."""
    return {key: value for key, value in fields.items() if value not in (None, [], ())}


def _onward(state: State, below: str | None) -> Json:
    if not isinstance(state, Moving):
        return {}
    assign = template(state.assign) if state.assign else None
    if state.end:
        return {"Assign": assign, "End": True}
    return {"Assign": assign, "Next": state.next or below}


@singledispatch
def _body(state: State) -> Json:
    raise NotImplementedError(f"{type(state).__name__} is no state of the language")


@_body.register
def _(state: Succeed) -> Json:  # noqa: ARG001
    return {}


@_body.register
def _(state: Fail) -> Json:
    return {"Error": state.error, "Cause": state.cause}


@_body.register
def _(state: Task) -> Json:
    return {
        **_call(state.resource, state.arguments),
        "ResultSelector": template(state.result_selector),
        "ResultPath": _slot(state.slot),
        "TimeoutSeconds": state.timeout,
        "HeartbeatSeconds": state.heartbeat,
        **_handlers(state),
    }


def _call(resource: Resource, arguments: Mapping[str, Any]) -> Json:
    match resource:
        case Invoke(function):
            return {"Resource": function.arn, "Parameters": template(arguments)}
        case InvokeAndAwait(function):
            parameters = {"FunctionName": function.arn, "Payload": arguments}
            return {
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": template(parameters),
            }
        case Call():
            return {"Resource": resource.arn, "Parameters": template(arguments)}


@_body.register
def _(state: Pass) -> Json:
    if isinstance(state.value, Path):
        return {"InputPath": state.value.text, "ResultPath": _slot(state.slot)}
    return {"Parameters": template(state.value), "ResultPath": _slot(state.slot)}


@_body.register
def _(state: Wait) -> Json:
    if isinstance(state.seconds, Path):
        return {"SecondsPath": state.seconds.text}
    if isinstance(state.until, Path):
        return {"TimestampPath": state.until.text}
    return {"Seconds": state.seconds, "Timestamp": state.until}


@_body.register
def _(state: Choice) -> Json:
    return {
        "Choices": [{**condition(arm.test), "Next": arm.next} for arm in state.choices],
        "Default": state.default,
        "Assign": template(state.assign) if state.assign else None,
    }


def condition(test: Test) -> Json:
    match test:
        case Condition(variable, operator, value):
            operand = value.text if isinstance(value, Expression) else value
            return {"Variable": variable.text, operator: operand}
        case AllOf(parts):
            return {"And": [condition(part) for part in parts]}
        case AnyOf(parts):
            return {"Or": [condition(part) for part in parts]}
        case Negation(part):
            return {"Not": condition(part)}


@_body.register
def _(state: Map) -> Json:
    mode = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"} if state.distributed else {"Mode": "INLINE"}
    return {
        "ItemsPath": state.items.text,
        "MaxConcurrency": state.max_concurrency,
        "ItemSelector": template(state.select),
        "ItemProcessor": {"ProcessorConfig": mode, **scope(state.states)},
        "ResultSelector": template(state.result_selector),
        "ResultPath": _slot(state.slot),
        **_handlers(state),
    }


@_body.register
def _(state: Parallel) -> Json:
    return {
        "Branches": [scope(branch) for branch in state.branches],
        "ResultSelector": template(state.result_selector),
        "ResultPath": _slot(state.slot),
        **_handlers(state),
    }


def _slot(slot: str | None) -> str | None:
    return f"$.{slot}" if slot else None


def _handlers(state: Task | Map | Parallel) -> Json:
    return {
        "Retry": [_retry(retry) for retry in state.retry],
        "Catch": [_catch(catch) for catch in state.catch],
    }


def _retry(retry: Retry) -> Json:
    return _some(
        {
            "ErrorEquals": list(retry.errors),
            "IntervalSeconds": retry.interval,
            "MaxAttempts": retry.max_attempts,
            "BackoffRate": retry.backoff,
            "MaxDelaySeconds": retry.max_delay,
            "JitterStrategy": "FULL" if retry.full_jitter else None,
        }
    )


def _catch(catch: Catch) -> Json:
    return {"ErrorEquals": list(catch.errors), "ResultPath": f"$.{catch.slot}", "Next": catch.next}
