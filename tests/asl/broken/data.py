"""Machines that read what may not be there, or hand on what does not fit,
each with the one thing that must be said about it.
"""

from __future__ import annotations

from tests.asl.broken.material import (
    ARGUMENTS,
    END,
    SIDE,
    Cases,
    asks,
    look,
    machine,
    mapped,
    to,
)
from workflows.asl.conditions import Condition, When
from workflows.asl.context import EXECUTION_ID, MAP_ITEM_VALUE, ContextPath
from workflows.asl.intrinsics import array_length, format_text
from workflows.asl.paths import Path
from workflows.asl.states import (
    Choice,
    Parallel,
    Pass,
    Wait,
)

DATA: Cases = {
    "a slot read that one path leaves empty": (
        lambda: machine(
            Choice(name="Ask", choices=[When(SIDE.equals("BUY"), "Use")], default="Look"),
            look(),
            Pass(name="Use", value=Path("$.placed"), slot="placed"),
            END,
        ),
        "Use: reads $.placed, which is not written on the way Ask → Use: write it there first [written-before]",
    ),
    "a slot read behind a Catch, where it was not written": (
        lambda: machine(
            look(catch=[to("Use")]),
            Pass(name="Use", value={"was": Path("$.placed.outcome")}, slot="written"),
            END,
        ),
        (
            "Use: reads $.placed.outcome, which is not written on the way Look → Use: write it there first"
            " [written-before]"
        ),
    ),
    "an item's slot read outside its Map": (
        lambda: machine(mapped(look(end=True)), Pass(name="Use", value=Path("$.placed"), slot="placed"), END),
        (
            "Use: reads $.placed, which is not written on the way Wave → Use: write it there first"
            " [written-before]"
        ),
    ),
    "a field that does not exist, but nearly": (
        lambda: machine(Pass(name="Use", value={"id": Path("$.order.ordr_id")}, slot="written"), END),
        "Use: ordr_id is not a field of Order: did you mean order_id? [path-exists]",
    ),
    "an optional field": (
        lambda: machine(Pass(name="Use", value={"id": Path("$.order.note")}, slot="written"), END),
        "Use: note of Order may be missing, which nothing catches: make it required [path-optional]",
    ),
    "through what may be null": (
        lambda: machine(
            look(), Pass(name="Use", value={"id": Path("$.placed.previous.side")}, slot="written"), END
        ),
        "Use: what holds side may be null: let the task always fill it [path-optional]",
    ),
    "an item of a list that may be empty": (
        lambda: machine(Pass(name="Use", value={"id": Path("$.orders[0]")}, slot="written"), END),
        "Use: item [0] may be missing, which nothing catches: let a task return it by name [path-optional]",
    ),
    "a filter in a path": (
        lambda: machine(
            Pass(name="Use", value={"all": Path("$.orders[?(@.quantity>1)]")}, slot="written"), END
        ),
        "Use: $.orders[?(@.quantity>1)] is no plain path: write names only, like $.run.accounts [path-syntax]",
    ),
    "arguments that lack a field of the Input": (
        lambda: machine(look(arguments={"order_id": Path("$.order.order_id")}), END),
        (
            "Look: its arguments are no Input of LookUp (quantity is missing): change the arguments or the"
            " Input [fits-input]"
        ),
    ),
    "an argument of the wrong type": (
        lambda: machine(look(arguments=ARGUMENTS | {"quantity": Path("$.order.side")}), END),
        (
            "Look: its arguments are no Input of LookUp (quantity: 'BUY' is no int): change the arguments"
            " or the Input [fits-input]"
        ),
    ),
    "an argument the Input does not have": (
        lambda: machine(look(arguments=ARGUMENTS | {"qty": 1}), END),
        (
            "Look: its arguments are no Input of LookUp (qty is not a field of PlaceInput): change the"
            " arguments or the Input [fits-input]"
        ),
    ),
    "a slot the Data model does not have": (
        lambda: machine(look(slot="place"), END),
        "Look: writes place, which is no field of Data: declare it there [slot-declared]",
    ),
    "a result that does not fit its slot": (
        lambda: machine(look(slot="text"), END),
        "Look: what it writes does not fit Data.text (Placed is no str): change one of them [slot-type]",
    ),
    "a result without a slot": (
        lambda: machine(look(slot=None), END),
        "Look: its result would replace all of the data: name the slot it goes to [slot-needed]",
    ),
    "a filter on a state": (
        lambda: machine(look(output_path="$.placed"), END),
        "Look: has OutputPath: remove it, and read paths in the arguments instead [no-filters]",
    ),
    "a Map over what is no list": (
        lambda: machine(mapped(Pass(name="Inside", end=True), items=Path("$.order")), END),
        "Wave: $.order is no list: let a task return the list to go through [map-items]",
    ),
    "an iteration that ends with all of its data": (
        lambda: machine(mapped(look(end=True), result=str, slot="done"), END),
        "Look: ends its scope with all of the data: end with the result, and no slot [scope-result]",
    ),
    "an iteration that ends with something else": (
        lambda: machine(mapped(Pass(name="Out", value={"a": 1}, end=True), result=str, slot="done"), END),
        (
            "Out: what it ends with is not the scope's result (an object is no str): change one of them"
            " [scope-result]"
        ),
    ),
    "a Map item outside a Map": (
        lambda: machine(Pass(name="Use", value={"item": MAP_ITEM_VALUE}, slot="written"), END),
        "Use: $$.Map.Item.Value exists only in a Map: read it there [context-object]",
    ),
    "a place the context object does not have": (
        lambda: machine(Pass(name="Use", value={"x": ContextPath("$$.Execution.Owner")}, slot="written"), END),
        "Use: $$.Execution.Owner is not in the context object [context-object]",
    ),
    "more values than places in a text": (
        lambda: machine(Pass(name="Use", value={"x": format_text("{}", EXECUTION_ID, 1)}, slot="written"), END),
        "Use: States.Format has 1 places and 2 values: make them the same number [intrinsic]",
    ),
    "a function of lists given a text": (
        lambda: machine(
            Pass(name="Use", value={"x": array_length(Path("$.order.order_id"))}, slot="written"), END
        ),
        "Use: States.ArrayLength, argument 1: str is no list[Any] [intrinsic]",
    ),
    "a comparison of the wrong type": (
        lambda: machine(asks(Path("$.order.order_id").greater_than(3)), END),
        "Ask: NumericGreaterThan can't compare $.order.order_id: str is no float [choice-type]",
    ),
    "a comparison that can never hold": (
        lambda: machine(asks(SIDE.equals("HOLD")), END),
        "Ask: $.order.side is one of BUY, SELL, so it never equals 'HOLD': use one of these [choice-type]",
    ),
    "a comparison that does not exist": (
        lambda: machine(asks(Condition(SIDE, "StringContains", "B")), END),
        "Ask: StringContains is no comparison of the language [choice-operator]",
    ),
    "a Wait until a number": (
        lambda: machine(Wait(name="Pause", until=Path("$.order.quantity")), END),
        "Pause: waits by $.order.quantity: int is no str [wait-type]",
    ),
    "a branch that reads what the other one writes": (
        lambda: machine(
            Parallel(
                name="Both",
                branches=[
                    [look(end=True)],
                    [Pass(name="Use", value=Path("$.placed"), slot="placed", end=True)],
                ],
                slot="written",
            ),
            END,
        ),
        "Use: reads $.placed, which is not written on the way Use: write it there first [written-before]",
    ),
}
