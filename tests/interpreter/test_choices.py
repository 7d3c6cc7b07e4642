"""Choice: every operator, and what happens when none matches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.interpreter.building import names_entered, run
from workflows.asl.interpreter.choices import string_matches

DATA = {
    "s": "kiwi", "n": 5, "f": 5.0, "b": True, "t": "2026-11-23T04:00:00Z", "z": None, "s2": "kiwi", "n2": 6,
    "t2": "2026-11-23T09:30:00+05:30", "b2": True,
}  # fmt: skip


def taken(rule: dict[str, Any], data: Any = None) -> bool:
    states = {
        "C": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"},
        "Yes": {"Type": "Succeed"},
        "No": {"Type": "Succeed"},
    }
    return names_entered(run(states, DATA if data is None else data))[-1] == "Yes"


@pytest.mark.parametrize(
    ("variable", "operator", "operand", "expected"),
    [
        ("$.s", "StringEquals", "kiwi", True),
        ("$.n", "StringEquals", "5", False),
        ("$.s", "StringLessThan", "lime", True),
        ("$.s", "StringLessThanEquals", "kiwi", True),
        ("$.s", "StringGreaterThan", "kiwi", False),
        ("$.s", "StringGreaterThanEquals", "kiwi", True),
        ("$.s", "StringMatches", "k*i", True),
        ("$.n", "NumericEquals", 5.0, True),
        ("$.b", "NumericEquals", 1, False),
        ("$.n", "NumericLessThan", 6, True),
        ("$.n", "NumericLessThanEquals", 4, False),
        ("$.n", "NumericGreaterThan", 4, True),
        ("$.n", "NumericGreaterThanEquals", 5, True),
        ("$.b", "BooleanEquals", True, True),
        ("$.s", "BooleanEquals", True, False),
        ("$.t", "TimestampEquals", "2026-11-23T09:30:00+05:30", True),
        ("$.t", "TimestampLessThan", "2026-11-23T04:00:01Z", True),
        ("$.t", "TimestampLessThanEquals", "2026-11-23T04:00:00Z", True),
        ("$.t", "TimestampGreaterThan", "2026-11-23T04:00:00Z", False),
        ("$.t", "TimestampGreaterThanEquals", "2026-11-23T03:00:00Z", True),
        ("$.s", "TimestampEquals", "2026-11-23T04:00:00Z", False),
        ("$.s", "StringEqualsPath", "$.s2", True),
        ("$.n", "NumericLessThanPath", "$.n2", True),
        ("$.t", "TimestampEqualsPath", "$.t2", True),
        ("$.b", "BooleanEqualsPath", "$.b2", True),
        ("$$.State.EnteredTime", "TimestampLessThanEqualsPath", "$.t", True),
        ("$.z", "IsNull", True, True),
        ("$.s", "IsString", True, True),
        ("$.b", "IsNumeric", True, False),
        ("$.b", "IsBoolean", True, True),
        ("$.s", "IsTimestamp", False, True),
        ("$.nope", "IsPresent", False, True),
        ("$.z", "IsPresent", True, True),
    ],
)
def test_operator(variable: str, operator: str, operand: Any, expected: bool) -> None:
    assert taken({"Variable": variable, operator: operand}) is expected


def test_combinations() -> None:
    yes, no = {"Variable": "$.n", "NumericEquals": 5}, {"Variable": "$.n", "NumericEquals": 6}
    assert taken({"And": [yes, {"Not": no}]})
    assert taken({"Or": [no, yes]})
    assert not taken({"And": [yes, no]})
    assert taken({"Not": {"Or": [no, no]}})


def test_and_asks_no_further_than_it_must() -> None:
    present = {"Variable": "$.gone", "IsPresent": True}
    assert not taken({"And": [present, {"Variable": "$.gone", "NumericEquals": 1}]})


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True), ("log-*.txt", "log-1.txt", True), ("log-*.txt", "log.txt", False),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False), ("*a*b*", "xxaxxbxx", True), ("a*a", "a", False), (r"\\*", "\\x", True),
    ],
)  # fmt: skip
def test_string_matches(pattern: str, text: str, expected: bool) -> None:
    assert string_matches(text, pattern) is expected


def test_no_pattern_takes_for_ever() -> None:
    assert not string_matches("a" * 50_000, "*a" * 25 + "b")


def test_missing_variable_ends_the_execution() -> None:
    states = {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "S"}]},
        "S": {"Type": "Succeed"},
    }
    execution = run(states, {})
    assert execution.error == "States.Runtime"
    assert execution.cause is not None
    assert execution.cause.endswith(
        "Invalid path '$.x': The choice state's condition path references an invalid value."
    )


def test_nothing_matches_and_there_is_no_default() -> None:
    states = {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "S"}]},
        "S": {"Type": "Succeed"},
    }
    execution = run(states, {"n": 2})
    assert execution.cause is not None
    assert execution.cause.endswith(
        "Failed to transition out of the state. The state does not point to a next state."
    )
