"""Pass, Choice, Wait, Succeed, Fail: the states that only look at data and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows.asl.interpreter import choices, timestamps
from workflows.asl.interpreter.data import Json, dumps
from workflows.asl.interpreter.errors import RuntimeFailure, StateError
from workflows.asl.interpreter.evaluation import Scope
from workflows.asl.interpreter.happenings import Purpose
from workflows.asl.interpreter.jsonpath import PathNotFound

if TYPE_CHECKING:
    from workflows.asl.interpreter.execution import Execution
    from workflows.asl.interpreter.runs import Visit

MAX_WAIT = 2_147_483_647
"""Seconds; the longest wait AWS takes lies between 24,855 and 24,856 days (measured)."""


def pass_(execution: Execution, visit: Visit) -> None:
    fields = visit.state.fields
    scope = execution.scope(visit, visit.input.value)
    result = scope.select(visit.state.input_path)
    if "Parameters" in fields:
        result = scope.with_data(result).template(fields["Parameters"])
    if "Result" in fields:
        result = fields["Result"]
    execution.complete(visit, result)


def leave(execution: Execution, visit: Visit) -> None:
    """What goes in goes out, through InputPath and OutputPath."""
    execution.exit(visit, _passed(execution, visit), visit.state.next)


def _passed(execution: Execution, visit: Visit) -> Json:
    scope = execution.scope(visit, visit.input.value)
    return scope.with_data(scope.select(visit.state.input_path)).select(visit.state.output_path)


def choice(execution: Execution, visit: Visit) -> None:
    fields = visit.state.fields
    scope = execution.scope(visit, visit.input.value)
    scope = scope.with_data(scope.select(visit.state.input_path))
    following = next(
        (rule["Next"] for rule in fields["Choices"] if choices.holds(rule, scope)), fields.get("Default")
    )
    if following is None:
        raise RuntimeFailure("Failed to transition out of the state. The state does not point to a next state.")
    execution.exit(visit, scope.select(visit.state.output_path), following)


def fail(execution: Execution, visit: Visit) -> None:
    scope = execution.scope(visit, visit.input.value)
    raise StateError(_words(visit, scope, "Error"), _words(visit, scope, "Cause"))


def _words(visit: Visit, scope: Scope, field: str) -> str | None:
    fields = visit.state.fields
    if f"{field}Path" not in fields:
        words: str | None = fields.get(field)
        return words
    value = scope.expression(fields[f"{field}Path"], f"{field}Path")
    if not isinstance(value, str):
        raise RuntimeFailure(f"The {field}Path parameter does not reference a string: {dumps(value)}")
    return value


def wait(execution: Execution, visit: Visit) -> None:
    scope = execution.scope(visit, visit.input.value)
    until = _until(visit, scope.with_data(scope.select(visit.state.input_path)), execution.at)
    if until - execution.at > MAX_WAIT:
        raise RuntimeFailure("Wait state delay is too long.")
    if until <= execution.at:
        leave(execution, visit)
    else:
        visit.timer = execution.start_timer(until, Purpose.WAIT, visit)


def _until(visit: Visit, scope: Scope, now: float) -> float:
    fields = visit.state.fields
    if "Seconds" in fields:
        return now + float(fields["Seconds"])
    if "SecondsPath" in fields:
        return now + _seconds(scope, fields["SecondsPath"])
    if "Timestamp" in fields:
        return _whole(timestamps.parse(fields["Timestamp"]) or now)
    path = fields["TimestampPath"]
    value = _referenced(scope, path, "TimestampPath")
    moment = timestamps.parse(value)
    if moment is None:
        shown = value if isinstance(value, str) else dumps(value)
        raise RuntimeFailure(
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
            f"string: {path} == {shown}"
        )
    return _whole(moment)


def _whole(moment: float) -> float:
    """Timestamps are cut to whole seconds."""
    return float(int(moment // 1))


def _referenced(scope: Scope, path: str, field: str) -> Json:
    try:
        return scope.read(path)
    except PathNotFound:
        raise RuntimeFailure(f"The {field} parameter does not reference an input value: {path}") from None


def _seconds(scope: Scope, path: str) -> float:
    value = _referenced(scope, path, "SecondsPath")
    if not isinstance(value, int) or isinstance(value, bool):
        shown = value if isinstance(value, str) else dumps(value)
        raise RuntimeFailure(f"The SecondsPath parameter cannot be parsed as a long value: {path} == {shown}")
    if value < 0:
        raise RuntimeFailure(f"The SecondsPath parameter references a negative value: {path} == {value}")
    return float(value)
