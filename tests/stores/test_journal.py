"""The journal and the read-models, both implementations."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks.stores import Stores
from tasks.stores.journal import Head, Recorded, ViewRow

AT = datetime(2026, 11, 23, 4, tzinfo=UTC)


def event(sequence: int, cause: str = "01") -> Recorded:
    return Recorded(
        aggregate="orders:N1",
        sequence=sequence,
        type="OrderPlaced",
        version=1,
        at=AT,
        user_id="user-1",
        cause=cause,
        data={"order": {"order_id": "N1"}},
    )


def test_an_aggregate_nobody_wrote_begins_at_nothing(stores: Stores) -> None:
    assert stores.events.head("orders:N1") == Head()
    assert stores.events.read("orders:N1") == []


def test_events_and_head_move_together(stores: Stores) -> None:
    assert stores.events.append("orders:N1", [event(1), event(2)], after=Head(), position="01")
    assert stores.events.head("orders:N1") == Head(2, "01")
    assert stores.events.append("orders:N1", [event(3, "02")], after=Head(2, "01"), position="02")
    assert [one.sequence for one in stores.events.read("orders:N1")] == [1, 2, 3]
    assert stores.events.read("orders:N1")[2] == event(3, "02")


def test_a_head_that_moved_refuses(stores: Stores) -> None:
    stores.events.append("orders:N1", [event(1)], after=Head(), position="01")
    assert not stores.events.append("orders:N1", [event(1)], after=Head(), position="01")
    assert not stores.events.append("orders:N1", [event(2)], after=Head(1, "00"), position="02")
    assert len(stores.events.read("orders:N1")) == 1


def test_a_change_without_events_moves_the_head(stores: Stores) -> None:
    assert stores.events.append("orders:N1", [], after=Head(), position="01")
    assert stores.events.head("orders:N1") == Head(0, "01")


def test_everything_is_all_events_and_no_heads(stores: Stores) -> None:
    stores.events.append("orders:N1", [event(1), event(2)], after=Head(), position="01")
    assert [one.sequence for one in stores.events.everything()] == [1, 2]


def test_a_view_moves_forward_only(stores: Stores) -> None:
    assert stores.views.put(ViewRow("user-1", "ORDER#1", 2, {"status": "OPEN"}))
    assert not stores.views.put(ViewRow("user-1", "ORDER#1", 2, {"status": "CLAIMED"}))
    assert not stores.views.put(ViewRow("user-1", "ORDER#1", 1, {"status": "CLAIMED"}))
    assert stores.views.get("user-1", "ORDER#1") == {"status": "OPEN"}


def test_what_is_gone_stays_gone(stores: Stores) -> None:
    stores.views.put(ViewRow("user-1", "BASKET#1", 1, {"name": "a"}))
    stores.views.put(ViewRow("user-1", "BASKET#2", 1, {"name": "b"}))
    assert stores.views.put(ViewRow("user-1", "BASKET#1", 2, None))
    assert not stores.views.put(ViewRow("user-1", "BASKET#1", 1, {"name": "a"}))
    assert stores.views.get("user-1", "BASKET#1") is None
    assert stores.views.list("user-1", "BASKET#") == [{"name": "b"}]
    assert stores.views.list("user-2", "") == []


def test_a_rebuild_replaces_and_forgets(stores: Stores) -> None:
    stores.views.put(ViewRow("user-1", "BASKET#1", 5, {"name": "a"}))
    stores.views.replace(ViewRow("user-1", "BASKET#1", 3, {"name": "b"}))
    stores.views.replace(ViewRow("user-1", "BASKET#2", 3, None))
    stores.views.forget("user-1", "BASKET#2")
    assert list(stores.views.everything()) == [ViewRow("user-1", "BASKET#1", 3, {"name": "b"})]
