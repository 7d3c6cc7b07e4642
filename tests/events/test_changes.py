"""From a change of a table to what happened."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.domain import events as e
from tasks.domain.changes import Change, aggregate_of, events_of, user_of
from tasks.domain.events import CATALOGUE, UnknownEvent, parse_event
from tests.events.streams import order_image

ORDER = {"order_id": "N1", **{name: str(value) for name, value in order_image().items()}}
POSITION = {
    "position_id": "s-20261123-S-ZA1-L1",
    "run_key": "s-20261123-S",
    "account": "ZA1",
    "user_id": "user-1",
    "basket_id": "weekly",
    "strategy_id": "s",
    "trading_date": "2026-11-23",
    "exchange": "NFO",
    "symbol": "BANKNIFTY26NOV58400CE",
    "side": "SELL",
}
RUN = {
    "run_key": "s-20261123-S",
    "item": "ACCT#ZA1",
    "account": "ZA1",
    "broker": "zerodha",
    "user_id": "user-1",
    "basket_id": "weekly",
    "strategy_id": "s",
    "trading_date": "2026-11-23",
    "underlying": "BANKNIFTY",
    "product": "MIS",
    "phase": "ENTERING",
    "entry_until": "2026-11-23T09:35:00+05:30",
    "exit_at": "2026-11-23T15:15:00+05:30",
    "legs": [],
}


def names(table: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[str]:
    return [event.name() for event in events_of(Change(table, old, new))]


def order(**changes: Any) -> list[str]:
    return names("orders", ORDER, ORDER | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "SENDING"}, ["OrderSending"]),
        ({"status": "OPEN", "broker_order_id": "B1"}, ["OrderPlaced"]),
        ({"status": "UNKNOWN"}, ["OrderUnknown"]),
        (
            {"status": "FILLED", "broker_order_id": "B1", "filled_quantity": "30"},
            ["OrderPlaced", "OrderFilled"],
        ),
        (
            {"status": "CANCELLED", "broker_order_id": "B1", "filled_quantity": "15"},
            ["OrderPlaced", "OrderPartlyFilled", "OrderCancelled"],
        ),
        ({"status": "REJECTED", "reason": "margin", "broker_order_id": "B1"}, ["OrderRejected"]),
        ({"status": "MISSED"}, ["OrderMissed"]),
        ({"status": "ABSENT"}, ["OrderAbsent"]),
        ({"limit_price": "240.00", "modifications": "1"}, ["OrderRepriced"]),
        ({"reason": "429"}, ["OrderChanged"]),
        ({"updated_at": "2026-11-23T10:00:00+05:30"}, []),
        ({}, []),
    ],
)
def test_an_order_in_one_change(changes: dict[str, Any], expected: list[str]) -> None:
    assert order(**changes) == expected


def test_a_late_fill_after_a_cancel_is_a_fill() -> None:
    cancelled = ORDER | {"status": "CANCELLED", "broker_order_id": "B1"}
    assert names("orders", cancelled, cancelled | {"filled_quantity": "30"}) == ["OrderPartlyFilled"]


def test_what_was_held_back_says_so() -> None:
    assert names("orders", ORDER | {"status": "SENDING"}, ORDER) == ["OrderHeldBack"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, {"entry_qty": "30"}, ["PositionOpened"]),
        ({"entry_qty": "30"}, {"entry_qty": "60"}, ["PositionChanged"]),
        ({"entry_qty": "30"}, {"entry_qty": "30", "exit_qty": "15"}, ["PositionChanged"]),
        ({"entry_qty": "30"}, {"entry_qty": "30", "exit_qty": "30"}, ["PositionClosed"]),
        ({"entry_qty": "30"}, {"entry_qty": "30"}, []),
    ],
)
def test_a_position(old: dict[str, Any] | None, new: dict[str, Any], expected: list[str]) -> None:
    assert names("positions", POSITION | old if old else None, POSITION | new) == expected


def test_an_account_s_run() -> None:
    assert names("runs", None, RUN) == ["EntryPlanned"]
    assert names("runs", RUN, RUN | {"phase": "OPEN"}) == ["EntryCompleted"]
    assert names("runs", RUN, RUN | {"phase": "EXITING", "exit_execution": "arn:x"}) == ["ExitBegun"]
    assert names("runs", RUN, RUN | {"phase": "FLAT"}) == ["AccountFlat"]
    assert names("runs", RUN, RUN | {"exit_at": "2026-11-24T09:15:00+05:30"}) == ["ExitPostponed"]
    assert names("runs", RUN, RUN | {"exit_date": "2026-11-23"}) == []


def test_a_claim_and_what_came_of_it() -> None:
    claim = {
        "run_key": "s-1",
        "item": "CLAIM#ENTRY",
        "execution": "arn:1",
        "claimed_at": "2026-11-23T03:58:00Z",
    }
    assert names("runs", None, claim) == ["RunClaimed"]
    assert names("runs", claim, claim | {"status": "SKIPPED", "reason": "holiday"}) == ["RunSkipped"]
    assert names("runs", claim, claim | {"status": "MISSED", "reason": "late"}) == ["RunMissed"]
    assert names("runs", claim, claim | {"claimed_at": "2026-11-23T03:58:05Z"}) == []


def catalog(
    item: str, old: dict[str, Any] | None, new: dict[str, Any] | None, owner: str = "user-1"
) -> list[str]:
    images = [document if document is None else _item(owner, item, document) for document in (old, new)]
    return names("catalog", *images)


def _item(owner: str, item: str, document: dict[str, Any]) -> dict[str, Any]:
    return {"owner": owner, "item": item, "document": document}


STRATEGY = {"strategy_id": "s", "basket_id": "weekly", "enabled": False}
ON = STRATEGY | {"enabled": True}


@pytest.mark.parametrize(
    ("item", "old", "new", "expected"),
    [
        ("BASKET#weekly", None, {"name": "a"}, ["BasketCreated"]),
        ("BASKET#weekly", {"name": "a"}, {"name": "b"}, ["BasketChanged"]),
        ("BASKET#weekly", {"name": "a"}, None, ["BasketDeleted"]),
        ("BASKET#weekly", {"name": "a"}, {"name": "a"}, []),
        ("STRATEGY#s", None, STRATEGY, ["StrategyCreated"]),
        ("STRATEGY#s", None, ON, ["StrategyCreated", "StrategyEnabled"]),
        ("STRATEGY#s", STRATEGY, ON, ["StrategyEnabled"]),
        ("STRATEGY#s", ON, STRATEGY, ["StrategyDisabled"]),
        ("STRATEGY#s", ON, ON | {"exit_time": "14:00"}, ["StrategyChanged"]),
        ("STRATEGY#s", ON, None, ["StrategyDeleted"]),
        ("SUBSCRIPTION#w", None, {"paused": False}, ["Subscribed"]),
        ("SUBSCRIPTION#w", {"paused": False}, {"paused": True}, ["SubscriptionPaused"]),
        ("SUBSCRIPTION#w", {"paused": True}, {"paused": False}, ["SubscriptionResumed"]),
        ("SUBSCRIPTION#w", {"multiplier": 1}, {"multiplier": 2}, ["SubscriptionChanged"]),
        ("SUBSCRIPTION#w", {"paused": True}, None, ["Unsubscribed"]),
        ("ACCOUNT#ZA1", None, {"account": "ZA1"}, ["BrokerAccountLinked"]),
        ("ACCOUNT#ZA1", {"label": "a"}, {"label": "b"}, ["BrokerAccountChanged"]),
        ("ACCOUNT#ZA1", {}, {"valid_until": "2026-11-24T06:00:00+05:30"}, ["BrokerLoggedIn"]),
        ("ACCOUNT#ZA1", {"label": "a"}, None, ["BrokerAccountUnlinked"]),
        ("LOGIN#ZA1", None, {"trading_date": "2026-11-23", "asked_at": "t", "reason": "r"}, ["LoginNeeded"]),
        ("FEED#ZA1", None, {"state": "BLIND", "at": "t", "reason": "r"}, ["FeedBlind"]),
        ("FEED#ZA1", {"state": "BLIND"}, {"state": "SEES", "at": "t", "reason": "r"}, ["FeedSees"]),
        ("PROFILE", None, {"name": "Asha"}, ["ProfileChanged"]),
        ("SCHEDULE#s", None, {"strategy_version": 1, "schedules": {"n": "cron"}}, ["StrategyScheduled"]),
        ("SCHEDULE#s", {"schedules": {"n": "cron"}}, {"schedules": {}}, ["StrategyUnscheduled"]),
        ("IDEMPOTENCY#k", None, {"answer": {}}, []),
        ("MANUAL#s#20261123", None, {"count": 1}, []),
    ],
)
def test_the_catalog(item: str, old: Any, new: Any, expected: list[str]) -> None:
    assert catalog(item, old, new) == expected


def test_the_marketplace() -> None:
    first = {"published_version": 1, "strategies": []}
    assert catalog("BASKET#w", None, first, "marketplace") == ["BasketPublished"]
    assert catalog("BASKET#w", first, {"published_version": 2}, "marketplace") == ["BasketVersionPublished"]
    assert catalog("BASKET#w", first, first | {"withdrawn": True}, "marketplace") == ["BasketWithdrawn"]
    assert catalog("BASKET#w#V1", None, first, "marketplace") == []
    assert catalog("SUBSCRIBER#w#user-1", None, {"user_id": "user-1"}, "marketplace") == []


def test_an_item_is_an_aggregate() -> None:
    assert aggregate_of(Change("orders", None, ORDER)) == "orders:N1"
    assert aggregate_of(Change("runs", None, RUN)) == "runs:s-20261123-S:ACCT#ZA1"
    gone = Change("catalog", _item("user-1", "BASKET#weekly", {}), None)
    assert aggregate_of(gone) == "catalog:user-1:BASKET#weekly"
    assert user_of(gone) == "user-1"


def test_every_event_reads_back_what_it_wrote() -> None:
    for old, new in ((None, ORDER), (ORDER, ORDER | {"status": "FILLED"})):
        for event in events_of(Change("orders", old, new)):
            assert parse_event(event.name(), event.version, event.model_dump(mode="json")) == event


def test_what_a_newer_platform_wrote_is_named() -> None:
    with pytest.raises(UnknownEvent, match="OrderPlaced version 9"):
        parse_event("OrderPlaced", 9, {})
    with pytest.raises(UnknownEvent, match="OrderTeleported"):
        parse_event("OrderTeleported", 1, {})


def test_an_older_form_is_brought_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e.BasketDeleted, "version", 2)
    monkeypatch.setitem(
        e.UPCASTS, ("BasketDeleted", 1), lambda old: {"owner": old["user"], "basket_id": old["id"]}
    )
    event = parse_event("BasketDeleted", 1, {"user": "user-1", "id": "weekly"})
    assert event == e.BasketDeleted(owner="user-1", basket_id="weekly")


def test_every_event_says_what_it_is() -> None:
    for event in CATALOGUE.values():
        assert (event.__doc__ or "").strip().endswith("."), event


OUTSIDE = {
    "run_key": "OUTSIDE#ZA1",
    "item": "OUTSIDE#2026-11-23#MIS#BANKNIFTY26NOV58400CE",
    "account": "ZA1",
    "user_id": "user-1",
    "trading_date": "2026-11-23",
    "exchange": "NFO",
    "symbol": "BANKNIFTY26NOV58400CE",
    "product": "MIS",
    "bought": "30",
    "sold": "0",
    "ours": "-60",
    "net": "-30",
    "seen_at": "2026-11-23T10:00:00+05:30",
}


def outside(old: dict[str, Any] | None, new: dict[str, Any]) -> list[tuple[str, int, int]]:
    found = events_of(Change("runs", old, new))
    told = [event for event in found if isinstance(event, e.ExternalActivityDetected)]
    assert len(told) == len(found)
    return [(event.side, event.quantity, event.net) for event in told]


def test_what_others_trade_is_told_by_side_and_only_what_is_new() -> None:
    assert outside(None, OUTSIDE) == [("BUY", 30, -30)]
    assert outside(OUTSIDE, OUTSIDE | {"bought": "90", "net": "30"}) == [("BUY", 60, 30)]
    assert outside(OUTSIDE, OUTSIDE | {"bought": "60", "sold": "30"}) == [("BUY", 30, -30), ("SELL", 30, -30)]


def test_a_position_is_opened_once_also_where_its_exit_is_recorded_first() -> None:
    closed = POSITION | {"exit_qty": "30"}
    assert names("positions", None, closed) == ["PositionChanged"]
    whole = closed | {"entry_qty": "30"}
    assert names("positions", closed, whole) == ["PositionOpened", "PositionClosed"]


def test_legs_that_are_closed_on_their_own_are_told_one_after_the_other() -> None:
    first = RUN | {"closing_L3": True}
    (event,) = events_of(Change("runs", RUN, first))
    assert isinstance(event, e.LegExitBegun)
    assert event.legs == [3]
    assert names("runs", first, first | {"phase": "EXITING"}) == ["ExitBegun"]


def test_the_kill_switch_is_told_and_its_release() -> None:
    free = {"run_key": "HALT#ACCOUNT#ZA1", "item": "HALT", "user_id": "user-1"}
    held = free | {"held_USER": "{}"}
    both = held | {"held_ALL": "{}"}
    told = [
        events_of(Change("runs", old, new))
        for old, new in ((None, held), (held, both), (both, held), (held, free))
    ]
    assert [event for events in told for event in events] == [
        e.EntriesHalted(place="ACCOUNT#ZA1", scopes=["USER"]),
        e.EntriesHalted(place="ACCOUNT#ZA1", scopes=["ALL", "USER"]),
        e.EntriesReleased(place="ACCOUNT#ZA1", scopes=["USER"]),
        e.EntriesReleased(place="ACCOUNT#ZA1", scopes=[]),
    ]
    assert user_of(Change("runs", None, held)) == "user-1"
