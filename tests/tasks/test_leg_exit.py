"""Some legs are closed and the rest stays open: what an exit of legs touches, and how it meets other exits."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.errors import BrokerUnavailable
from tasks import assess_entry, begin_exit, cancel_entries, check_barrier, compute_exit, settle_entries
from tasks.assess_entry import Assessment
from tasks.begin_exit import HedgeStillNeeded
from tasks.contracts import PlannedOrder, Wave, WaveStatus
from tasks.domain.exits import covers
from tasks.domain.ids import exit_name
from tasks.orderpath.legs import UnknownLeg
from tasks.stores.ports import AccountRun, OrderState, Phase
from tests.tasks.test_exit_path import enter, fill_all, send
from tests.tasks.world import ACCOUNT, RUN_KEY, World, leg

STRADDLE = (leg(1, "CE"), leg(2, "PE"))
CONDOR = (leg(1, "CE", side="BUY"), leg(2, "PE", side="BUY"), leg(3, "CE"), leg(4, "PE"))
THERE = {"run_key": RUN_KEY, "account": ACCOUNT}


@pytest.fixture
def world() -> World:
    world = World.at()
    world.link_account()
    world.broker.prices = {
        "NFO:BANKNIFTY26NOV58400CE": Decimal("200"),
        "NFO:BANKNIFTY26NOV58400PE": Decimal("210"),
    }
    return world


def begin(world: World, *legs: int) -> begin_exit.Output:
    return begin_exit.run(begin_exit.Input(**THERE, legs=list(legs)), world.rt)


def compute(world: World, *legs: int) -> Wave:
    return compute_exit.run(compute_exit.Input(**THERE, legs=list(legs)), world.rt)


def plan(world: World) -> AccountRun:
    found = world.stores.runs.account(RUN_KEY, ACCOUNT)
    assert found is not None
    return found


def stands(world: World, *legs: object) -> None:
    """The entry is whole and OPEN."""
    fill_all(world, enter(world, *legs))  # type: ignore[arg-type]
    output = assess_entry.run(assess_entry.Input(**THERE), world.rt)
    assert output.status is Assessment.OPEN


def close(world: World, orders: list[PlannedOrder]) -> None:
    for order in orders:
        send(world, order)
    fill_all(world, orders, price="200.00")


def test_one_leg_is_closed_and_the_account_stays_open(world: World) -> None:
    stands(world, *STRADDLE)
    assert begin(world, 2).found
    wave = compute(world, 2)
    assert [(o.leg, o.side, o.quantity) for o in wave.buys] == [(2, "BUY", 30)]
    close(world, wave.buys)
    assert compute(world, 2).status is WaveStatus.FLAT
    assert (plan(world).phase, plan(world).closing) == (Phase.OPEN, (2,))


def test_a_full_exit_takes_the_round_that_stands_and_closes_the_rest_beside_it(world: World) -> None:
    stands(world, *STRADDLE)
    begin(world, 2)
    (of_leg,) = compute(world, 2).buys
    send(world, of_leg)
    begin(world)
    full = compute(world)
    assert [o.order_id for o in full.buys if o.leg == 2] == [of_leg.order_id]
    for order in full.buys:
        send(world, order)
    assert len(world.broker.sends) == 4
    fill_all(world, full.buys)
    assert compute(world).status is WaveStatus.FLAT
    assert plan(world).phase is Phase.FLAT


def test_two_exits_of_one_leg_send_the_same_order(world: World) -> None:
    stands(world, *STRADDLE)
    begin(world, 2)
    begin(world, 2)
    first, second = compute(world, 2), compute(world, 2)
    assert first.buys == second.buys
    for wave in (first, second):
        close(world, wave.buys)
    assert len(world.broker.sends) == 3


def test_legs_do_not_wait_for_each_other(world: World) -> None:
    stands(world, *STRADDLE)
    begin(world, 1)
    send(world, compute(world, 1).buys[0])
    begin(world, 2)
    assert [o.leg for o in compute(world, 2).buys] == [2]


def test_the_last_leg_to_be_closed_leaves_the_account_flat(world: World) -> None:
    stands(world, *STRADDLE)
    for number in (1, 2):
        begin(world, number)
        close(world, compute(world, number).buys)
    assert compute(world, 1).status is WaveStatus.FLAT
    assert plan(world).phase is Phase.FLAT


def test_an_account_is_not_flat_while_an_entry_of_another_closing_leg_works(world: World) -> None:
    first, second = enter(world, *STRADDLE)
    fill_all(world, [first])
    begin(world, 2)
    begin(world, 1)
    close(world, compute(world, 1).buys)
    assert compute(world, 1).status is WaveStatus.FLAT
    assert plan(world).phase is Phase.ENTERING
    assert not world.order(second.order_id).status.terminal


def test_its_working_entry_is_cancelled_and_what_it_filled_is_closed(world: World) -> None:
    first, second = enter(world, *STRADDLE)
    world.broker.fill(world.order(second.order_id).broker_order_id, quantity=10)
    begin(world, 2)
    assert cancel_entries.run(cancel_entries.Input(**THERE, legs=[2]), world.rt).working == 1
    assert settle_entries.run(settle_entries.Input(**THERE, legs=[2]), world.rt).settled
    assert world.broker.cancels == [world.order(second.order_id).broker_order_id]
    assert [(o.leg, o.quantity) for o in compute(world, 2).buys] == [(2, 10)]
    assert not world.order(first.order_id).status.terminal


def test_an_entry_of_the_leg_can_not_leave_any_more(world: World) -> None:
    stands(world, leg(1, "CE"), leg(2, "PE"))
    begin(world, 2)
    row = world.order(enter(world, *STRADDLE)[1].order_id)
    fresh = row.model_copy(update={"order_id": row.order_id[:-1] + "2", "status": OrderState.CLAIMED})
    world.stores.orders.claim(fresh)
    assert not world.stores.orders.begin_send(fresh, phase=Phase.ENTERING, at=world.clock.now())


def test_an_entry_that_lost_a_leg_to_a_leg_exit_is_whole_without_it(world: World) -> None:
    first, second = enter(world, *STRADDLE)
    fill_all(world, [first])
    begin(world, 2)
    cancel_entries.run(cancel_entries.Input(**THERE, legs=[2]), world.rt)
    settle_entries.run(settle_entries.Input(**THERE, legs=[2]), world.rt)
    assert world.order(second.order_id).status is OrderState.CANCELLED
    assert assess_entry.run(assess_entry.Input(**THERE), world.rt).status is Assessment.OPEN


def test_a_hedge_is_not_closed_before_its_short(world: World) -> None:
    stands(world, *CONDOR)
    with pytest.raises(HedgeStillNeeded, match=r"leg 1 .* is the hedge of leg 3 .* close leg 3 as well"):
        begin(world, 1)
    assert plan(world).closing == ()
    assert "ExitBlocked" in world.alarms.raised


def test_a_hedge_is_not_closed_while_its_short_may_still_be_entered(world: World) -> None:
    fill_all(world, enter(world, *CONDOR)[:2])
    with pytest.raises(HedgeStillNeeded):
        begin(world, 1)


def test_a_hedge_goes_after_its_short_and_the_other_side_stays(world: World) -> None:
    stands(world, *CONDOR)
    begin(world, 1, 3)
    wave = compute(world, 1, 3)
    assert ([o.leg for o in wave.buys], [o.leg for o in wave.sells], wave.both) == ([3], [1], True)
    barrier = check_barrier.Input(**THERE, purpose="X", legs=[1, 3])
    assert not check_barrier.run(barrier, world.rt).ok
    close(world, wave.buys)
    assert check_barrier.run(barrier, world.rt).ok
    close(world, wave.sells)
    assert compute(world, 1, 3).status is WaveStatus.FLAT
    assert plan(world).phase is Phase.OPEN


def test_a_hedge_whose_short_is_being_closed_by_another_exit_drives_that_one_first(world: World) -> None:
    stands(world, *CONDOR)
    begin(world, 3)
    (short,) = compute(world, 3).buys
    begin(world, 1)
    wave = compute(world, 1)
    assert [o.order_id for o in wave.buys] == [short.order_id]
    assert wave.both


def test_a_hedge_waits_for_a_short_whose_entry_is_still_being_settled(world: World) -> None:
    orders = enter(world, *CONDOR)
    fill_all(world, orders[:2])
    begin(world, 3)
    begin(world, 1)
    waiting = compute(world, 1)
    assert (waiting.status, waiting.sells) == (WaveStatus.WAIT, [])


def test_a_leg_that_is_not_there_is_refused(world: World) -> None:
    stands(world, *STRADDLE)
    with pytest.raises(UnknownLeg, match=r"has the legs \[1, 2\], and no leg 7"):
        begin(world, 7)


def test_a_flat_account_has_no_leg_to_close(world: World) -> None:
    stands(world, *STRADDLE)
    world.stores.runs.set_phase(RUN_KEY, ACCOUNT, Phase.FLAT)
    assert not begin(world, 2).found


def test_what_is_on_its_way_goes_on_while_the_broker_can_not_be_seen(world: World) -> None:
    stands(world, *STRADDLE)
    begin(world, 2)
    send(world, compute(world, 2).buys[0])
    begin(world)
    world.broker.broken = BrokerUnavailable("503", account=ACCOUNT)
    assert [o.leg for o in compute(world).buys] == [2]


@pytest.mark.parametrize(
    ("bought", "sold", "expected"),
    [
        ("CE", "CE", True),
        ("CE", "PE", False),
        ("PE", "PE", True),
        ("FUT", "CE", True),
        ("CE", "FUT", True),
        ("PE", "FUT", False),
        ("", "PE", True),
    ],
)
def test_what_covers_what(bought: str, sold: str, expected: bool) -> None:
    assert covers(bought, sold) is expected


def test_the_names_of_exits_fit_into_eighty_characters() -> None:
    run, account = f"{'s' * 24}-20261123-M99", "Z" * 12
    assert exit_name(run, account) == f"{run}-{account}-EXIT"
    assert exit_name(run, account, [3, 1, 3]) == f"{run}-{account}-EXIT-L1.3"
    assert len(exit_name(run, account, range(13, 21))) == 80
    with pytest.raises(ValueError, match="at most 8"):
        exit_name(run, account, range(1, 10))
