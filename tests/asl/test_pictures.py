"""A machine as JSON and as a picture."""

from __future__ import annotations

from tests.asl.broken.material import END, look, machine, mapped, to
from workflows.asl.conditions import When
from workflows.asl.mermaid import mermaid
from workflows.asl.paths import Path
from workflows.asl.render import definition
from workflows.asl.states import Choice, Parallel, Pass, Retry, Wait

SHORT = machine(
    look(catch=[to("Pause", "States.Timeout"), to("Sorry")], retry=[Retry(errors=["Oops"], full_jitter=True)]),
    Choice(
        name="Placed",
        choices=[When(Path("$.placed.outcome").equals("UNKNOWN"), "Pause")],
        default="Wave",
    ),
    Wait(name="Pause", seconds=3, next="Look"),
    mapped(Pass(name="Inside", end=True), next="Done"),
    Pass(name="Sorry"),
    END,
)


def test_a_state_without_next_goes_to_the_one_below_it() -> None:
    states = definition(SHORT)["States"]
    assert states["Look"]["Next"] == "Placed"
    assert states["Pause"]["Next"] == "Look"
    assert states["Sorry"]["Next"] == "Done"
    assert list(states) == ["Look", "Placed", "Pause", "Wave", "Sorry", "Done"]


def test_a_retry_says_everything_that_others_would_have_to_guess() -> None:
    assert definition(SHORT)["States"]["Look"]["Retry"] == [
        {
            "ErrorEquals": ["Oops"],
            "IntervalSeconds": 1,
            "MaxAttempts": 3,
            "BackoffRate": 2.0,
            "JitterStrategy": "FULL",
        }
    ]


def test_a_parallel_state_holds_its_branches() -> None:
    both = Parallel(
        name="Both",
        branches=[[Pass(name="Left", end=True)], [Pass(name="Right", end=True)]],
        slot="written",
    )
    assert definition(machine(both, END))["States"]["Both"] == {
        "Type": "Parallel",
        "Branches": [
            {"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}},
            {"StartAt": "Right", "States": {"Right": {"Type": "Pass", "End": True}}},
        ],
        "ResultPath": "$.written",
        "Next": "Done",
    }


def test_the_picture_shows_states_by_shape_and_ways_by_what_leads_there() -> None:
    assert (
        mermaid(SHORT)
        == """flowchart TD
    Look["Look"]
    Placed{"Placed"}
    Pause(["Pause"])
    subgraph Wave["Wave · Map"]
        Inside(("Inside"))
    end
    Sorry["Sorry"]
    Done((("Done")))
    Look --> Placed
    Look -. "Timeout" .-> Pause
    Look -. "ALL" .-> Sorry
    Placed -- "outcome = UNKNOWN" --> Pause
    Placed -- "else" --> Wave
    Pause --> Look
    Wave --> Done
    Sorry --> Done
"""
    )


def test_the_picture_for_documents_leaves_out_what_only_unforeseen_errors_lead_to() -> None:
    short = mermaid(SHORT, everything=False)
    assert "Timeout" in short
    assert "Sorry" not in short
