"""Machines that break rules of ours. Each comes with the one thing that must be said about it."""

from __future__ import annotations

from tests.asl.broken.material import END, HASTY, LOOK, PLACE, Cases, Placed, call, look, machine, mapped, to
from workflows.asl.context import TASK_TOKEN
from workflows.asl.paths import Path
from workflows.asl.resources import Invoke, InvokeAndAwait
from workflows.asl.states import (
    Fail,
    Pass,
    Retry,
)

POLICY: Cases = {
    "a Retry on what must not run twice": (
        lambda: machine(look(resource=Invoke(PLACE), retry=[Retry(errors=["Oops"])]), END),
        (
            "Look: has a Retry, but what it calls must not run twice: remove it, and look what the first"
            " call did [no-retry]"
        ),
    ),
    "a task that gives up before its function": (
        lambda: machine(look(timeout=10), END),
        "Look: its time-out must be longer than LookUp's 10 s: set `timeout` higher [timeouts]",
    ),
    "a function that ends before its request": (
        lambda: machine(look(resource=Invoke(HASTY)), END),
        (
            "Look: Hasty ends after 5 s, its requests after 9: give the function more or the requests less"
            " [timeouts]"
        ),
    ),
    "a task to be redriven that catches into a Fail": (
        lambda: machine(
            look(redrivable=True, catch=[to("Tidy")]),
            END,
            Pass(name="Tidy"),
            Fail(name="Failed", error="Oops", cause="told"),
        ),
        "Look: is to be redriven, but its Catch leads to Failed, which only fails again: remove it [redrive]",
    ),
    "an iteration that could abort the others": (
        lambda: machine(mapped(look(end=True), never_fails=True), END),
        "Look: its errors would abort Wave's other items: catch States.ALL and end with a result [never-fails]",
    ),
    "a Fail in an iteration that must not fail": (
        lambda: machine(
            mapped(
                look(catch=[to("Failed")], end=True),
                Fail(name="Failed", error="Oops", cause="told"),
                never_fails=True,
            ),
            END,
        ),
        "Failed: would abort Wave's other items: end with a result instead [never-fails]",
    ),
    "an aws-sdk call in a portable machine": (
        lambda: machine(call("dynamodb", "query", {"TableName": "${OrdersTable}"}, sdk=True), END),
        (
            "Write: uses aws-sdk:dynamodb, which Step Functions Local may not run: do without, or declare"
            " portable=False [portable]"
        ),
    ),
    "Assign in a portable machine": (
        lambda: machine(Pass(name="Keep", assign={"x": Path("$.order")}), END),
        (
            "Keep: uses Assign, which Step Functions Local may not run: do without, or declare portable=False"
            " [portable]"
        ),
    ),
    "a distributed Map in a portable machine": (
        lambda: machine(mapped(Pass(name="Inside", end=True), distributed=True), END),
        (
            "Wave: uses a distributed Map, which Step Functions Local may not run: do without, or declare"
            " portable=False [portable]"
        ),
    ),
    "JSONata": (
        lambda: machine(Pass(name="Use", value={"x": "{% $states.input %}"}, slot="written"), END),
        "Use: has a JSONata expression, which is only text here: use paths instead [jsonata]",
    ),
    "a callback in an Express machine": (
        lambda: machine(
            look(
                resource=InvokeAndAwait(LOOK, Placed),
                arguments={"order_id": TASK_TOKEN, "quantity": 1},
                timeout=5,
            ),
            END,
            kind="EXPRESS",
        ),
        "Look: waits for a job or a token, which Express can't: make the machine STANDARD [express]",
    ),
    "an aws-sdk call whose resources nobody knows": (
        lambda: machine(
            call("secretsmanager", "getSecretValue", {"SecretId": "x"}, sdk=True), END, portable=False
        ),
        (
            "Write: what secretsmanager:getSecretValue touches is not known: name its ARNs in `resources`"
            " [resources]"
        ),
    ),
}
