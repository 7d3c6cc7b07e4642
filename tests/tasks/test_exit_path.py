"""The way out: exits close exactly what filled, converge, and never stop."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.clock import FixedClock
from brokers.errors import TokenExpired
from brokers.model import OrderStatus, Rejected
from tasks import (
    assess_entry,
    begin_exit,
    cancel_entries,
    check_barrier,
    compute_exit,
    find_open_accounts,
    place_order,
    plan_account,
    settle_entries,
    total_fills,
    watch_order,
)
from tasks.assess_entry import Assessment
from tasks.contracts import PlannedOrder, ResolvedLeg, Wave, WaveStatus
from tasks.stores.ports import OrderState, Phase
from tests.tasks.world import ACCOUNT, NINE_THIRTY, RUN_KEY, RunningClock, World, account_task, claim, leg

STRADDLE = (leg(1, "CE"), leg(2, "PE"))


@pytest.fixture(params=[FixedClock, RunningClock])
def world(request: pytest.FixtureRequest) -> World:
    world = World.at()
    world.clock = world.broker.clock = request.param(NINE_THIRTY)
    world.link_account()
    world.broker.prices = {
        "NFO:BANKNIFTY26NOV58400CE": Decimal("200"),
        "NFO:BANKNIFTY26NOV58400PE": Decimal("210"),
    }
    return world


def enter(world: World, *legs: ResolvedLeg, on_leg_reject: str = "unwind") -> list[PlannedOrder]:
    """Send every entry order; nothing is filled yet."""
    wave = plan_account.run(account_task(*legs, on_leg_reject=on_leg_reject), world.rt)
    orders = [*wave.buys, *wave.sells]
    for order in orders:
        send(world, order)
    return orders


def send(world: World, order: PlannedOrder) -> None:
    claim(world, order)
    place_order.run(place_order.Input(order_id=order.order_id), world.rt)


def look(world: World, order: PlannedOrder) -> None:
    """What WaitForFill does."""
    watch_order.run(watch_order.Input(order_id=order.order_id, token=f"token-{order.order_id}"), world.rt)


def fill_all(world: World, orders: list[PlannedOrder], price: str = "250.00") -> None:
    for order in orders:
        world.broker.fill(world.order(order.order_id).broker_order_id, price=price)
        look(world, order)


def assess(world: World) -> assess_entry.Output:
    return assess_entry.run(assess_entry.Input(run_key=RUN_KEY, account=ACCOUNT), world.rt)


def begin(world: World) -> None:
    begin_exit.run(begin_exit.Input(run_key=RUN_KEY, account=ACCOUNT), world.rt)


def compute(world: World) -> Wave:
    return compute_exit.run(compute_exit.Input(run_key=RUN_KEY, account=ACCOUNT), world.rt)


def cancel(world: World) -> cancel_entries.Output:
    return cancel_entries.run(cancel_entries.Input(run_key=RUN_KEY, account=ACCOUNT), world.rt)


def settle(world: World) -> settle_entries.Output:
    return settle_entries.run(settle_entries.Input(run_key=RUN_KEY, account=ACCOUNT), world.rt)


def test_a_whole_entry_is_open_and_its_exit_buys_it_back(world: World) -> None:
    fill_all(world, enter(world, *STRADDLE))
    assert assess(world).status is Assessment.OPEN
    begin(world)
    wave = compute(world)
    assert [(o.side, o.quantity, o.attempt) for o in wave.buys] == [("BUY", 30, 1), ("BUY", 30, 1)]
    assert [Decimal(o.quote) for o in wave.buys] == [200, 210]
    for order in wave.buys:
        send(world, order)
    fill_all(world, wave.buys, price="200.00")
    assert compute(world).status is WaveStatus.FLAT
    totals = total_fills.run(total_fills.Input(order_id=wave.buys[0].order_id), world.rt)
    assert totals.realised == "1500.00"
    plan = world.stores.runs.account(RUN_KEY, ACCOUNT)
    assert plan is not None
    assert plan.phase is Phase.FLAT


def test_two_exits_at_once_send_the_same_orders(world: World) -> None:
    fill_all(world, enter(world, *STRADDLE))
    begin(world)
    first, second = compute(world), compute(world)
    assert first.buys == second.buys
    for wave in (first, second):
        for order in wave.buys:
            send(world, order)
    assert len(world.broker.sends) == 4


def test_a_partial_exit_closes_the_rest_in_the_next_round(world: World) -> None:
    fill_all(world, enter(world, leg(1, "CE")))
    begin(world)
    (order,) = compute(world).buys
    send(world, order)
    world.broker.fill("B2", quantity=10)
    world.broker.cancel("B2")
    look(world, order)
    (rest,) = compute(world).buys
    assert (rest.quantity, rest.attempt) == (20, 2)


def test_a_round_that_is_not_finished_is_driven_on_and_not_doubled(world: World) -> None:
    fill_all(world, enter(world, *STRADDLE))
    begin(world)
    wave = compute(world)
    send(world, wave.buys[0])
    fill_all(world, wave.buys[:1])
    assert [o.order_id for o in compute(world).buys] == [wave.buys[1].order_id]


def test_an_exit_cancels_what_still_works_and_closes_only_what_filled(world: World) -> None:
    first, second = enter(world, *STRADDLE)
    fill_all(world, [first])
    world.broker.fill(world.order(second.order_id).broker_order_id, quantity=10)
    begin(world)
    assert cancel(world).working == 1
    assert settle(world).settled
    assert world.order(second.order_id).status is OrderState.CANCELLED
    assert {o.symbol[-2:]: o.quantity for o in compute(world).buys} == {"CE": 30, "PE": 10}


def test_an_exit_looks_again_for_what_was_called_absent(world: World) -> None:
    (order,) = enter(world, leg(1, "CE"))
    world.stores.orders.advance(order.order_id, OrderState.ABSENT, at=world.clock.now())
    begin(world)
    assert cancel(world).working == 1
    assert world.broker.cancels == ["B1"]
    assert settle(world).settled


def test_what_an_absent_order_filled_is_closed(world: World) -> None:
    (order,) = enter(world, leg(1, "CE"))
    world.stores.orders.advance(order.order_id, OrderState.ABSENT, at=world.clock.now())
    world.broker.fill("B1")
    begin(world)
    cancel(world)
    assert settle(world).settled
    assert [o.quantity for o in compute(world).buys] == [30]


def test_an_entry_that_was_claimed_and_not_sent_is_settled_as_missed(world: World) -> None:
    wave = plan_account.run(account_task(leg(1, "CE")), world.rt)
    claim(world, wave.sells[0])
    begin(world)
    assert settle(world).settled
    assert world.order(wave.sells[0].order_id).status is OrderState.MISSED
    assert compute(world).status is WaveStatus.FLAT


def test_an_expired_token_raises_an_alarm_and_the_exit_goes_on_after_the_login(world: World) -> None:
    fill_all(world, enter(world, leg(1, "CE")))
    begin(world)
    world.expire_token()
    with pytest.raises(TokenExpired):
        compute(world)
    assert world.alarms.raised == ["ExitBlocked"]
    world.log_in()
    assert compute(world).status is WaveStatus.READY


def test_a_rejected_exit_is_tried_again_after_a_pause(world: World) -> None:
    fill_all(world, enter(world, leg(1, "CE")))
    begin(world)
    world.broker.accepts = False
    world.broker.outcomes = [Rejected("RMS: blocked")]
    send(world, compute(world).buys[0])
    waiting = compute(world)
    assert waiting.status is WaveStatus.WAIT
    assert waiting.retry_at in ("2026-11-23T04:00:15Z", "2026-11-23T04:00:16Z"), "15 s after it was planned"
    world.clock.advance(16)
    assert compute(world).buys[0].attempt == 2


def test_after_the_close_an_exit_waits_for_the_next_session(world: World) -> None:
    fill_all(world, enter(world, leg(1, "CE")))
    begin(world)
    world.clock.advance(7 * 3600)
    wave = compute(world)
    assert wave.status is WaveStatus.SHUT
    assert wave.retry_at == "2026-11-25T03:45:00Z"  # the 24th is a holiday
    assert "ExitBlocked" in world.alarms.raised


def test_a_rejected_leg_unwinds_the_other(world: World) -> None:
    first, second = enter(world, *STRADDLE)
    fill_all(world, [first])
    world.broker.change(
        world.order(second.order_id).broker_order_id, status=OrderStatus.REJECTED, reason="margin"
    )
    look(world, second)
    output = assess(world)
    assert output.status is Assessment.UNWIND
    assert "margin" in output.reason


def test_a_rejected_leg_is_kept_on_purpose_where_the_strategy_says_so(world: World) -> None:
    first, second = enter(world, *STRADDLE, on_leg_reject="keep")
    fill_all(world, [first])
    world.broker.change(
        world.order(second.order_id).broker_order_id, status=OrderStatus.REJECTED, reason="margin"
    )
    look(world, second)
    assert assess(world).status is Assessment.OPEN


def test_nothing_filled_and_everything_settled_is_flat(world: World) -> None:
    world.broker.accepts = False
    world.broker.outcomes = [Rejected("margin"), Rejected("margin")]
    enter(world, *STRADDLE)
    assert assess(world).status is Assessment.NOTHING
    exit_at = NINE_THIRTY.replace(hour=15, minute=15)
    found = find_open_accounts.run(find_open_accounts.Input(run_key=RUN_KEY, exit_at=exit_at), world.rt)
    assert found.accounts == []


def test_an_exit_that_came_first_has_the_word(world: World) -> None:
    fill_all(world, enter(world, *STRADDLE))
    begin(world)
    assert assess(world).status is Assessment.OVERTAKEN


def test_shorts_wait_for_their_hedges_on_the_way_in(world: World) -> None:
    hedge, short = leg(1, "CE", side="BUY"), leg(2, "PE")
    wave = plan_account.run(account_task(short, hedge), world.rt)
    assert wave.both
    barrier = check_barrier.Input(run_key=RUN_KEY, account=ACCOUNT, purpose="N")
    send(world, wave.buys[0])
    assert not check_barrier.run(barrier, world.rt).ok
    fill_all(world, wave.buys)
    assert check_barrier.run(barrier, world.rt).ok


def test_an_account_that_never_planned_has_nothing_to_close(world: World) -> None:
    assert not begin_exit.run(begin_exit.Input(run_key=RUN_KEY, account=ACCOUNT), world.rt).found


def test_the_fill_that_came_first_completes_the_token(world: World) -> None:
    (order,) = enter(world, leg(1, "CE"))
    world.broker.fill("B1")
    look(world, order)
    ((token, output),) = world.callbacks.completed
    assert token == f"token-{order.order_id}"
    assert output["status"] == "FILLED"
    assert world.stores.callbacks.get(order.order_id) is None
