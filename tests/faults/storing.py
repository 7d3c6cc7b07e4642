"""The stores in memory, with a crossing before and after every call, and the machines' own calls on them.

The conformance suite in `tests/stores` holds the stores in memory and on DynamoDB to one behaviour. The four
DynamoDB calls that the machines make themselves are recognised by table and condition, word by word: a
definition that says something else fails here, instead of being taken for what it used to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from brokers.clock import IST
from tasks.domain.ids import Purpose
from tasks.stores.bundle import Stores
from tasks.stores.ports import OrderRow, PositionRow
from tasks.stores.wire import from_item

Cross = Callable[[str, str], None]
NAMES = tuple(Stores.__dataclass_fields__)
_ONCE = "attribute_not_exists(order_id)"
_SAME_MAY = "attribute_not_exists(run_key) OR execution = :execution"
_FORWARD = "attribute_not_exists(#quantity) OR #quantity < :quantity"


class ConditionFailed(Exception):
    """DynamoDB.ConditionalCheckFailedException."""


class Crossed:
    """One store, seen from a task: every call pauses a little and crosses twice."""

    def __init__(self, name: str, store: Any, cross: Cross, pause: Callable[[], None]) -> None:
        self._name = name
        self._store = store
        self._cross = cross
        self._pause = pause

    def __getattr__(self, method: str) -> Any:
        target, operation = getattr(self._store, method), f"{self._name}.{method}"

        def call(*args: Any, **named: Any) -> Any:
            self._cross(operation, "before")
            self._pause()
            answer = target(*args, **named)
            self._cross(operation, "after")
            return answer

        setattr(self, method, call)
        return call


class Backing(Protocol):
    """What a world keeps its rows in, and how the machines' own calls reach it."""

    @property
    def stores(self) -> Stores: ...

    def put_item(self, arguments: dict[str, Any]) -> None: ...

    def update_item(self, arguments: dict[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class InMemory:
    stores: Stores

    def put_item(self, arguments: dict[str, Any]) -> None:
        put_item(self.stores, arguments)

    def update_item(self, arguments: dict[str, Any]) -> None:
        update_item(self.stores, arguments)


@dataclass(frozen=True, slots=True)
class OnDynamoDB:
    """The stores on a DynamoDB client, which evaluates the machines' expressions itself."""

    client: Any
    stores: Stores

    def put_item(self, arguments: dict[str, Any]) -> None:
        self._conditional(self.client.put_item, arguments)

    def update_item(self, arguments: dict[str, Any]) -> None:
        self._conditional(self.client.update_item, arguments)

    def _conditional(self, call: Callable[..., Any], arguments: dict[str, Any]) -> None:
        try:
            call(**arguments)
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise ConditionFailed(str(error)) from None


def crossed(stores: Stores, cross: Cross, pause: Callable[[], None]) -> Stores:
    """`stores`, as a task sees them."""
    return Stores(**{name: Crossed(name, getattr(stores, name), cross, pause) for name in NAMES})


_WHY_SKIPPED = "SET #status = :status, #reason = :reason"


def put_item(stores: Stores, arguments: dict[str, Any]) -> None:
    """The machines' putItem.

    Raises
    ------
    ConditionFailed
        If its condition refuses it.
    """
    item, condition = arguments["Item"], arguments.get("ConditionExpression", "")
    match arguments["TableName"], condition:
        case "algo-orders", str(said) if said == _ONCE:
            if not stores.orders.claim(from_item(OrderRow, item)):
                raise ConditionFailed("the order is there")
        case "algo-runs", str(said) if said == _SAME_MAY:
            if not _claim_run(stores, item):
                raise ConditionFailed("another execution has this run")
        case "algo-runs", "":
            _claim_run(stores, item)
        case table, other:
            raise AssertionError(f"no such putItem is known here: {table}, {other!r}")


def _claim_run(stores: Stores, item: dict[str, Any]) -> bool:
    return stores.runs.claim(
        item["run_key"]["S"],
        item["item"]["S"].removeprefix("CLAIM#"),
        execution=item["execution"]["S"],
        at=datetime.fromisoformat(item["claimed_at"]["S"]).astimezone(IST),
    )


def update_item(stores: Stores, arguments: dict[str, Any]) -> None:
    """The machines' updateItem: RecordPosition, and why a run was skipped (which nothing here reads)."""
    if arguments["TableName"] == "algo-runs" and arguments["UpdateExpression"] == _WHY_SKIPPED:
        return
    if arguments["TableName"] != "algo-positions" or arguments["ConditionExpression"] != _FORWARD:
        raise AssertionError(f"no such updateItem is known here: {arguments}")
    item = assigned(arguments)
    purpose = Purpose.ENTRY if "entry_qty" in item else Purpose.EXIT
    row = from_item(PositionRow, item | arguments["Key"])
    if not stores.positions.record(row, purpose=purpose):
        raise ConditionFailed("that is not forward")


def assigned(arguments: dict[str, Any]) -> dict[str, Any]:
    """The attributes that an updateItem sets, with their values."""
    names, values = arguments.get("ExpressionAttributeNames", {}), arguments["ExpressionAttributeValues"]
    written = dict(one.split(" = ") for one in arguments["UpdateExpression"].removeprefix("SET ").split(", "))
    return {names.get(name, name): values[value] for name, value in written.items()}
