"""What the broken machines are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel

from workflows.asl.conditions import Condition, When
from workflows.asl.context import MAP_ITEM_VALUE
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.resources import Call, Function, Invoke
from workflows.asl.states import (
    Catch,
    Choice,
    Map,
    State,
    Succeed,
    Task,
)


class Order(BaseModel):
    order_id: str
    quantity: int
    side: Literal["BUY", "SELL"]
    note: str = ""


class Placed(BaseModel):
    outcome: Literal["PLACED", "UNKNOWN"]
    tries: list[int]
    previous: Order | None


class Given(BaseModel):
    order: Order
    orders: list[Order]


class Error(BaseModel):
    Error: str
    Cause: str


class Data(Given):
    placed: Placed
    written: Any
    done: list[str]
    text: str
    trouble: Error


class ItemData(BaseModel):
    order: Order
    placed: Placed
    trouble: Error


class PlaceInput(BaseModel):
    order_id: str
    quantity: int


PLACE = Function("PlaceOrder", PlaceInput, Placed, timeout=10, http_timeout=5, idempotent=False)
LOOK = Function("LookUp", PlaceInput, Placed, timeout=10, http_timeout=5)
HASTY = Function("Hasty", PlaceInput, Placed, timeout=5, http_timeout=9)
ARGUMENTS = {"order_id": Path("$.order.order_id"), "quantity": Path("$.order.quantity")}
END = Succeed(name="Done")
ITEM = {"order_id": {"S": Path("$.order.order_id")}}
KEY = {"TableName": "${OrdersTable}", "Key": ITEM}
PUT = {"TableName": "${OrdersTable}", "Item": ITEM}
STARTS = {"StateMachineArn": "${ChildMachine}", "Name": "one", "Input": ARGUMENTS}


def machine(*states: State, **fields: Any) -> Machine:
    settings: dict[str, Any] = {"data": Data, "input": Given} | fields
    return Machine(name="Broken", comment="", states=states, **settings)


def look(name: str = "Look", **fields: Any) -> Task:
    settings: dict[str, Any] = {
        "resource": Invoke(LOOK),
        "arguments": ARGUMENTS,
        "slot": "placed",
        "timeout": 15,
    }
    return Task(name=name, **(settings | fields))


def call(service: str, action: str, arguments: dict[str, Any], **fields: Any) -> Task:
    """A state that calls an AWS API. Fields of `Call` may be given too."""
    of_call = {key: fields.pop(key) for key in ("sdk", "pattern", "payloads", "resources") if key in fields}
    resource = Call(service, action, **of_call)
    return Task(name="Write", resource=resource, arguments=arguments, slot="written", **fields)


def mapped(*states: State, **fields: Any) -> Map:
    settings: dict[str, Any] = {
        "items": Path("$.orders"),
        "item": ItemData,
        "select": {"order": MAP_ITEM_VALUE},
        "slot": "written",
    }
    return Map(name="Wave", states=states, **(settings | fields))


def to(target: str, *errors: str) -> Catch:
    return Catch(errors=errors or ["States.ALL"], next=target, slot="trouble")


def asks(test: Condition, *, default: str | None = "Done") -> Choice:
    return Choice(name="Ask", choices=[When(test, "Done")], default=default)


SIDE = Path("$.order.side")
LONG = "L" * 81

Cases = dict[str, tuple[Callable[[], Any], str]]
