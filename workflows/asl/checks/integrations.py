"""Calls of AWS APIs, held against botocore's own service models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from workflows.asl.checks.services import COMMON_ERRORS, OPTIMIZED, error_prefix, operation
from workflows.asl.context import TASK_TOKEN
from workflows.asl.errors import Problem
from workflows.asl.expressions import Expression
from workflows.asl.resources import Call, InvokeAndAwait
from workflows.asl.states import Task, catches_of, retries_of
from workflows.asl.types import misfit
from workflows.asl.view import View, mentions

_SCALARS: Mapping[str, Any] = {
    "string": str,
    "timestamp": str,
    "blob": str,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": bool,
}
_FUNCTION_PREFIXES = frozenset({"Lambda", "Runtime", "Sandbox", "States"})
_WORDS = re.compile(r"[#:]\w+")
_DYNAMODB_TEXTS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_DYNAMODB_NAMES = ("ExpressionAttributeNames", "ExpressionAttributeValues")


def check_call(state: Task, call: Call, view: View) -> Iterator[Problem]:
    """The operation exists; its arguments are known, complete and of the right type; its errors exist."""
    try:
        model = operation(call)
    except LookupError as problem:
        yield Problem(state.name, "operation", str(problem))
        return
    for rule, message in _arguments(state, call, model, view):
        yield Problem(state.name, rule, message)
    yield from _errors(state, call, model)
    if call.service == "dynamodb":
        yield from _dynamodb(state)


def check_callback(state: Task) -> Iterator[Problem]:
    """A task that waits for its token hands it over, and doesn't wait for ever."""
    resource = state.resource
    waits = isinstance(resource, InvokeAndAwait) or (
        isinstance(resource, Call) and resource.pattern == "waitForTaskToken"
    )
    if not waits:
        return
    if not mentions(state.arguments, TASK_TOKEN):
        yield Problem(
            state.name,
            "task-token",
            "waits for its task token but hands it to nobody: add TASK_TOKEN to the arguments",
        )
    if state.timeout is None and state.heartbeat is None:
        yield Problem(
            state.name,
            "callback-timeout",
            "would wait up to a year for its token: set `timeout` or `heartbeat`",
        )


def check_function_errors(state: Task) -> Iterator[Problem]:
    """A function ends with its exception's class name, or with an error of the Lambda service."""
    if isinstance(state.resource, Call):
        return
    for handler in (*retries_of(state), *catches_of(state)):
        for error in handler.errors:
            prefix, dot, _ = error.partition(".")
            if dot and prefix not in _FUNCTION_PREFIXES:
                yield Problem(
                    state.name,
                    "error-prefix",
                    f"{error} never comes from a function: name the exception's class, or an error of Lambda",
                )


def _arguments(state: Task, call: Call, model: OperationModel, view: View) -> Iterator[tuple[str, str]]:
    shape = model.input_shape
    if shape is None:
        return
    free = set(OPTIMIZED.get(f"{call.service}:{call.action}", ())) if not call.sdk else set()
    for name, value in state.arguments.items():
        payload = call.payloads.get(name)
        reason = misfit(view.safe_type_of(value), payload) if payload else None
        if reason and not any(view.problems_in(value)):
            yield "fits-input", f"its {name} is no {payload.__qualname__} ({reason})" if payload else ""
    checked = {name: value for name, value in state.arguments.items() if name not in free}
    yield from _structure(shape, checked, view, "", given=set(state.arguments))


def _structure(
    shape: StructureShape, value: Mapping[str, Any], view: View, where: str, *, given: set[str]
) -> Iterator[tuple[str, str]]:
    members = {pascal(name): member for name, member in shape.members.items()}
    for name in value:
        if name not in members:
            near = get_close_matches(pascal(name), members, n=1)
            hint = f": write {near[0]}" if near else f": it takes {', '.join(sorted(members))}"
            yield "arguments", f"{where}{name} is no argument of {shape.name}{hint}"
    for name in shape.required_members:
        if pascal(name) not in given:
            yield "arguments", f"{where}{pascal(name)} is missing, which {shape.name} requires: add it"
    for name, member in members.items():
        if "idempotencyToken" in member.metadata and name not in given:
            yield (
                "idempotency-token",
                f"{where}{name} is missing: give it, or a retry would do the work twice",
            )
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield "arguments", f"{where or shape.name} must have exactly one of {', '.join(members)}"
    for name, part in value.items():
        if name in members:
            yield from _value(members[name], part, view, f"{where}{name}")


def _value(shape: Shape, value: Any, view: View, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and isinstance(shape, StructureShape):
        yield from _structure(shape, value, view, f"{where}.", given=set(value))
    elif isinstance(value, Mapping) and isinstance(shape, MapShape):
        for key, part in value.items():
            yield from _value(shape.value, part, view, f"{where}.{key}")
    elif isinstance(value, list | tuple) and isinstance(shape, ListShape):
        for position, part in enumerate(value):
            yield from _value(shape.member, part, view, f"{where}[{position}]")
    elif shape.type_name in _SCALARS:
        reason = misfit(view.safe_type_of(value), _SCALARS[shape.type_name])
        if reason and not any(view.problems_in(value)):
            yield "argument-type", f"{where} wants {shape.type_name}: {reason}"
    elif not isinstance(value, Expression):
        yield "argument-type", f"{where} wants a {shape.type_name}"


def _errors(state: Task, call: Call, model: OperationModel) -> Iterator[Problem]:
    prefix = error_prefix(call)
    known = {java_name(shape.name) for shape in model.error_shapes} | COMMON_ERRORS
    for handler in (*retries_of(state), *catches_of(state)):
        for error in handler.errors:
            if error.startswith("States."):
                continue
            given, _, name = error.rpartition(".")
            if given != prefix:
                yield Problem(
                    state.name,
                    "error-prefix",
                    f"{error} never matches: errors of {call.arn} begin with {prefix}, write {prefix}.{name}",
                )
            elif name not in known:
                near = get_close_matches(name, known, n=1)
                yield Problem(
                    state.name,
                    "error-names",
                    f"{error} never matches: {model.name} has no such error"
                    + (f", did you mean {prefix}.{near[0]}?" if near else ""),
                )


def _dynamodb(state: Task) -> Iterator[Problem]:
    """`#name` and `:value` are declared where they are used, and used where they are declared."""
    used = {
        word
        for text in _DYNAMODB_TEXTS
        if isinstance(state.arguments.get(text), str)
        for word in _WORDS.findall(state.arguments[text])
    }
    declared = {name for names in _DYNAMODB_NAMES for name in state.arguments.get(names, {})}
    for word in sorted(used ^ declared):
        kind = "is used but not declared" if word in used else "is declared but not used"
        yield Problem(
            state.name,
            "dynamodb-expression",
            f"{word} {kind}, which DynamoDB refuses: mend the expression or its names and values",
        )


def pascal(name: str) -> str:
    """Step Functions writes every argument with a capital."""
    return name[:1].upper() + name[1:]


def java_name(name: str) -> str:
    """Step Functions names errors as AWS's Java SDK does: always with Exception at the end."""
    return name if name.endswith("Exception") else f"{name}Exception"
