"""The reconciler: what a book knows better, what may not live, what others did, and what is to be closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from brokers.errors import BrokerUnavailable, TokenExpired
from brokers.model import OrderStatus, Side, Unknown
from tasks import begin_exit, find_accounts_of_day, place_order, plan_account, reconcile_account
from tasks.contracts import PlannedOrder
from tasks.find_accounts_of_day import AccountOfDay
from tasks.orderpath.pace import ask_to_send
from tasks.stores.ports import OrderState, Phase
from tests.tasks.world import ACCOUNT, NINE_THIRTY, RUN_KEY, World, account_task, claim, leg

CALL = "BANKNIFTY26NOV58400CE"
EXIT = f"{RUN_KEY}-{ACCOUNT}-EXIT"


@pytest.fixture
def world() -> World:
    world = World.at()
    world.link_account()
    return world


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return NINE_THIRTY.replace(hour=hour, minute=minute, second=second)


def reconcile(world: World) -> reconcile_account.Output:
    request = reconcile_account.Input(account=ACCOUNT, user_id="user-1", run_keys=[RUN_KEY])
    return reconcile_account.run(request, world.rt)


def send(world: World, *, filled: bool = True) -> PlannedOrder:
    """One leg's entry, sent; its fill is known to the broker alone."""
    (order,) = plan_account.run(account_task(leg(1, "CE")), world.rt).sells
    claim(world, order)
    place_order.run(place_order.Input(order_id=order.order_id), world.rt)
    if filled:
        world.broker.fill(world.broker.book[-1].broker_order_id)
    return order


def open_position(world: World) -> PlannedOrder:
    order = send(world)
    reconcile(world)
    world.stores.runs.set_phase(RUN_KEY, ACCOUNT, Phase.OPEN)
    world.alarms.raised.clear()
    return order


# --- adopting ---


def test_a_fill_that_nobody_told_is_adopted_and_wakes_who_waits(world: World) -> None:
    order = send(world)
    world.stores.callbacks.put(order.order_id, "token", at=world.clock.now())
    found = reconcile(world)
    row = world.order(order.order_id)
    assert (row.status, row.filled_quantity, row.average_price) == (OrderState.FILLED, 30, Decimal("250.00"))
    assert found.adopted == 1
    assert [token for token, _ in world.callbacks.completed] == ["token"]
    position = world.stores.positions.get(order.position_id)
    assert position is not None
    assert (position.entry_qty, position.entry_price) == (30, Decimal("250.0000"))


def test_an_order_whose_reply_was_lost_is_adopted_by_its_tag(world: World) -> None:
    world.broker.outcomes = [Unknown("Read timed out")]
    order = send(world)
    assert world.order(order.order_id).broker_order_id == ""
    assert reconcile(world).adopted == 1
    assert world.order(order.order_id).broker_order_id == "B1"


def test_one_that_never_arrived_is_absent_once_the_book_cannot_lag(world: World) -> None:
    world.broker.outcomes, world.broker.accepts = [Unknown("Read timed out")], False
    order = send(world, filled=False)
    assert reconcile(world).adopted == 0
    world.clock.advance(31)
    assert reconcile(world).adopted == 1
    assert world.order(order.order_id).status is OrderState.ABSENT


def test_looking_again_changes_nothing(world: World) -> None:
    order = send(world)
    reconcile(world)
    before = world.order(order.order_id)
    world.clock.advance(60)
    found = reconcile(world)
    assert (found.adopted, found.cancelled, found.outside, found.disagree) == (0, 0, 0, 0)
    assert found.reason == "book and rows agree"
    assert world.order(order.order_id) == before
    assert world.alarms.raised == []


# --- what may not live ---


def test_a_ghost_that_works_is_cancelled(world: World) -> None:
    world.broker.outcomes = [Unknown("Read timed out")]
    order = send(world, filled=False)
    world.broker.visible = False
    world.clock.advance(31)
    reconcile(world)
    assert world.order(order.order_id).status is OrderState.ABSENT
    world.broker.visible = True
    assert reconcile(world).cancelled == 1
    assert world.broker.cancels == ["B1"]
    assert "OrderReappeared" in world.alarms.raised


def test_a_book_that_lags_cancels_nothing(world: World) -> None:
    """The postback came first: the row says FILLED, and the book still has the order working."""
    order = send(world)
    reconcile(world)
    world.broker.change("B1", status=OrderStatus.OPEN, filled_quantity=0)
    assert reconcile(world).cancelled == 0
    world.clock.advance(31)
    assert reconcile(world).cancelled == 1
    assert world.order(order.order_id).filled_quantity == 30


def test_an_entry_that_nobody_chases_is_cancelled_after_its_window(world: World) -> None:
    send(world, filled=False)
    world.clock.at = at(9, 35, 59)
    assert reconcile(world).cancelled == 0
    world.clock.at = at(9, 36, 1)
    assert reconcile(world).cancelled == 1
    assert world.broker.cancels == ["B1"]
    world.clock.advance(60)
    reconcile(world)
    assert world.broker.cancels == ["B1"]


def test_a_cancellation_waits_for_its_turn(world: World) -> None:
    send(world, filled=False)
    world.clock.at = at(9, 36, 1)
    while ask_to_send(world.rt, ACCOUNT, exiting=True) is None:
        pass
    assert "paced" in reconcile(world).reason
    assert world.broker.cancels == []


def test_an_entry_that_was_claimed_and_never_left_is_missed(world: World) -> None:
    (order,) = plan_account.run(account_task(leg(1, "CE")), world.rt).sells
    claim(world, order)
    world.clock.at = at(9, 36, 1)
    reconcile(world)
    assert world.order(order.order_id).status is OrderState.MISSED


def test_an_order_of_ours_without_a_row_calls_a_person(world: World) -> None:
    send(world)
    world.broker.book.append(replace(world.broker.book[0], tag=f"N{'0' * 16}101", broker_order_id="B9"))
    reconcile(world)
    assert "OrderWithoutIntent" in world.alarms.raised
    assert world.broker.cancels == []


# --- what others did ---


def test_what_a_person_traded_is_told_once(world: World) -> None:
    open_position(world)
    world.broker.trade_outside(CALL, Side.BUY, 30)
    assert reconcile(world).outside == 1
    assert world.alarms.raised == ["ExternalActivity"]
    world.clock.advance(60)
    assert reconcile(world).outside == 0
    assert world.alarms.raised == ["ExternalActivity"]
    world.broker.trade_outside(CALL, Side.SELL, 30)
    assert reconcile(world).outside == 1


def test_what_a_person_trades_elsewhere_is_none_of_our_business(world: World) -> None:
    open_position(world)
    world.broker.trade_outside("NIFTY26NOV26000CE", Side.BUY, 65)
    assert reconcile(world).outside == 0


def test_a_difference_that_stays_calls_a_person(world: World) -> None:
    """The broker's book lost a fill that our row has."""
    open_position(world)
    world.broker.change("B1", filled_quantity=0, status=OrderStatus.CANCELLED)
    assert reconcile(world).disagree == 0, "it may only lag"
    world.clock.advance(31)
    assert reconcile(world).disagree == 1
    assert world.alarms.raised == ["LedgersDisagree"]


# --- closing ---


def names(found: reconcile_account.Output) -> list[str]:
    return [one.name for one in found.exits]


def test_an_exit_that_is_late_is_started_under_its_own_name(world: World) -> None:
    open_position(world)
    world.clock.at = at(15, 15, 58)
    assert names(reconcile(world)) == []
    world.clock.at = at(15, 16)
    found = reconcile(world)
    assert names(found) == [EXIT]
    assert found.exits[0].account.side == "EXIT"
    assert world.alarms.raised == ["ExitOverdue"]


def test_an_intraday_position_is_closed_before_the_broker_does(world: World) -> None:
    """Whatever its exit time says: a minute before the cut-off a person is called as well."""
    open_position(world)
    world.stores.runs.postpone_exit(RUN_KEY, ACCOUNT, exit_at=at(15, 35))
    world.clock.at = at(15, 21, 59)
    assert names(reconcile(world)) == []
    world.clock.at = at(15, 22)
    assert names(reconcile(world)) == [EXIT]
    assert world.alarms.raised == ["ExitOverdue"]
    begin_exit.run(begin_exit.Input(run_key=RUN_KEY, account=ACCOUNT), world.rt)
    world.clock.at = at(15, 24)
    assert names(reconcile(world)) == [EXIT]
    assert world.alarms.raised == ["ExitOverdue", "OpenAtCutOff"]


def test_a_shut_market_closes_nothing(world: World) -> None:
    open_position(world)
    world.clock.at = at(15, 40)
    assert names(reconcile(world)) == []


@pytest.mark.parametrize("broken", [TokenExpired("log in"), BrokerUnavailable("502")])
def test_a_broker_that_cannot_be_seen_stops_no_exit(world: World, broken: Exception) -> None:
    open_position(world)
    world.broker.broken = broken  # type: ignore[assignment]
    world.clock.at = at(15, 16)
    found = reconcile(world)
    assert (found.seen, names(found)) == (False, [EXIT])
    assert set(world.alarms.raised) == {"BrokerBlind", "ExitOverdue"}


def test_a_ghost_that_filled_after_the_exit_is_closed_by_another_one(world: World) -> None:
    world.broker.outcomes = [Unknown("Read timed out")]
    send(world)
    world.broker.visible = False
    world.clock.advance(31)
    reconcile(world)
    world.stores.runs.set_phase(RUN_KEY, ACCOUNT, Phase.FLAT)
    assert names(reconcile(world)) == []
    world.broker.visible = True
    assert names(reconcile(world)) == [f"{EXIT}-0930"]
    plan = world.stores.runs.account(RUN_KEY, ACCOUNT)
    assert plan is not None
    assert plan.phase is Phase.EXITING


def test_what_a_person_trades_after_the_exit_is_his_own(world: World) -> None:
    """He closed ours, the exit found nothing to do, and now he sells again for himself."""
    open_position(world)
    world.broker.trade_outside(CALL, Side.BUY, 30)
    world.stores.runs.set_phase(RUN_KEY, ACCOUNT, Phase.FLAT)
    world.broker.trade_outside(CALL, Side.SELL, 30)
    world.clock.at = at(15, 20)
    assert names(reconcile(world)) == []


# --- whom ---


def test_every_account_of_the_day_is_looked_at_flat_or_not(world: World) -> None:
    send(world)
    world.stores.runs.set_phase(RUN_KEY, ACCOUNT, Phase.FLAT)
    found = find_accounts_of_day.run(find_accounts_of_day.Input(), world.rt)
    assert found.accounts == [AccountOfDay(account=ACCOUNT, user_id="user-1", run_keys=[RUN_KEY])]


def test_an_account_that_was_called_off_before_its_entry_has_nothing_to_look_at(world: World) -> None:
    planned = plan_account.run(account_task(leg(1, "CE")), world.rt)
    assert planned.sells
    standing = world.stores.runs.account(RUN_KEY, ACCOUNT)
    assert standing is not None
    off = standing.model_copy(update={"run_key": "later-20261123-S", "legs": (), "phase": Phase.FLAT})
    world.stores.runs.plan_account(off)
    request = reconcile_account.Input(account=ACCOUNT, user_id="user-1", run_keys=["later-20261123-S"])
    assert reconcile_account.run(request, world.rt).exits == []


def test_an_exit_postponed_to_today_counts(world: World) -> None:
    send(world)
    tomorrow = NINE_THIRTY + timedelta(days=2)
    world.stores.runs.postpone_exit(RUN_KEY, ACCOUNT, exit_at=tomorrow)
    world.clock.at = tomorrow
    assert len(find_accounts_of_day.run(find_accounts_of_day.Input(), world.rt).accounts) == 1


@pytest.mark.parametrize("moment", [at(9, 14, 59), at(15, 55), at(9, 30) + timedelta(days=1)])
def test_nobody_is_looked_at_while_the_market_is_shut(world: World, moment: datetime) -> None:
    send(world)
    world.clock.at = moment
    assert find_accounts_of_day.run(find_accounts_of_day.Input(), world.rt).accounts == []
