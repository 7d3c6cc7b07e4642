"""Do a Choice's comparisons make sense for what they compare?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from workflows.asl.conditions import OPERATORS, Condition, conditions_in
from workflows.asl.expressions import Expression
from workflows.asl.states import Choice
from workflows.asl.types import closed_set, describe, misfit
from workflows.asl.view import View
from workflows.asl.walk import PathProblem

_FAMILIES: tuple[tuple[str, Any], ...] = (
    ("String", str),
    ("Numeric", float),
    ("Boolean", bool),
    ("Timestamp", datetime),
)
_PRESENCE = ("IsPresent", "IsNull")


def check_choice(state: Choice, view: View) -> Iterator[PathProblem]:
    for arm in state.choices:
        for condition in conditions_in(arm.test):
            yield from _condition(condition, view)


def _condition(condition: Condition, view: View) -> Iterator[PathProblem]:
    operator, value = condition.operator, condition.value
    if operator not in OPERATORS:
        yield PathProblem("choice-operator", f"{operator} is no comparison of the language")
        return
    if operator.endswith("Path") != isinstance(value, Expression):
        kind = "a path" if operator.endswith("Path") else "a literal"
        yield PathProblem("choice-operator", f"{operator} compares with {kind}: {value!r} is none")
        return
    try:
        variable = view.type_of(condition.variable, optional_leaf=operator in _PRESENCE)
        operand = view.type_of(value)
    except PathProblem as problem:
        yield problem
        return
    yield from _operands(condition, variable, operand)


def _operands(condition: Condition, variable: Any, operand: Any) -> Iterator[PathProblem]:
    operator, text = condition.operator, condition.variable.text
    wanted = next((kind for family, kind in _FAMILIES if operator.startswith(family)), bool)
    if not operator.startswith("Is"):
        reason = misfit(variable, wanted)
        if reason:
            yield PathProblem("choice-type", f"{operator} can't compare {text}: {reason}")
            return
    reason = misfit(operand, wanted)
    if reason:
        yield PathProblem("choice-type", f"{operator} can't compare {text} with that: {reason}")
        return
    values = closed_set(variable)
    if operator == "StringEquals" and values is not None and condition.value not in values:
        yield PathProblem(
            "choice-type",
            f"{text} is {describe(variable)}, so it never equals {condition.value!r}: use one of these",
        )
