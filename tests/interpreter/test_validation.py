"""What is refused before it runs, and with which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.interpreter.building import LAMBDA
from workflows.asl.interpreter import InvalidDefinition, Machine

SUCCEED = {"Type": "Succeed"}


def refusal(definition: Any) -> str:
    with pytest.raises(InvalidDefinition) as refused:
        Machine.parse(definition if isinstance(definition, str) else json.dumps(definition))
    return str(refused.value)


def states(**found: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(found)), "States": found}


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": LAMBDA, "End": True, **fields}


def rule(**fields: Any) -> dict[str, Any]:
    return states(C={"Type": "Choice", "Choices": [{"Next": "S", **fields}], "Default": "S"}, S=SUCCEED)


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("{", "INVALID_JSON_DESCRIPTION"),
        ("[]", "not a JSON object"),
        ({"States": {"A": SUCCEED}}, "'StartAt' is required"),
        ({"StartAt": "A", "States": {}}, "at least one state at /States"),
        (
            {"StartAt": "X", "States": {"A": SUCCEED}},
            "MISSING_TRANSITION_TARGET: Missing 'StartAt' target: X at /StartAt",
        ),
        (
            states(A={"Type": "Pass", "Next": "X"}),
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/Next",
        ),
        (states(A=SUCCEED, B=SUCCEED), 'MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B'),
        (states(A={"Type": "Nap"}), "must be one of Task"),
        (states(A={"Type": "Pass"}), "One of the fields 'Next' or 'End'"),
        (states(A={"Type": "Pass", "Next": "A", "End": True}), "not both"),
        (states(A={"Type": "Pass", "End": True, "Rety": []}), "Field 'Rety' is not supported at /States/A"),
        (states(**{"x" * 81: SUCCEED}), "INVALID_STATE_NAME"),
        (states(A=task(Resource="${MyFunction}")), "INVALID_RESOURCE"),
        (states(A=task(Resource="arn:aws:states:ap-south-1:0:activity:a")), "Activities run on AWS only"),
        (
            states(A=task(Parameters={"x.$": "name"})),
            "field 'x.$' must be a valid JSONPath or a valid intrinsic",
        ),
        (states(A=task(Parameters={"x.$": 5})), "field 'x.$' must be a valid JSONPath or a valid intrinsic"),
        (states(A=task(Parameters=[{"x.$": "States.No()"}])), "at /States/A/Parameters[0]/x.$"),
        (states(A=task(InputPath="name")), "not a valid JSONPath at /States/A/InputPath"),
        (states(A=task(ResultPath="$.a[*]")), "not a Reference Path at /States/A/ResultPath"),
        (states(A=task(TimeoutSeconds=0)), "TimeoutSeconds must be an integer from 1"),
        (
            states(A=task(TimeoutSeconds=5, TimeoutSecondsPath="$.t")),
            "either 'TimeoutSeconds' or 'TimeoutSecondsPath'",
        ),
        (states(A=task(TimeoutSeconds=5, HeartbeatSeconds=5)), "HeartbeatSeconds must be smaller"),
        (states(A=task(Retry=[{"ErrorEquals": []}])), "ErrorEquals must be a list"),
        (states(A=task(Retry=[{"ErrorEquals": ["States.ALL", "B"]}])), "States.ALL must appear alone"),
        (states(A=task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["B"]}])), "in the last entry"),
        (
            states(A=task(Retry=[{"ErrorEquals": ["B"], "BackoffRate": 0.5}])),
            "BackoffRate must be a number of at least",
        ),
        (
            states(A=task(Retry=[{"ErrorEquals": ["B"], "JitterStrategy": "SOME"}])),
            "JitterStrategy must be NONE or FULL",
        ),
        (states(A=task(Catch=[{"ErrorEquals": ["B"]}])), "The field 'Next' is required at /States/A/Catch[0]"),
        (states(A=task(Catch=[{"ErrorEquals": ["B"], "Next": "X"}])), "Missing 'Next' target: X"),
        (states(A={"Type": "Wait", "End": True}), "exactly one of Seconds"),
        (states(A={"Type": "Wait", "Seconds": -1, "End": True}), "Seconds must be an integer from 0"),
        (
            states(A={"Type": "Wait", "Timestamp": "tomorrow", "End": True}),
            "String does not match RFC3339 timestamp at /States/A/Timestamp",
        ),
        (states(A={"Type": "Fail", "Error": "a", "ErrorPath": "$.a"}), "either 'Error' or 'ErrorPath'"),
        (states(A={"Type": "Choice", "Choices": []}), "at least one choice rule"),
        (rule(Variable="$.a"), "exactly one comparison operator"),
        (rule(Variable="$.a", NumericEquals="5"), "NumericEquals takes a number"),
        (rule(Variable="a", IsNull=True), "Variable must be a JSONPath"),
        (rule(And=[]), "And takes a list of at least one rule"),
        (rule(Not={"Variable": "$.a", "IsNull": True, "Next": "S"}), "Only the outermost rule has a 'Next'"),
        (rule(Condition="{% true %}"), "Condition and Assign run on AWS only"),
        (states(A={"Type": "Parallel", "Branches": [], "End": True}), "at least one branch"),
        (states(A={"Type": "Map", "End": True}), "exactly one of ItemProcessor and Iterator"),
        (
            states(A={"Type": "Map", "End": True, "ItemProcessor": states(B={"Type": "Pass", "Next": "A"})}),
            "Missing 'Next' target: A at /States/A/ItemProcessor/States/B/Next",
        ),
        (
            states(A={"Type": "Map", "End": True, "ItemProcessor": states(A=SUCCEED)}),
            "DUPLICATE_STATE_NAME",
        ),
        (
            states(
                A={
                    "Type": "Map",
                    "End": True,
                    "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, **states(B=SUCCEED)},
                }
            ),
            "A Map of mode DISTRIBUTED runs on AWS only",
        ),
        ({"QueryLanguage": "JSONata", **states(A=SUCCEED)}, "'JSONata' runs on AWS only"),
        (states(A={"Type": "Pass", "End": True, "Assign": {"x": 1}}), "Variables (Assign) run on AWS only"),
        ({"TimeoutSeconds": 0, **states(A=SUCCEED)}, "Expected a positive integer at /TimeoutSeconds"),
    ],
)
def test_refused(definition: Any, words: str) -> None:
    assert words in refusal(definition)


def test_everything_wrong_is_said_at_once() -> None:
    found = refusal(states(A={"Type": "Pass", "Next": "X"}, B={"Type": "Wait", "End": True}))
    assert "Missing 'Next' target: X" in found
    assert "exactly one of Seconds" in found


def test_deep_and_large_definitions_are_refused_without_harm() -> None:
    assert "INVALID_JSON_DESCRIPTION" in refusal("[" * 100_000)
    deep: Any = {"Variable": "$.a", "IsNull": True}
    for _ in range(200):
        deep = {"Not": deep}
    assert "deeper than" in refusal(rule(**deep))
    assert "at most 1048576 bytes" in refusal(json.dumps(states(A={**SUCCEED, "Comment": "x" * 1_048_577})))
