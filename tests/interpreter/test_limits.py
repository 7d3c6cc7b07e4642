"""What is too much ends the execution, soon and in little memory, and never the process."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from typing import Any

import pytest

from workflows.asl.interpreter import Execution, InvalidDefinition, Machine, SeededEntropy, Status
from workflows.asl.interpreter.history import MAX_CHARACTERS
from workflows.asl.interpreter.simulation import FACTS

FAT = json.dumps({"t": "x" * 250_000})
LIMIT = "States.DataLimitExceeded"


@pytest.fixture(autouse=True)
def _soon() -> Iterator[None]:
    began = time.perf_counter()
    yield
    assert time.perf_counter() - began < 10.0


def run(states: dict[str, Any], input_: str = "{}") -> Execution:
    machine = Machine.parse({"StartAt": next(iter(states)), "States": states})
    execution = Execution(machine, FACTS, input_, SeededEntropy("seed"))
    execution.start(0.0)
    return execution


def passing(parameters: dict[str, Any]) -> dict[str, Any]:
    return {"A": {"Type": "Pass", "Parameters": parameters, "End": True}}


def most_memory() -> float:
    """MB this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


FORMAT = "States.Format('" + "{}" * 200 + "'" + ", $.t" * 200 + ")"
FORMATS = "States.Format('{}{}', " + ", ".join([FORMAT] * 2) + ")"
ARRAY = "States.Array(" + ", ".join(["$"] * 1000) + ")"


@pytest.mark.parametrize(
    ("parameters", "input_"),
    [
        ({f"k{n}.$": "$" for n in range(3000)}, FAT),
        ({"x.$": FORMAT}, FAT),
        ({"x.$": FORMATS}, FAT),
        ({"x.$": f"States.JsonToString({ARRAY})"}, FAT),
        ({"x.$": f"States.ArrayUnique({ARRAY})"}, FAT),
        ({"x.$": f"States.Array({', '.join([ARRAY] * 50)})"}, FAT),
        ({"x.$": "$..*..*"}, json.dumps({"i": [[1] * 10] * 5000})),
        ({"x.$": "$..*..*..*"}, nested(150)),
        ({"x.$": "$.i[?(@ in $.i[*])]"}, json.dumps({"i": list(range(20_000))})),
        ({"x.$": "$.i[?($.t =~ /[01]*1[01]{900}2/)]"}, json.dumps({"i": [1] * 20_000, "t": "01" * 50_000})),
        ({"x.$": "$..*"}, '{"a":' * 400 + '"' + "x" * 200_000 + '"' + "}" * 400),
    ],
    ids=[
        "template",
        "format",
        "formats",
        "to-string",
        "unique",
        "arrays",
        "descend",
        "deep",
        "filter",
        "regular-expression",
        "shared",
    ],
)
def test_small_expression_that_stands_for_gigabytes(parameters: dict[str, Any], input_: str) -> None:
    before = most_memory()
    execution = run(passing(parameters), input_)

    assert (execution.status, execution.error) == (Status.FAILED, LIMIT)
    assert most_memory() - before < 100


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)*b", "(a|a?)+b", "(.*)*b", "((a*)*)*b"])
def test_regular_expression_that_would_backtrack_for_ever(pattern: str) -> None:
    """30 letters took Python's own engine minutes; each further one doubles it."""
    expression = {"x.$": f"$.i[?(@ =~ /{pattern}/)]"}
    execution = run(passing(expression), json.dumps({"i": ["a" * 20_000, "aaab"]}))

    assert execution.status is Status.SUCCEEDED
    assert json.loads(str(execution.output)) == {"x": ["aaab"]}


def test_data_that_gets_deeper_with_every_state() -> None:
    execution = run({"A": {"Type": "Pass", "Parameters": {"x.$": "$"}, "Next": "A"}})

    assert (execution.status, execution.error) == (Status.FAILED, "States.Runtime")
    assert "nested too deeply" in str(execution.cause)
    for event in execution.history.events:
        event.render()


def test_loop_over_a_large_payload_ends_before_memory_does() -> None:
    loop = {"t.$": "$.t", "u.$": "States.UUID()"}
    execution = run({"A": {"Type": "Pass", "Parameters": loop, "Next": "A"}}, FAT)

    assert (execution.status, execution.error) == (Status.FAILED, "States.Runtime")
    assert f"more than {MAX_CHARACTERS} characters" in str(execution.cause)
    assert execution.history.characters < MAX_CHARACTERS + 1_000_000


def test_map_over_a_million_items_ends_at_the_histories_limit() -> None:
    """The API takes no such input (256 KiB); if it came, this is what would happen."""
    each = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    states = {"M": {"Type": "Map", "ItemsPath": "$.i", "ItemProcessor": each, "End": True}}
    execution = run(states, json.dumps({"i": [1] * 1_000_000}))

    assert (execution.status, execution.error) == (Status.FAILED, "States.Runtime")
    assert execution.history.newest == 25_000


def test_map_whose_outputs_are_large_together() -> None:
    big = {"Type": "Pass", "Parameters": {"i.$": "$.n", "t": "x" * 2000}, "End": True}
    each = {"StartAt": "A", "States": {"A": big}}
    selector = {"n.$": "$$.Map.Item.Index"}
    states = {"M": {"Type": "Map", "ItemSelector": selector, "ItemProcessor": each, "End": True}}
    execution = run(states, json.dumps([1] * 3000))

    assert (execution.status, execution.error) == (Status.FAILED, LIMIT)


def test_definition_of_a_megabyte_is_read_and_runs() -> None:
    states: dict[str, Any] = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(11_000)}
    states["S11000"] = {"Type": "Succeed", "Comment": "x" * 500_000}
    text = json.dumps({"StartAt": "S0", "States": states})
    assert 950_000 < len(text) <= 1_048_576

    execution = Execution(Machine.parse(text), FACTS, "{}", SeededEntropy("seed"))
    execution.start(0.0)

    assert execution.status is Status.SUCCEEDED


@pytest.mark.parametrize(
    "text", ['{"a":' * 100_000, nested(101), "[" * 200_000, json.dumps({"Comment": "x" * 1_048_576})]
)
def test_definition_that_is_too_deep_or_too_large(text: str) -> None:
    with pytest.raises(InvalidDefinition):
        Machine.parse(text)
