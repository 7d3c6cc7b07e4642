"""A batch becomes files: exactly once whatever comes twice, and nothing stops for what can't be written."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tasks.lake.messages import Unreadable, landing_of
from tasks.lake.schemas import KINDS, ORDERS, TEXT, Column
from tasks.lake.writing import write
from tasks.objects import TABLES, FolderObjects, MemoryObjects
from tests.lake.material import ask, land, messages, order, position, recorded, sums, update


def test_an_order_arrives_with_decimals_and_utc_times(tmp_path: Path) -> None:
    land(tmp_path, order(3, filled_quantity=30, average_price="250.35", sent_at="2026-11-23T09:30:00+05:30"))
    (row,) = ask(
        tmp_path,
        "SELECT type, limit_price, average_price, sent_at, recorded_at, trading_date, user_id FROM orders",
    )
    sent, recorded_at = datetime(2026, 11, 23, 4, 0), datetime(2026, 11, 23, 4, 0, 1)
    prices = (Decimal("245.00000000"), Decimal("250.35000000"))
    assert row == ("OrderFilled", *prices, sent, recorded_at, date(2026, 11, 23), "asha")


def test_what_a_broker_said_is_there_word_for_word(tmp_path: Path) -> None:
    land(tmp_path, update())
    ((body, day, price),) = ask(tmp_path, "SELECT body, trading_date, average_price FROM order_updates")
    assert json.loads(body) == {"order_id": "B1", "user_id": "ZA1", "average_price": 250.5}
    assert (day, price) == (date(2026, 11, 23), Decimal("250.5"))


def test_one_file_for_each_kind_and_trading_date() -> None:
    objects = MemoryObjects()
    write(messages(order(1), order(2), order(1, number=2, trading_date="2026-11-24"), position(1)), objects)
    assert [key.rpartition("/")[0] for key in objects.keys("")] == [
        "lake/order_events/trading_date=2026-11-23",
        "lake/order_events/trading_date=2026-11-24",
        "lake/position_events/trading_date=2026-11-23",
    ]


def test_the_same_batch_again_in_another_order_makes_the_same_bytes() -> None:
    once, again = MemoryObjects(), MemoryObjects()
    batch = [order(1), order(2), update(), position(1)]
    write(messages(*batch), once)
    write(messages(*reversed(batch), batch[0]), again)
    assert once.content == again.content


def test_batches_that_overlap_change_no_total(tmp_path: Path) -> None:
    land(tmp_path, order(1), order(2), position(1, "10.25"))
    before = sums(tmp_path)
    land(tmp_path, order(2), position(1, "10.25"))
    assert sums(tmp_path) == before == (2, 1, Decimal("10.25"))
    land(tmp_path, order(3), order(2), position(2, "-4.20"), position(1, "10.25"))
    assert sums(tmp_path) == (3, 2, Decimal("6.05"))


def test_late_and_out_of_order_is_no_different(tmp_path: Path) -> None:
    land(tmp_path, order(3, "OrderFilled", status="FILLED"))
    land(tmp_path, order(1, "OrderClaimed"))
    land(tmp_path, order(2, "OrderPlaced", status="OPEN"))
    assert ask(tmp_path, "SELECT type, status FROM orders") == [("OrderFilled", "FILLED")]
    assert ask(tmp_path, "SELECT count(*) FROM order_events") == [(3,)]


def test_an_update_that_came_before_its_order_was_known_counts_once(tmp_path: Path) -> None:
    land(tmp_path, update(user_id=""))
    land(tmp_path, update(user_id="asha", order_id="N001"))
    assert ask(tmp_path, "SELECT user_id, order_id FROM order_updates") == [("asha", "N001")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("no JSON", "not JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        (json.dumps({"type": "OrderFilled"}), "aggregate: Field required"),
        (recorded("OrderTeleported", {}), "OrderTeleported version 1 is not in the catalogue"),
        (recorded("OrderFilled", {"order": {}}, version=9), "OrderFilled version 9 is not in the catalogue"),
        (recorded("OrderFilled", {"order": {"order_id": "N1"}}), "order.position_id: Field required"),
        (order(1, average_price="a lot"), "order_events.average_price: 'a lot'"),
        (order(1, average_price="1" + "0" * 12), "is not decimal128(18, 8)"),
        (order(1, trading_date="yesterday"), "trading_date 'yesterday' is no date"),
        (order(1, sent_at="2026-11-23T09:30:00"), "order_events.sent_at"),
        (update(status="GONE"), "not a Told: status"),
    ],
)
def test_what_can_never_be_written_says_why(body: str, reason: str) -> None:
    with pytest.raises(Unreadable) as error:
        landing_of(body)
    assert reason in str(error.value)


def test_poison_stops_nothing(tmp_path: Path) -> None:
    done = land(tmp_path, order(1), "no JSON", order(2), recorded("OrderTeleported", {}))
    assert (done.rows, [one.message.id for one in done.poison], done.again) == (2, ["m1", "m3"], [])
    assert ask(tmp_path, "SELECT count(*) FROM order_events") == [(2,)]


def test_a_row_that_hides_among_others_is_found(tmp_path: Path) -> None:
    """Digits beyond a 64-bit number pass as a Python int and fit no column."""
    done = land(tmp_path, order(1), order(2, quantity=2**70), order(3))
    assert [one.message.id for one in done.poison] == ["m1"]
    assert ask(tmp_path, "SELECT count(*) FROM order_events") == [(2,)]


def test_what_the_store_refuses_comes_again_and_the_rest_is_done() -> None:
    class Full(MemoryObjects):
        def put(self, key: str, content: bytes) -> None:
            if key.startswith("lake/position_events"):
                raise TimeoutError("no answer")
            super().put(key, content)

    done = write(messages(order(1), position(1), order(2)), Full())
    assert (done.again, done.rows) == (["m1"], 2)


def test_a_new_version_lies_beside_old_files_and_one_query_reads_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.domain import events as e

    land(tmp_path, order(1, "OrderPlaced"))

    class OrderFactsTwo(e.OrderFacts):
        venue_id: str = ""

    class OrderPlacedTwo(e.OfOrder):
        version = 2
        order: OrderFactsTwo

    newer = ORDERS.extended(Column("venue_id", TEXT, since={"OrderPlaced": 2}))
    kinds = {**KINDS, newer.name: newer}
    monkeypatch.setitem(e.CATALOGUE, "OrderPlaced", OrderPlacedTwo)
    monkeypatch.setitem(e.UPCASTS, ("OrderPlaced", 1), lambda data: data)
    two = json.loads(order(2, "OrderPlaced", venue_id="NSE1")) | {"version": 2}
    still_one = json.loads(order(1, "OrderPlaced", number=2, venue_id="not in version 1"))
    write(messages(json.dumps(two), json.dumps(still_one)), FolderObjects(tmp_path), kinds)

    from tasks.lake.reading import open_lake

    rows = open_lake(tmp_path / TABLES, kinds).execute(
        "SELECT order_id, version, venue_id, limit_price FROM order_events ORDER BY order_id, version"
    )
    price = Decimal(245)
    assert rows.fetchall() == [("N001", 1, None, price), ("N001", 2, "NSE1", price), ("N002", 1, None, price)]
