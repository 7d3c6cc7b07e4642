"""The kill switch in the order path: nothing is planned or sent, and the sweep closes what was left open."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import find_due_exits, place_order, plan_account
from tasks.contracts import WaveStatus
from tasks.orderpath.halting import Reach, halt, holding, release
from tasks.place_order import Outcome
from tasks.stores.halts import EVERYTHING, Scope, of_account, of_user
from tasks.stores.ports import OrderState, Phase
from tests.tasks.world import ACCOUNT, NINE_THIRTY, RUN_KEY, World, account_task, claim, leg

REACHES = [Reach(Scope.ACCOUNT, "user-1", ACCOUNT), Reach(Scope.USER, "user-1"), Reach(Scope.ALL)]


@pytest.fixture
def world() -> World:
    world = World.at()
    world.link_account()
    return world


def kill(world: World, reach: Reach, reason: str = "") -> None:
    halt(world.stores, reach, by="user-1", at=world.clock.now(), reason=reason)


def swept(world: World) -> list[str]:
    output = find_due_exits.run(find_due_exits.Input(), world.rt)
    return [task.account for task in output.accounts]


@pytest.mark.parametrize("reach", REACHES, ids=lambda reach: reach.scope)
def test_nothing_is_planned_until_it_is_released(world: World, reach: Reach) -> None:
    kill(world, reach, "a bad day")
    wave = plan_account.run(account_task(leg(1, "CE")), world.rt)
    assert wave.status is WaveStatus.MISSED
    assert "halted since 09:30:00: a bad day" in wave.reason
    assert world.stores.runs.account(RUN_KEY, ACCOUNT) is None
    release(world.stores, reach)
    assert plan_account.run(account_task(leg(1, "CE")), world.rt).status is WaveStatus.READY


@pytest.mark.parametrize("reach", REACHES, ids=lambda reach: reach.scope)
def test_what_is_claimed_does_not_leave(world: World, reach: Reach) -> None:
    (order,) = plan_account.run(account_task(leg(1, "CE")), world.rt).sells
    claim(world, order)
    kill(world, reach)
    output = place_order.run(place_order.Input(order_id=order.order_id), world.rt)
    assert output.outcome is Outcome.MISSED
    assert world.broker.sends == []


@pytest.mark.parametrize("place", [EVERYTHING, of_user("user-1")])
def test_the_first_write_alone_stops_entries_and_the_sweep_does_the_rest(world: World, place: str) -> None:
    """The command died right after it."""
    (order,) = plan_account.run(account_task(leg(1, "CE")), world.rt).sells
    claim(world, order)
    kill(world, Reach(Scope.ALL if place == EVERYTHING else Scope.USER, "user-1"))
    for scope in Scope:
        world.stores.halts.release(of_account(ACCOUNT), scope)
    assert place_order.run(place_order.Input(order_id=order.order_id), world.rt).outcome is Outcome.MISSED
    assert swept(world) == [ACCOUNT]
    assert of_account(ACCOUNT) in world.stores.halts.held([of_account(ACCOUNT)])


def test_the_sweep_closes_what_is_halted_and_leaves_the_rest(world: World) -> None:
    plan_account.run(account_task(leg(1, "CE")), world.rt)
    assert swept(world) == []
    kill(world, Reach(Scope.ACCOUNT, "user-1", "ZB9999"))
    assert swept(world) == []
    kill(world, Reach(Scope.ACCOUNT, "user-1", ACCOUNT))
    assert swept(world) == [ACCOUNT]
    world.stores.runs.set_phase(RUN_KEY, ACCOUNT, Phase.FLAT)
    assert swept(world) == []


def test_what_is_halted_and_due_is_closed_once(world: World) -> None:
    plan_account.run(account_task(leg(1, "CE")), world.rt)
    kill(world, Reach(Scope.ALL))
    world.clock.at = NINE_THIRTY.replace(hour=15, minute=15) + timedelta(minutes=2)
    assert swept(world) == [ACCOUNT]


def test_a_narrower_release_frees_nobody_whom_a_wider_word_holds(world: World) -> None:
    for reach in REACHES:
        kill(world, reach)
    release(world.stores, REACHES[2])
    found = holding(world.stores, "user-1", ACCOUNT)
    assert found is not None
    assert found.scope is Scope.USER
    release(world.stores, REACHES[1])
    release(world.stores, REACHES[0])
    assert holding(world.stores, "user-1", ACCOUNT) is None


def test_an_order_that_was_held_back_says_why(world: World) -> None:
    (order,) = plan_account.run(account_task(leg(1, "CE")), world.rt).sells
    claim(world, order)
    kill(world, Reach(Scope.USER, "user-1"), "too fast")
    place_order.run(place_order.Input(order_id=order.order_id), world.rt)
    row = world.order(order.order_id)
    assert (row.status, row.reason) == (OrderState.MISSED, "all of the user is halted since 09:30:00: too fast")
