"""The machines' own putItem and updateItem: the simulated world's answers to them are DynamoDB's.

The calls are those of a day in the simulated world, as the committed definitions made them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from tasks.stores import Stores
from tasks.stores.memory import memory_stores
from tests.faults.arming import Expected
from tests.faults.play import schedule
from tests.faults.shapes import Shape
from tests.faults.storing import Backing, ConditionFailed, InMemory
from tests.faults.world import World
from tests.stores.conftest import PREFIX

Call = tuple[str, dict[str, Any]]


@dataclass(slots=True)
class _Overheard:
    """The stores in memory, which keep what the machines asked for."""

    backing: InMemory
    calls: list[Call] = field(default_factory=list)

    @property
    def stores(self) -> Stores:
        return self.backing.stores

    def put_item(self, arguments: dict[str, Any]) -> None:
        self.calls.append(("put", arguments))
        self.backing.put_item(arguments)

    def update_item(self, arguments: dict[str, Any]) -> None:
        self.calls.append(("update", arguments))
        self.backing.update_item(arguments)


@cache
def _a_days_calls() -> tuple[Call, ...]:
    overheard = _Overheard(InMemory(memory_stores()))
    world = World(Shape.parse("4h-1-partial"), 0, backing=overheard)
    schedule(world, Expected())
    world.run(world.clock_time(9, 58))
    return tuple(overheard.calls)


def _in_disorder(seed: int) -> list[Call]:
    """Each call twice or so, in any order."""
    calls = list(_a_days_calls()) * 2
    random.Random(seed).shuffle(calls)
    return calls


def _answers(backing: Backing, calls: Sequence[Call], prefix: str) -> list[bool]:
    return [_taken(backing, kind, arguments, prefix) for kind, arguments in calls]


def _taken(backing: Backing, kind: str, arguments: dict[str, Any], prefix: str) -> bool:
    table = arguments["TableName"].removeprefix("algo-")
    call = backing.put_item if kind == "put" else backing.update_item
    try:
        call(arguments | {"TableName": prefix + table})
    except ConditionFailed:
        return False
    return True


def _rows(backing: Backing, calls: Sequence[Call]) -> list[Any]:
    """What the calls have left behind, as the stores read it."""
    orders = {a["Item"]["order_id"]["S"] for kind, a in calls if kind == "put" and "order_id" in a["Item"]}
    positions = {a["Key"]["position_id"]["S"] for _, a in calls if "position_id" in a.get("Key", {})}
    return [
        *(backing.stores.orders.get(order_id) for order_id in sorted(orders)),
        *(backing.stores.positions.get(position_id) for position_id in sorted(positions)),
    ]


def test_a_day_makes_calls_of_every_kind() -> None:
    kinds = {(kind, arguments["TableName"]) for kind, arguments in _a_days_calls()}
    assert kinds == {("put", "algo-runs"), ("put", "algo-orders"), ("update", "algo-positions")}


@pytest.mark.parametrize("seed", range(3))
def test_the_answers_and_the_rows_are_the_same(backing: Backing, seed: int) -> None:
    calls = _in_disorder(seed)
    simulated = InMemory(memory_stores())
    prefix = "algo-" if isinstance(backing, InMemory) else PREFIX
    expected = _answers(simulated, calls, "algo-")
    assert _answers(backing, calls, prefix) == expected
    assert {True, False} == set(expected)
    assert _rows(backing, calls) == _rows(simulated, calls)
