"""PlaceOrder and SettleOrder: an order whose reply was lost is settled, never doubled and never forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from brokers.model import NotSent, NotSentCause, Rejected, Unknown
from tasks import place_order, plan_account, settle_order
from tasks.contracts import PlannedOrder, Wave
from tasks.orderpath.limits import BOOK_LAG
from tasks.place_order import OrderNotClaimed, Outcome
from tasks.settle_order import Settled
from tasks.stores.ports import OrderState, Phase
from tests.tasks.world import ACCOUNT, RUN_KEY, World, account_task, claim, leg


@pytest.fixture
def world() -> World:
    world = World.at()
    world.link_account()
    return world


@pytest.fixture
def order(world: World) -> PlannedOrder:
    """A claimed entry order for one lot of the call."""
    wave: Wave = plan_account.run(account_task(leg(1, "CE")), world.rt)
    claim(world, wave.sells[0])
    return wave.sells[0]


def place(world: World, order: PlannedOrder) -> place_order.Output:
    return place_order.run(place_order.Input(order_id=order.order_id), world.rt)


def settle(world: World, order: PlannedOrder) -> settle_order.Output:
    return settle_order.run(settle_order.Input(order_id=order.order_id), world.rt)


def test_a_placed_order_knows_the_brokers_id(world: World, order: PlannedOrder) -> None:
    assert place(world, order).outcome is Outcome.PLACED
    assert world.order(order.order_id).broker_order_id == "B1"
    assert world.broker.sends[0].tag == order.order_id
    assert len(order.order_id) == 20


def test_no_intent_no_order(world: World) -> None:
    with pytest.raises(OrderNotClaimed):
        place_order.run(place_order.Input(order_id="N" + "0" * 19), world.rt)
    assert world.broker.sends == []


def test_the_step_run_again_sends_nothing(world: World, order: PlannedOrder) -> None:
    place(world, order)
    again = place(world, order)
    assert again.outcome is Outcome.PLACED
    assert again.broker_order_id == "B1"
    assert len(world.broker.sends) == 1


def test_a_sender_that_died_is_unknown_and_not_sent_again(world: World, order: PlannedOrder) -> None:
    world.stores.orders.begin_send(world.order(order.order_id), phase=Phase.ENTERING, at=world.clock.now())
    assert place(world, order).outcome is Outcome.UNKNOWN
    assert world.broker.sends == []


def test_a_rejection_is_final_and_in_the_brokers_words(world: World, order: PlannedOrder) -> None:
    world.broker.accepts = False
    world.broker.outcomes = [Rejected("Insufficient funds")]
    assert place(world, order).reason == "Insufficient funds"
    assert world.order(order.order_id).status is OrderState.REJECTED
    assert settle(world, order).outcome is Settled.GONE


@pytest.mark.parametrize(
    ("cause", "seconds"),
    [(NotSentCause.CONNECT, 2), (NotSentCause.RATE_LIMIT, 1), (NotSentCause.TOKEN, 15)],
)
def test_what_was_not_sent_goes_out_later(
    world: World, order: PlannedOrder, cause: NotSentCause, seconds: int
) -> None:
    world.broker.accepts = False
    world.broker.outcomes = [NotSent(cause, "not now")]
    output = place(world, order)
    assert output.outcome is Outcome.NOT_SENT
    assert output.retry_at == f"2026-11-23T04:00:{seconds:02d}Z"
    world.broker.accepts = True
    world.clock.advance(seconds)
    assert place(world, order).outcome is Outcome.PLACED
    assert len(world.broker.book) == 1


def test_after_its_window_an_entry_is_missed(world: World, order: PlannedOrder) -> None:
    world.clock.advance(301)
    assert place(world, order).outcome is Outcome.MISSED
    assert world.broker.sends == []
    assert world.order(order.order_id).status is OrderState.MISSED


def test_once_the_exit_has_begun_no_entry_leaves(world: World, order: PlannedOrder) -> None:
    world.stores.runs.set_phase(RUN_KEY, ACCOUNT, Phase.EXITING)
    assert place(world, order).outcome is Outcome.MISSED
    assert world.broker.sends == []


def test_a_lost_reply_of_an_accepted_order_is_adopted_by_its_tag(world: World, order: PlannedOrder) -> None:
    world.broker.outcomes = [Unknown("read time-out")]
    assert place(world, order).outcome is Outcome.UNKNOWN
    settled = settle(world, order)
    assert settled.outcome is Settled.PLACED
    assert world.order(order.order_id).broker_order_id == "B1"
    assert len(world.broker.book) == 1


def test_a_lagging_book_is_waited_for(world: World, order: PlannedOrder) -> None:
    world.broker.outcomes = [Unknown("read time-out")]
    world.broker.visible = False
    place(world, order)
    world.clock.advance(BOOK_LAG.seconds - 1)
    assert settle(world, order).outcome is Settled.UNKNOWN
    world.broker.visible = True
    assert settle(world, order).outcome is Settled.PLACED
    assert len(world.broker.sends) == 1


def test_an_order_that_never_arrived_is_sent_again_once(world: World, order: PlannedOrder) -> None:
    world.broker.accepts = False
    world.broker.outcomes = [Unknown("read time-out"), Unknown("read time-out")]
    place(world, order)
    world.clock.advance(BOOK_LAG.seconds)
    first = settle(world, order)
    assert first.outcome is Settled.RESEND
    assert first.order.attempt == 2
    assert first.order.order_id == f"{order.order_id[:-2]}02"
    assert world.order(order.order_id).status is OrderState.ABSENT
    claim(world, first.order)
    place(world, first.order)
    world.clock.advance(BOOK_LAG.seconds)
    assert settle(world, first.order).outcome is Settled.GONE


def test_an_unreadable_book_concludes_nothing(world: World, order: PlannedOrder) -> None:
    world.broker.outcomes = [Unknown("502")]
    place(world, order)
    world.expire_token()
    world.clock.advance(3600)
    assert settle(world, order).outcome is Settled.UNKNOWN
    assert world.order(order.order_id).status is OrderState.UNKNOWN


def test_a_late_order_is_not_sent_again_after_its_window(world: World, order: PlannedOrder) -> None:
    world.broker.accepts = False
    world.broker.outcomes = [Unknown("read time-out")]
    place(world, order)
    world.clock.advance(timedelta(minutes=6).total_seconds())
    assert settle(world, order).outcome is Settled.GONE
