"""Broken graphs. Each comes with the one thing that must be said about it."""

from __future__ import annotations

from tests.asl.broken.material import END, LONG, SIDE, Cases, asks, look, machine, mapped, to
from workflows.asl.states import (
    Pass,
    Retry,
    Wait,
)

GRAPH: Cases = {
    "a name twice, once inside a Map": (
        lambda: machine(mapped(Pass(name="Done", end=True)), END),
        "Done: 2 states have this name: rename all but one, also inside Map and Parallel [unique-names]",
    ),
    "a name of 81 characters": (
        lambda: machine(Pass(name=LONG), END),
        f"{LONG}: the name has 81 characters: it must have 1 to 80 [name-length]",
    ),
    "a target that does not exist": (
        lambda: machine(look(catch=[to("Nowhere")]), END),
        (
            "Look: goes to Nowhere, which is not in the same scope: name one of its own scope's states"
            " [target-exists]"
        ),
    ),
    "a target in another scope": (
        lambda: machine(mapped(Pass(name="Inside", next="Done")), END),
        (
            "Inside: goes to Done, which is not in the same scope: name one of its own scope's states"
            " [target-exists]"
        ),
    ),
    "a state that nothing leads to": (
        lambda: machine(Pass(name="First", next="Done"), Pass(name="Island"), END),
        "Island: nothing leads here: point a state at it or remove it [reachable]",
    ),
    "a loop without a way out": (
        lambda: machine(Wait(name="Forever", seconds=1, next="Forever"), portable=True),
        "Forever: no way leads from here to an end: give the loop an exit [way-out]",
    ),
    "both next and end": (
        lambda: machine(Pass(name="First", next="Done", end=True), END),
        "First: has both `next` and `end=True`: keep one of them [next-xor-end]",
    ),
    "neither next nor end": (
        lambda: machine(Pass(name="Last")),
        "Last: is the last of its scope: give it `next` or `end=True` [next-xor-end]",
    ),
    "a Choice without a default": (
        lambda: machine(asks(SIDE.equals("BUY"), default=None), END),
        (
            "Ask: has no default: say where it goes when nothing matches, or it dies of"
            " States.NoChoiceMatched [choice-default]"
        ),
    ),
    "States.ALL before another Catch": (
        lambda: machine(look(catch=[to("Done"), to("Done", "States.Timeout")]), END),
        "Look: States.ALL must stand alone, in the last Catch: move it there [states-all-last]",
    ),
    "States.ALL among other errors": (
        lambda: machine(look(retry=[Retry(errors=["States.ALL", "Oops"])]), END),
        "Look: States.ALL must stand alone, in the last Retry: move it there [states-all-last]",
    ),
    "an error of the language that does not exist": (
        lambda: machine(look(catch=[to("Done", "States.TimedOut")]), END),
        (
            "Look: Catch on States.TimedOut, which does not exist: `States.` is reserved, use one of the"
            " language's [error-names]"
        ),
    ),
    "an error that can't be caught": (
        lambda: machine(look(catch=[to("Done", "States.Runtime")]), END),
        (
            "Look: Catch on States.Runtime never matches: it always fails the execution, so make sure it can't"
            " happen [error-names]"
        ),
    ),
    "a Wait with nothing to wait for": (
        lambda: machine(Wait(name="Pause"), END),
        "Pause: must have either `seconds` or `until` [wait-one]",
    ),
    "a moment that is no timestamp": (
        lambda: machine(Wait(name="Pause", until="09:30"), END),
        "Pause: '09:30' is no timestamp: write it like 2026-11-23T04:00:00Z [timestamp]",
    ),
    "a heartbeat longer than the time-out": (
        lambda: machine(look(heartbeat=20), END),
        "Look: its heartbeat of 20 s ends after its time-out of 15 s: shorten it [heartbeat]",
    ),
    "a number in quotes": (
        lambda: machine(Wait(name="Pause", seconds="3"), END),  # type: ignore[arg-type]
        (
            "Pause: Wait.seconds: Input should be a valid integer, or: Input should be an instance of"
            " Path [field-types]"
        ),
    ),
    "a field that does not exist": (
        lambda: Pass(name="Odd", nxt="Done"),  # type: ignore[call-arg]
        "Odd: Pass.nxt: Extra inputs are not permitted [field-types]",
    ),
}
