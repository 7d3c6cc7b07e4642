"""Paths and templates: what a state reads, and where its result goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.interpreter.building import Replies, output, passing, run, task
from workflows.asl.interpreter import Status
from workflows.asl.interpreter.jsonpath import PathError, parse
from workflows.asl.interpreter.simulation import Reply

STORE = {
    "books": [
        {"title": "A", "price": 8, "tags": ["x"]},
        {"title": "B", "price": 12},
        {"title": "C", "price": 20},
    ],
    "owner": {"name": "Asha", "age": 30},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", STORE),
        ("$.owner.name", "Asha"),
        ("$['owner']['age']", 30),
        ('$["owner"].age', 30),
        ("$.books[1].title", "B"),
        ("$.books[-1].title", "C"),
        ("$.books[7]", None),
        ("$.books[*].title", ["A", "B", "C"]),
        ("$.books[0,2].title", ["A", "C"]),
        ("$.books[1:].title", ["B", "C"]),
        ("$.books[:-1].title", ["A", "B"]),
        ("$..price", [8, 12, 20]),
        ("$.owner.*", ["Asha", 30]),
        ("$.owner['name','age']", {"name": "Asha", "age": 30}),
        ("$.books[?(@.price > 10)].title", ["B", "C"]),
        ("$.books[?(@.price > 10 && @.title != 'C')].title", ["B"]),
        ("$.books[?(!(@.price > 10) || @.title == 'C')].title", ["A", "C"]),
        ("$.books[?(@.tags)].title", ["A"]),
        ("$.books[?(@.title =~ /[bc]/i)].price", [12, 20]),
        ("$.books[?(@.title in ['A', 'C'])].price", [8, 20]),
        ("$.books[?(@.price > $.owner.age)]", []),
        ("$.books[?('x' in @.tags)].title", ["A"]),
        ("$.books.length()", 3),
        ("$.books[*].price.max()", 20),
        ("$.nobody[*]", []),
        ("$..nobody", []),
    ],
)
def test_path(path: str, found: Any) -> None:
    assert parse(path).read(STORE) == found


@pytest.mark.parametrize(
    "path", ["", "owner", "$.", "$.books[", "$.books[x]", "$.a b", "$.books[?(@.x >)]", "$['a"]
)
def test_text_that_is_no_path(path: str) -> None:
    with pytest.raises(PathError):
        parse(path)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        (r"/(a)\1/", "invalid escape"),
        ("/(?=a)a/", "invalid perl operator"),
        ("/a/x", "flag x"),
        ("/(/", "missing"),
        ("/(a{100}){100}/", "invalid repetition"),
    ],
)
def test_regular_expression_that_is_none_or_not_linear(expression: str, why: str) -> None:
    with pytest.raises(PathError, match=why):
        parse(f"$[?(@ =~ {expression})]")


def test_regular_expression_matches_whole_texts_by_its_flags() -> None:
    texts = ["ab", "AB", "a\nb", "xaby", "\ud83d"]
    assert parse("$[?(@ =~ /ab/)]").read(texts) == ["ab"]
    assert parse("$[?(@ =~ /ab/i)]").read(texts) == ["ab", "AB"]
    assert parse("$[?(@ =~ /a.*b/s)]").read(texts) == ["ab", "a\nb"]


def test_true_is_not_one_in_a_filter() -> None:
    assert parse("$[?(@.v == 1)]").read([{"v": True}, {"v": 1}]) == [{"v": 1}]


def test_path_over_a_huge_document_is_stopped() -> None:
    with pytest.raises(PathError, match="visits more than"):
        parse("$..x").read([0] * 1_000_001)


def test_task_sees_input_path_then_parameters_and_its_result_goes_through_selector_and_paths() -> None:
    replies = Replies(Reply({"Payload": {"n": 2}, "Status": 200}))
    execution = run(
        {
            "T": task(
                InputPath="$.in",
                Parameters={"x.$": "$.v", "fixed": {"a": [{"deep.$": "$.v"}]}},
                ResultSelector={"n.$": "$.Payload.n"},
                ResultPath="$.out.result",
                OutputPath="$.out",
            )
        },
        {"in": {"v": 1}, "other": True},
        replies,
    )
    assert replies.tasks[0].arguments == {"x": 1, "fixed": {"a": [{"deep": 1}]}}
    assert output(execution) == {"result": {"n": 2}}


def test_null_paths() -> None:
    assert passing({"a": 1}, InputPath=None) == {}
    assert passing({"a": 1}, OutputPath=None) == {}
    assert passing({"a": 1}, Result=5, ResultPath=None) == {"a": 1}


def test_result_is_taken_as_it_is() -> None:
    assert passing({"a": 1}, Result={"b.$": "$.a"}) == {"b.$": "$.a"}


def test_result_path_into_an_array_and_through_what_is_not_there() -> None:
    assert passing({"a": [1, 2]}, Result=9, ResultPath="$.a[1]") == {"a": [1, 9]}
    assert passing({}, Result=9, ResultPath="$.x.y.z") == {"x": {"y": {"z": 9}}}


def test_result_path_that_does_not_fit_the_input_fails_by_name() -> None:
    execution = run({"P": {"Type": "Pass", "Result": 1, "ResultPath": "$.a.b", "End": True}}, {"a": "text"})
    assert (execution.status, execution.error) == (Status.FAILED, "States.ResultPathMatchFailure")


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        (
            {"Parameters": {"x.$": "$.nope"}},
            "The JSONPath '$.nope' specified for the field 'x.$' could not be found in the input '{\"a\":1}'",
        ),
        ({"InputPath": "$.nope"}, "Invalid path '$.nope' : No results for path: $['nope']"),
        ({"OutputPath": "$.no.such"}, "Invalid path '$.no.such' : Missing property in path $['no']"),
    ],
)
def test_path_that_points_to_nothing_ends_the_execution_in_awss_words(
    fields: dict[str, Any], cause: str
) -> None:
    execution = run({"P": {"Type": "Pass", "End": True, **fields}}, {"a": 1})
    assert execution.error == "States.Runtime"
    assert (
        execution.cause
        == f"An error occurred while executing the state 'P' (entered at the event id #2). {cause}"
    )


def test_context_object() -> None:
    seen = passing(
        {"a": 1}, Parameters={"all.$": "$$", "name.$": "$$.State.Name", "in.$": "$$.Execution.Input.a"}
    )
    assert (seen["name"], seen["in"]) == ("P", 1)
    assert seen["all"]["Execution"]["StartTime"] == "2026-11-23T04:00:00.000Z"
    assert seen["all"]["Execution"]["RedriveCount"] == 0
    assert seen["all"]["StateMachine"]["Name"] == "Simulated"


def test_input_text_is_kept_as_given_in_the_first_event_only() -> None:
    execution = run({"P": {"Type": "Pass", "End": True}}, '{ "a" : "₹" }')
    started, entered = (event.render() for event in execution.history.events[:2])
    assert started["executionStartedEventDetails"]["input"] == '{ "a" : "₹" }'
    assert entered["stateEnteredEventDetails"]["input"] == '{"a":"₹"}'


def test_output_over_256_kib_is_refused() -> None:
    execution = run({"T": task()}, {}, lambda _task: Reply("x" * 262_144))
    assert execution.error == "States.DataLimitExceeded"
    assert json.loads(run({"T": task()}, {}, lambda _task: Reply("x" * 262_142)).output or "")
