"""Planning an account's entry, chasing an order that rests, and updates from the broker."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from brokers.errors import TokenExpired
from brokers.model import BrokerOrder, OrderStatus
from tasks import apply_updates, chase_order, place_order, plan_account, settle_order
from tasks.apply_updates import OrderNotKnownYet
from tasks.chase_order import Action
from tasks.contracts import PlannedOrder, WaveStatus
from tasks.domain.chase import AtLimit, Chase, EntryLimit
from tasks.order_update import OrderUpdate
from tasks.orderpath.limits import MAX_ENTRY_ATTEMPTS, MAX_MODIFICATIONS
from tasks.participants import AccountNotFound
from tasks.settle_order import Settled
from tasks.stores.ports import OrderState, Phase
from tests.tasks.world import ACCOUNT, RUN_KEY, World, account_task, claim, leg


@pytest.fixture
def world() -> World:
    world = World.at()
    world.link_account()
    world.broker.prices = {"NFO:BANKNIFTY26NOV58400CE": Decimal("200")}
    return world


@pytest.fixture
def order(world: World) -> PlannedOrder:
    """One order that rests at the broker as B1."""
    (planned,) = plan_account.run(account_task(leg(1, "CE")), world.rt).sells
    claim(world, planned)
    place_order.run(place_order.Input(order_id=planned.order_id), world.rt)
    return planned


def chase(world: World, order: PlannedOrder) -> chase_order.Output:
    return chase_order.run(chase_order.Input(order_id=order.order_id), world.rt)


def seen(world: World) -> BrokerOrder:
    return world.broker.order("B1")


def test_an_expired_token_fails_before_anything_is_planned(world: World) -> None:
    world.expire_token()
    with pytest.raises(TokenExpired):
        plan_account.run(account_task(leg(1, "CE")), world.rt)
    assert world.stores.runs.account(RUN_KEY, ACCOUNT) is None


def test_redriven_after_the_login_the_plan_is_made(world: World) -> None:
    world.expire_token()
    with pytest.raises(TokenExpired):
        plan_account.run(account_task(leg(1, "CE")), world.rt)
    world.log_in()
    world.clock.advance(200)
    assert plan_account.run(account_task(leg(1, "CE")), world.rt).status is WaveStatus.READY


def test_redriven_after_the_window_the_entry_is_missed(world: World) -> None:
    world.clock.advance(301)
    assert plan_account.run(account_task(leg(1, "CE")), world.rt).status is WaveStatus.MISSED


def test_planned_twice_is_the_same_plan(world: World) -> None:
    first = plan_account.run(account_task(leg(1, "CE")), world.rt)
    changed = leg(1, "CE").model_copy(update={"symbol": "BANKNIFTY26NOV58500CE"})
    assert plan_account.run(account_task(changed), world.rt) == first


def test_lots_times_the_accounts_multiplier_are_sliced_at_the_freeze_limit(world: World) -> None:
    world.link_account(lot_multiplier=25)
    wave = plan_account.run(account_task(leg(1, "CE")), world.rt)
    assert [o.quantity for o in wave.sells] == [600, 150]
    assert [o.slice for o in wave.sells] == [1, 2]
    assert {o.quote for o in wave.sells} == {"250.00"}
    assert len({o.order_id for o in wave.sells}) == 2


def test_an_account_that_is_not_linked_is_named(world: World) -> None:
    with pytest.raises(AccountNotFound, match="ZZ9"):
        plan_account.run(account_task(leg(1, "CE")).model_copy(update={"account": "ZZ9"}), world.rt)


def test_an_order_that_rests_follows_the_market(world: World, order: PlannedOrder) -> None:
    assert chase(world, order).action is Action.WAIT
    ((_, price),) = world.broker.modifications
    assert price == Decimal("195.50")  # 2 % under the bid of 199.50, on the tick
    assert world.order(order.order_id).modifications == 1


def test_each_chase_gives_way_by_at_least_a_tick(world: World, order: PlannedOrder) -> None:
    chase(world, order)
    chase(world, order)
    assert world.broker.modifications[1][1] == Decimal("195.45")


def test_modifications_are_not_used_up(world: World, order: PlannedOrder) -> None:
    for _ in range(MAX_MODIFICATIONS + 1):
        chase(world, order)
        world.clock.advance(5)
    assert len(world.broker.modifications) == MAX_MODIFICATIONS
    assert world.broker.cancels == ["B1"]


def test_an_entry_that_never_filled_is_cancelled_after_its_window(world: World, order: PlannedOrder) -> None:
    world.clock.advance(301)
    chase(world, order)
    assert world.broker.cancels == ["B1"]
    assert chase(world, order).action is Action.SETTLE
    assert settle(world, order.order_id).outcome is Settled.GONE


def test_a_broker_that_cannot_be_seen_is_waited_for(world: World, order: PlannedOrder) -> None:
    world.expire_token()
    assert chase(world, order).action is Action.WAIT
    world.clock.advance(301)
    assert chase(world, order).action is Action.DONE
    assert world.order(order.order_id).status is OrderState.OPEN


def test_updates_only_move_forward(world: World, order: PlannedOrder) -> None:
    filled = OrderUpdate.of(ACCOUNT, world.broker.fill("B1"))
    late = OrderUpdate.of(ACCOUNT, replace(seen(world), status=OrderStatus.OPEN, filled_quantity=10))
    for update in (filled, late, filled):
        apply_updates.apply(update, world.rt)
    row = world.order(order.order_id)
    assert (row.status, row.filled_quantity) == (OrderState.FILLED, 30)


def test_a_cancelled_order_keeps_its_fills(world: World, order: PlannedOrder) -> None:
    world.broker.fill("B1", quantity=10)
    world.broker.cancel("B1")
    apply_updates.apply(OrderUpdate.of(ACCOUNT, seen(world)), world.rt)
    assert world.order(order.order_id).filled_quantity == 10


def test_an_update_before_its_order_is_known_is_tried_again(world: World, order: PlannedOrder) -> None:
    stranger = replace(seen(world), tag="N" + "0" * 19, broker_order_id="B99")
    with pytest.raises(OrderNotKnownYet):
        apply_updates.apply(OrderUpdate.of(ACCOUNT, stranger), world.rt)


def test_another_accounts_update_moves_nothing(world: World, order: PlannedOrder) -> None:
    with pytest.raises(OrderNotKnownYet):
        apply_updates.apply(OrderUpdate.of("ZB9999", world.broker.fill("B1")), world.rt)
    assert world.order(order.order_id).filled_quantity == 0


def test_an_order_called_absent_that_turns_up_is_cancelled(world: World, order: PlannedOrder) -> None:
    world.stores.orders.advance(order.order_id, OrderState.ABSENT, at=world.clock.now())
    apply_updates.apply(OrderUpdate.of(ACCOUNT, seen(world)), world.rt)
    assert world.broker.cancels == ["B1"]
    assert world.alarms.raised == ["OrderReappeared"]


def test_a_status_word_nobody_knows_is_never_terminal(world: World, order: PlannedOrder) -> None:
    strange = replace(seen(world), status=OrderStatus.UNKNOWN)
    apply_updates.apply(OrderUpdate.of(ACCOUNT, strange), world.rt)
    assert world.order(order.order_id).status is OrderState.OPEN


def test_a_plan_whose_exit_has_begun_enters_nothing(world: World, order: PlannedOrder) -> None:
    world.stores.runs.set_phase(RUN_KEY, ACCOUNT, Phase.EXITING)
    assert plan_account.run(account_task(leg(1, "CE")), world.rt).status is WaveStatus.MISSED


def placed(world: World, **terms: object) -> PlannedOrder:
    """An entry that rests at the broker, of a strategy with these terms."""
    said = Chase.model_validate(terms).model_dump_json()
    task = account_task(leg(1, "CE"), grace=timedelta(minutes=20), chase=said)
    (order,) = plan_account.run(task, world.rt).sells
    claim(world, order)
    place_order.run(place_order.Input(order_id=order.order_id), world.rt)
    return order


def settle(world: World, order_id: str) -> settle_order.Output:
    return settle_order.run(settle_order.Input(order_id=order_id), world.rt)


def test_an_entry_is_chased_no_further_than_its_limit_and_left_there(world: World) -> None:
    order = placed(world, entry=EntryLimit(points=Decimal(20)))
    world.broker.prices["NFO:BANKNIFTY26NOV58400CE"] = Decimal(150)
    for _ in range(3):
        chase(world, order)
    assert [price for _, price in world.broker.modifications] == [Decimal("225.00")]
    assert world.broker.cancels == []


def test_an_entry_whose_limit_is_reached_is_given_up_where_the_strategy_says_so(world: World) -> None:
    order = placed(world, entry=EntryLimit(percent=Decimal(4), then=AtLimit.GIVE_UP))
    chase(world, order)
    assert [price for _, price in world.broker.modifications] == [Decimal("235.20")]
    chase(world, order)
    assert world.broker.cancels == ["B1"]
    assert chase(world, order).action is Action.SETTLE
    assert settle(world, order.order_id).outcome is Settled.GONE


def test_an_order_is_chased_as_often_as_the_strategy_says(world: World) -> None:
    order = placed(world, every_seconds=20)
    chase(world, order)
    assert world.broker.modifications == []
    world.clock.advance(20)
    chase(world, order)
    chase(world, order)
    assert len(world.broker.modifications) == 1


def used_up(world: World, order_id: str, number: str) -> None:
    """All modifications of the order are used, and its cancellation is confirmed."""
    for _ in range(MAX_MODIFICATIONS):
        world.stores.orders.repriced(order_id, limit_price=Decimal("190"), at=world.clock.now())
    chase_order.run(chase_order.Input(order_id=order_id), world.rt)
    assert world.broker.cancels[-1] == number
    assert chase_order.run(chase_order.Input(order_id=order_id), world.rt).action is Action.SETTLE


def test_an_entry_that_used_up_its_modifications_is_replaced_with_what_it_lacks(world: World) -> None:
    order = placed(world)
    world.broker.fill("B1", quantity=10)
    used_up(world, order.order_id, "B1")
    output = settle(world, order.order_id)
    assert output.outcome is Settled.RESEND
    assert (output.order.attempt, output.order.quantity, output.order.slice) == (2, 20, 1)
    assert Decimal(output.order.limit_price) < 190
    assert output.order.order_id != order.order_id


def test_replacements_end_with_the_attempts_and_with_the_window(world: World) -> None:
    order = placed(world)
    for number in range(1, MAX_ENTRY_ATTEMPTS):
        used_up(world, order.order_id, f"B{number}")
        order = settle(world, order.order_id).order
        claim(world, order)
        place_order.run(place_order.Input(order_id=order.order_id), world.rt)
    used_up(world, order.order_id, f"B{MAX_ENTRY_ATTEMPTS}")
    assert settle(world, order.order_id).outcome is Settled.GONE


def test_an_entry_that_somebody_else_cancelled_is_not_sent_again(world: World) -> None:
    order = placed(world)
    world.broker.cancel("B1")
    assert chase(world, order).action is Action.SETTLE
    assert settle(world, order.order_id).outcome is Settled.GONE


def test_nothing_is_replaced_after_the_window(world: World) -> None:
    order = placed(world)
    used_up(world, order.order_id, "B1")
    world.clock.advance(1201)
    assert settle(world, order.order_id).outcome is Settled.GONE
