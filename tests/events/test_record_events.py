"""Every change becomes its events exactly once, whatever is delivered twice and whenever the process dies."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tasks import record_events
from tasks.rebuild import rebuild
from tasks.runtime import Runtime
from tasks.stores import Stores
from tasks.stores.bundle import Stores as Bundle
from tasks.stores.dynamodb import dynamodb_stores
from tasks.stores.memory import memory_stores
from tests.events.streams import KeptBus, Killed, Tables, Unreliable, a_runtime, order_image
from tests.stores.tables import create_tables

STEPS: tuple[dict[str, Any], ...] = (
    {"status": "CLAIMED"},
    {"status": "SENDING", "sent_at": "2026-11-23T04:00:01Z"},
    {"status": "OPEN", "broker_order_id": "B1"},
    {"filled_quantity": 15, "average_price": "250"},
    {"status": "FILLED", "filled_quantity": 30, "average_price": "250.5"},
)
"""An order's life in five changes, each one event."""


def batch(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}


def life_of(tables: Tables, order_id: str) -> list[dict[str, Any]]:
    image = order_image()
    return [tables.write("orders", {"order_id": order_id}, image := image | step) for step in STEPS]


def kinds(rt: Runtime, aggregate: str) -> list[str]:
    return [event.type for event in rt.stores.events.read(aggregate)]


def test_an_orders_life_is_told_in_its_order() -> None:
    rt = a_runtime()
    assert record_events.run(batch(*life_of(Tables(), "N1")), rt) == {"batchItemFailures": []}
    assert kinds(rt, "orders:N1") == [
        "OrderClaimed",
        "OrderSending",
        "OrderPlaced",
        "OrderPartlyFilled",
        "OrderFilled",
    ]


def test_a_batch_delivered_again_records_nothing_and_tells_the_bus_the_same() -> None:
    rt, bus = a_runtime(), KeptBus()
    rt = a_runtime(rt.stores, bus=bus)
    records = life_of(Tables(), "N1")
    record_events.run(batch(*records), rt)
    told = list(bus.told)
    record_events.run(batch(*records), rt)
    assert bus.told == [*told, *told]
    assert [event.sequence for event in rt.stores.events.read("orders:N1")] == [1, 2, 3, 4, 5]


def test_what_fails_and_all_behind_it_is_asked_for_again() -> None:
    class Refuses:
        def put(self, events: Any) -> None:
            if any(event.type == "OrderPlaced" for event in events):
                raise ConnectionError("the bus is away")

    records = life_of(Tables(), "N1")
    rt = a_runtime(bus=Refuses())
    answer = record_events.run(batch(*records), rt)
    assert answer == {"batchItemFailures": [{"itemIdentifier": records[2]["dynamodb"]["SequenceNumber"]}]}
    rt = a_runtime(rt.stores)
    record_events.run(batch(*records[2:]), rt)
    assert [event.sequence for event in rt.stores.events.read("orders:N1")] == [1, 2, 3, 4, 5]


def test_ten_thousand_changes_and_a_function_that_is_killed_at_random() -> None:
    """2,000 orders' lives, mixed; each batch is delivered until the function survives it."""
    random = Random(5)
    stores = memory_stores()
    bus = KeptBus()
    changes = _mixed(2000, random)
    killed = _deliver(changes, stores, bus, random, chance=0.01)
    assert len(changes) == 10_000
    assert killed > 300
    _exactly_once(stores, orders=2000)
    _told_all(stores, bus)


def test_the_same_on_dynamodb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    random = Random(7)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="ap-south-1")
        stores = dynamodb_stores(client, create_tables(client))
        bus = KeptBus()
        assert _deliver(_mixed(40, random), stores, bus, random, chance=0.03) > 10
        _exactly_once(stores, orders=40)
        _told_all(stores, bus)


def _mixed(orders: int, random: Random) -> list[dict[str, Any]]:
    """The orders' changes as a stream has them: each order's in order, orders among each other in none."""
    tables = Tables()
    turns = [number for number in range(orders) for _ in STEPS]
    random.shuffle(turns)
    done: Counter[int] = Counter()
    images: dict[int, dict[str, Any]] = defaultdict(order_image)
    records = []
    for number in turns:
        images[number] = images[number] | STEPS[done[number]]
        done[number] += 1
        records.append(tables.write("orders", {"order_id": f"N{number}"}, images[number]))
    return records


def _deliver(
    changes: list[dict[str, Any]], stores: Bundle, bus: KeptBus, random: Random, *, chance: float
) -> int:
    """As Lambda does: a batch that its function did not answer for is delivered again. Returns the kills."""
    shaky = Bundle(
        **{name: getattr(stores, name) for name in Bundle.__dataclass_fields__ if name != "events"},
        events=Unreliable(stores.events, random, chance),
    )
    rt = a_runtime(shaky, bus=Unreliable(bus, random, chance))
    killed = 0
    for start in range(0, len(changes), 25):
        while True:
            try:
                answer = record_events.run(batch(*changes[start : start + 25]), rt)
            except Killed:
                killed += 1
                continue
            assert answer == {"batchItemFailures": []}
            break
    return killed


def _exactly_once(stores: Stores, *, orders: int) -> None:
    sequences: dict[str, list[int]] = defaultdict(list)
    for event in stores.events.everything():
        sequences[event.aggregate].append(event.sequence)
    assert len(sequences) == orders
    assert all(found == [1, 2, 3, 4, 5] for found in sequences.values())


def _told_all(stores: Stores, bus: KeptBus) -> None:
    told = {event.event_id: event for event in bus.told}
    assert told == {event.event_id: event for event in stores.events.everything()}


def test_views_rebuilt_from_those_events_are_orders_filled() -> None:
    rt = a_runtime()
    record_events.run(batch(*life_of(Tables(), "N1"), *life_of(Tables(), "N2")), rt)
    done = rebuild(rt.stores)
    assert (done.events, done.rows) == (10, 2)
    orders = rt.stores.views.list("user-1", "ORDER#2026-11-23#")
    assert [(order["order_id"], order["status"], order["average_price"]) for order in orders] == [
        ("N1", "FILLED", "250.5"),
        ("N2", "FILLED", "250.5"),
    ]
