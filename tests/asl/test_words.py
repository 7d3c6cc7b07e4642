"""How paths, intrinsic functions, conditions and templates are written in a definition."""

from __future__ import annotations

import pytest

from workflows.asl import intrinsics as fn
from workflows.asl.conditions import Test, all_of, any_of, negate
from workflows.asl.context import EXECUTION_ID, MAP_ITEM_VALUE, STATE_ENTERED_TIME, TASK_TOKEN
from workflows.asl.expressions import Expression, placeholder
from workflows.asl.paths import Path
from workflows.asl.render import condition, template

X = Path("$.x")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (fn.format_text("{}-{}", X, 1), "States.Format('{}-{}', $.x, 1)"),
        (fn.format_text("it's {}", True), "States.Format('it\\'s {}', true)"),
        (fn.string_to_json(X), "States.StringToJson($.x)"),
        (fn.json_to_string(X), "States.JsonToString($.x)"),
        (fn.json_merge(X, Path("$.y")), "States.JsonMerge($.x, $.y, false)"),
        (fn.array(1, "a", None), "States.Array(1, 'a', null)"),
        (fn.array_partition(X, 4), "States.ArrayPartition($.x, 4)"),
        (fn.array_contains(X, "a"), "States.ArrayContains($.x, 'a')"),
        (fn.array_range(1, 9, 2), "States.ArrayRange(1, 9, 2)"),
        (fn.array_get_item(X, 0), "States.ArrayGetItem($.x, 0)"),
        (fn.array_length(X), "States.ArrayLength($.x)"),
        (fn.array_unique(X), "States.ArrayUnique($.x)"),
        (fn.base64_encode(X), "States.Base64Encode($.x)"),
        (fn.base64_decode("YQ=="), "States.Base64Decode('YQ==')"),
        (fn.hash_text(X, "SHA-256"), "States.Hash($.x, 'SHA-256')"),
        (fn.math_random(1, 10), "States.MathRandom(1, 10)"),
        (fn.math_random(1, 10, 7), "States.MathRandom(1, 10, 7)"),
        (fn.math_add(X, -1), "States.MathAdd($.x, -1)"),
        (fn.string_split(X, ","), "States.StringSplit($.x, ',')"),
        (fn.uuid(), "States.UUID()"),
        (fn.format_text("{}", fn.math_add(X, 1)), "States.Format('{}', States.MathAdd($.x, 1))"),
        (EXECUTION_ID, "$$.Execution.Id"),
        (TASK_TOKEN, "$$.Task.Token"),
        (MAP_ITEM_VALUE, "$$.Map.Item.Value"),
    ],
)
def test_expressions_are_written_as_the_language_asks(call: Expression, text: str) -> None:
    assert call.text == text


@pytest.mark.parametrize(
    ("test", "written"),
    [
        (X.equals("a"), {"Variable": "$.x", "StringEquals": "a"}),
        (X.equals(True), {"Variable": "$.x", "BooleanEquals": True}),
        (X.equals(1), {"Variable": "$.x", "NumericEquals": 1}),
        (X.less_than(2), {"Variable": "$.x", "NumericLessThan": 2}),
        (X.matches("A*"), {"Variable": "$.x", "StringMatches": "A*"}),
        (X.is_present(False), {"Variable": "$.x", "IsPresent": False}),
        (
            STATE_ENTERED_TIME.not_after(X),
            {"Variable": "$$.State.EnteredTime", "TimestampLessThanEqualsPath": "$.x"},
        ),
        (
            all_of(X.equals("a"), negate(X.equals("b"))),
            {
                "And": [
                    {"Variable": "$.x", "StringEquals": "a"},
                    {"Not": {"Variable": "$.x", "StringEquals": "b"}},
                ]
            },
        ),
        (any_of(X.is_present()), {"Or": [{"Variable": "$.x", "IsPresent": True}]}),
    ],
)
def test_conditions_are_written_as_the_language_asks(test: Test, written: dict[str, object]) -> None:
    assert condition(test) == written


def test_a_template_marks_the_keys_of_computed_values_at_every_depth() -> None:
    value = {"a": X, "b": {"c": EXECUTION_ID, "d": "$.x"}, "e": [{"f": fn.uuid()}], "g": placeholder("T")}
    assert template(value) == {
        "a.$": "$.x",
        "b": {"c.$": "$$.Execution.Id", "d": "$.x"},
        "e": [{"f.$": "States.UUID()"}],
        "g": "${T}",
    }
