"""The intrinsic functions, with AWS's own examples where its guide has one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.interpreter.building import passing, run
from workflows.asl.interpreter.intrinsics import IntrinsicSyntaxError, parse

DATA = {"name": "Asha", "n": 4, "items": [1, 2, 3, 2], "text": "1,2;3", "o": {"a": 1}, "p": {"a": 2, "b": 3}}


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("States.Format('Hello, my name is {}.', $.name)", "Hello, my name is Asha."),
        ("States.Format('{}-{}', $.o, 5)", '{"a":1}-5'),
        (r"States.Format('\{\} {} it\'s \\', $.n)", r"{} 4 it's \ ".rstrip()),
        ("States.StringToJson('{\"a\":[1]}')", {"a": [1]}),
        ("States.JsonToString($.o)", '{"a":1}'),
        ("States.Array(1, 'x', $.n, null, true)", [1, "x", 4, None, True]),
        ("States.Array()", []),
        ("States.ArrayPartition($.items, 3)", [[1, 2, 3], [2]]),
        ("States.ArrayContains($.items, 3)", True),
        ("States.ArrayContains($.items, true)", False),
        ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayGetItem($.items, 2)", 3),
        ("States.ArrayLength($.items)", 4),
        ("States.ArrayUnique($.items)", [1, 2, 3]),
        ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
        ("States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "Data to encode"),
        ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("States.JsonMerge($.o, $.p, false)", {"a": 2, "b": 3}),
        ("States.MathRandom(1, 2)", 1),
        ("States.MathAdd($.n, -1)", 3),
        ("States.MathAdd(1.6, 1)", 3),
        ("States.StringSplit('1,2;3', ',;')", ["1", "2", "3"]),
        ("States.StringSplit('..a..b', '.')", ["a", "b"]),
        ("States.ArrayLength(States.StringSplit(States.Format('{},{}', $.n, 2), ','))", 2),
    ],
)
def test_function(call: str, result: Any) -> None:
    assert passing(DATA, Parameters={"x.$": call}) == {"x": result}


def test_uuid_and_random_come_from_the_given_entropy() -> None:
    template = {"u.$": "States.UUID()", "r.$": "States.MathRandom(1, 1000000)"}
    assert passing({}, Parameters=template) == passing({}, Parameters=template)
    assert passing({}, Parameters=template)["u"][14] == "4"


@pytest.mark.parametrize(
    "call",
    [
        "States.ArrayGetItem($.items, 9)",
        "States.StringToJson('{')",
        "States.Format('{} {}', 1)",
        "States.Format('{}', 1, 2)",
        "States.ArrayPartition($.items, 0)",
        "States.ArrayRange(1, 5000, 1)",
        "States.JsonMerge($.o, $.p, true)",
        "States.Hash('a', 'CRC')",
        "States.MathAdd('a', 1)",
        "States.Base64Decode('%')",
    ],
)
def test_arguments_a_function_does_not_take(call: str) -> None:
    execution = run({"P": {"Type": "Pass", "Parameters": {"x.$": call}, "End": True}}, DATA)
    assert execution.error == "States.IntrinsicFailure"
    assert execution.cause is not None
    assert call in execution.cause


@pytest.mark.parametrize(
    "text",
    ["States.Nothing()", "States.Format('a'", "States.Format('\\n')", "States.Array(1,,2)", "States.UUID() x"],
)
def test_text_that_is_no_call(text: str) -> None:
    with pytest.raises(IntrinsicSyntaxError):
        parse(text)


def test_ten_calls_may_be_nested_and_not_eleven() -> None:
    parse("States.Array(" * 10 + ")" * 10)
    with pytest.raises(IntrinsicSyntaxError, match="more than 10"):
        parse("States.Array(" * 11 + ")" * 11)
