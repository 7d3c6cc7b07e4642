"""What every order store promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tasks.domain.ids import Purpose
from tasks.stores import Stores
from tasks.stores.ports import OrderState, Phase
from tests.stores.rows import ACCOUNT, RUN, a_plan, an_order, later


def test_an_intent_is_claimed_once(stores: Stores) -> None:
    order = an_order()
    assert stores.orders.claim(order)
    assert not stores.orders.claim(order)
    assert not stores.orders.claim(an_order(quantity=60))
    assert stores.orders.get(order.order_id) == order


def test_an_order_that_was_never_claimed_is_none(stores: Stores) -> None:
    assert stores.orders.get("N000000000000000X101") is None


def test_get_many_leaves_out_what_is_not_there(stores: Stores) -> None:
    first, second = an_order(leg=1), an_order(leg=2)
    stores.orders.claim(first)
    stores.orders.claim(second)
    ids = [first.order_id, second.order_id, first.order_id, "N000000000000000X101"]
    assert stores.orders.get_many(ids) == {first.order_id: first, second.order_id: second}
    assert stores.orders.get_many([]) == {}


def test_get_many_takes_more_than_one_batch(stores: Stores) -> None:
    orders = [an_order(leg=leg) for leg in range(1, 131)]
    for order in orders:
        stores.orders.claim(order)
    assert len(stores.orders.get_many(order.order_id for order in orders)) == 130


def test_a_send_begins_once_and_only_in_its_phase(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    stores.runs.plan_account(a_plan())
    assert not stores.orders.begin_send(order, phase=Phase.EXITING, at=later(1))
    assert stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(2))
    assert not stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(3))
    standing = stores.orders.get(order.order_id)
    assert standing is not None
    assert (standing.status, standing.sent_at) == (OrderState.SENDING, later(2))


def test_of_a_leg_that_is_being_closed_nothing_enters_and_only_it_may_be_closed(stores: Stores) -> None:
    entry, other = an_order(leg=1), an_order(leg=2)
    closing = an_order(leg=1, purpose=Purpose.EXIT, order_id="X" + entry.order_id[1:])
    other_closing = an_order(leg=2, purpose=Purpose.EXIT, order_id="X" + other.order_id[1:])
    for order in (entry, other, closing, other_closing):
        stores.orders.claim(order)
    stores.runs.plan_account(a_plan())
    assert not stores.orders.begin_send(closing, phase=Phase.EXITING, at=later(1))
    stores.runs.close_legs(RUN, ACCOUNT, [1])
    assert not stores.orders.begin_send(entry, phase=Phase.ENTERING, at=later(2))
    assert not stores.orders.begin_send(other_closing, phase=Phase.EXITING, at=later(2))
    assert stores.orders.begin_send(other, phase=Phase.ENTERING, at=later(2))
    assert stores.orders.begin_send(closing, phase=Phase.EXITING, at=later(3))


def test_a_flat_account_closes_nothing_of_a_leg_either(stores: Stores) -> None:
    closing = an_order(leg=1, purpose=Purpose.EXIT)
    stores.orders.claim(closing)
    stores.runs.plan_account(a_plan(phase=Phase.FLAT, closing=(1,)))
    assert not stores.orders.begin_send(closing, phase=Phase.EXITING, at=later(1))


def test_after_the_flip_no_entry_can_leave(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    stores.runs.plan_account(a_plan())
    stores.runs.set_phase(RUN, ACCOUNT, Phase.EXITING)
    assert not stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(1))
    assert stores.orders.get(order.order_id) == order


def test_a_send_needs_the_intent_and_the_plan(stores: Stores) -> None:
    order = an_order()
    assert not stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(1))
    stores.orders.claim(order)
    assert not stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(1))
    stores.runs.plan_account(a_plan("ZB1234"))
    assert not stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(1))


def test_of_many_senders_at_once_one_begins(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    stores.runs.plan_account(a_plan())
    with ThreadPoolExecutor(8) as pool:
        tries = pool.map(
            lambda second: stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(second)), range(8)
        )
    assert sorted(tries) == [False] * 7 + [True]


def test_what_surely_did_not_leave_goes_back(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    stores.runs.plan_account(a_plan())
    assert not stores.orders.back_to_claimed(order.order_id, reason="no connection", at=later(1))
    stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(1))
    assert stores.orders.back_to_claimed(order.order_id, reason="no connection", at=later(2))
    standing = stores.orders.get(order.order_id)
    assert standing is not None
    assert standing.status is OrderState.CLAIMED
    assert standing.sent_at is None
    assert standing.reason == "no connection"
    assert stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(3))


def test_an_unknown_order_never_goes_back_to_claimed(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    stores.orders.advance(order.order_id, OrderState.UNKNOWN, at=later(1))
    assert not stores.orders.back_to_claimed(order.order_id, reason="", at=later(2))


def test_an_order_moves_forward_to_filled(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    advance = stores.orders.advance
    assert advance(order.order_id, OrderState.UNKNOWN, at=later(1), reason="read time-out")
    assert advance(order.order_id, OrderState.OPEN, at=later(2), broker_order_id="2611230001")
    assert advance(
        order.order_id, OrderState.OPEN, at=later(3), filled_quantity=15, average_price=Decimal("311.5")
    )
    assert advance(
        order.order_id, OrderState.FILLED, at=later(4), filled_quantity=30, average_price=Decimal("311.525")
    )
    assert stores.orders.get(order.order_id) == order.model_copy(
        update={
            "status": OrderState.FILLED,
            "broker_order_id": "2611230001",
            "filled_quantity": 30,
            "average_price": Decimal("311.525"),
            "reason": "read time-out",
            "updated_at": later(4),
        }
    )


def test_late_repeated_and_unknown_updates_change_nothing(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    advance = stores.orders.advance
    advance(order.order_id, OrderState.OPEN, at=later(1), filled_quantity=15, average_price=Decimal(311))
    standing = stores.orders.get(order.order_id)
    assert not advance(order.order_id, OrderState.OPEN, at=later(2), filled_quantity=15)
    assert not advance(order.order_id, OrderState.OPEN, at=later(2))
    assert not advance(order.order_id, OrderState.UNKNOWN, at=later(2), filled_quantity=30)
    assert not advance("N000000000000000X101", OrderState.FILLED, at=later(2))
    assert stores.orders.get(order.order_id) == standing


def test_a_cancellation_without_numbers_keeps_the_fills(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    advance = stores.orders.advance
    advance(order.order_id, OrderState.OPEN, at=later(1), filled_quantity=15, average_price=Decimal(311))
    assert advance(order.order_id, OrderState.CANCELLED, at=later(2), reason="cancelled by us")
    standing = stores.orders.get(order.order_id)
    assert standing is not None
    assert (standing.status, standing.filled_quantity) == (OrderState.CANCELLED, 15)
    assert standing.average_price == Decimal(311)


def test_a_late_fill_after_a_cancel_is_still_a_fill(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    advance = stores.orders.advance
    advance(order.order_id, OrderState.CANCELLED, at=later(1), broker_order_id="1", reason="cancelled by us")
    assert advance(
        order.order_id,
        OrderState.FILLED,
        at=later(2),
        broker_order_id="2",
        filled_quantity=30,
        average_price=Decimal(311),
        reason="complete",
    )
    standing = stores.orders.get(order.order_id)
    assert standing is not None
    assert (standing.status, standing.reason) == (OrderState.CANCELLED, "cancelled by us")
    assert (standing.filled_quantity, standing.broker_order_id) == (30, "1")
    assert not advance(order.order_id, OrderState.REJECTED, at=later(3))


def test_an_absent_order_that_turns_up_filled_gets_its_id(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    stores.orders.advance(order.order_id, OrderState.ABSENT, at=later(1))
    assert stores.orders.advance(
        order.order_id, OrderState.FILLED, at=later(2), broker_order_id="7", filled_quantity=30
    )
    found = stores.orders.by_broker_order_id(ACCOUNT, "7")
    assert found is not None
    assert (found.status, found.filled_quantity) == (OrderState.ABSENT, 30)


def test_a_partial_fill_that_is_overtaken_by_the_cancel_counts(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    advance = stores.orders.advance
    advance(order.order_id, OrderState.CANCELLED, at=later(1), broker_order_id="1")
    assert advance(order.order_id, OrderState.OPEN, at=later(2), filled_quantity=15, average_price=Decimal(311))
    assert not advance(order.order_id, OrderState.OPEN, at=later(3), filled_quantity=15)
    standing = stores.orders.get(order.order_id)
    assert standing is not None
    assert (standing.status, standing.filled_quantity) == (OrderState.CANCELLED, 15)


def test_updates_at_once_lose_no_fill(stores: Stores) -> None:
    order = an_order(quantity=300)
    stores.orders.claim(order)
    with ThreadPoolExecutor(6) as pool:
        list(
            pool.map(
                lambda filled: stores.orders.advance(
                    order.order_id,
                    OrderState.FILLED if filled == 300 else OrderState.OPEN,
                    at=later(filled),
                    filled_quantity=filled,
                    average_price=Decimal(filled),
                ),
                [300, 30, 90, 60, 270, 240, 120, 180, 210, 150],
            )
        )
    standing = stores.orders.get(order.order_id)
    assert standing is not None
    assert (standing.status, standing.filled_quantity, standing.average_price) == (
        OrderState.FILLED,
        300,
        Decimal(300),
    )


def test_a_modification_is_remembered(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    stores.orders.repriced(order.order_id, limit_price=Decimal("305.10"), at=later(1))
    stores.orders.repriced(order.order_id, limit_price=Decimal("301.05"), at=later(2))
    standing = stores.orders.get(order.order_id)
    assert standing is not None
    assert (standing.limit_price, standing.modifications) == (Decimal("301.05"), 2)
    assert standing.updated_at == later(2)


def test_repricing_an_order_that_is_not_there_is_an_error(stores: Stores) -> None:
    with pytest.raises(LookupError):
        stores.orders.repriced("N000000000000000X101", limit_price=Decimal(1), at=later(1))
    assert stores.orders.get("N000000000000000X101") is None


def test_the_orders_of_an_account_in_a_run(stores: Stores) -> None:
    stores.runs.plan_account(a_plan())
    mine = [
        an_order(leg=1),
        an_order(leg=2, claimed_at=later(1)),
        an_order(leg=2, slice_no=2, claimed_at=later(2)),
    ]
    for order in [*mine, an_order(account="ZB1234")]:
        stores.orders.claim(order)
    assert list(stores.orders.by_run_account(RUN, ACCOUNT)) == mine
    assert list(stores.orders.by_run_account(RUN, "ZB1234")) == []


def test_an_order_is_found_by_the_brokers_id_of_its_account(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    stores.orders.advance(order.order_id, OrderState.OPEN, at=later(1), broker_order_id="2611230001")
    found = stores.orders.by_broker_order_id(ACCOUNT, "2611230001")
    assert found is not None
    assert found.order_id == order.order_id
    assert stores.orders.by_broker_order_id("ZB1234", "2611230001") is None
    assert stores.orders.by_broker_order_id(ACCOUNT, "") is None
