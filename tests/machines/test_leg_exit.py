"""An exit of legs on the committed definitions: alone, beside others, and in the middle of the entry."""

from __future__ import annotations

from datetime import timedelta

from tasks.find_open_accounts import exit_task
from tasks.stores.ports import Phase
from tests.machines.conftest import EARLY, Day
from tests.machines.simulation import Running
from tests.machines.test_straddle_day import CALL, PUT, agree, flat
from tests.tasks.world import ACCOUNT, strategy
from workflows.asl.interpreter import Status

RUN = "straddle-20261123-S"
HEDGED = [
    {"side": "BUY", "right": "CE", "lots": 1, "strike": "ATM+2"},
    {"side": "SELL", "right": "CE", "lots": 1, "strike": "ATM"},
    {"side": "SELL", "right": "PE", "lots": 1, "strike": "ATM"},
]


def close_legs(day: Day, *legs: int, name: str = "") -> Running:
    plan = day.stores.runs.account(RUN, ACCOUNT)
    assert plan is not None
    task = exit_task(plan, legs).model_dump(mode="json")
    return day.simulation.start("AccountBasket", name or f"legs-{'.'.join(map(str, legs))}", task)


def on(day: Day, seconds: float) -> None:
    day.simulation.run(until=day.clock.now() + timedelta(seconds=seconds))


def test_one_leg_goes_and_the_schedule_closes_the_other(day: Day) -> None:
    day.entry()
    exit_ = close_legs(day, 2)
    on(day, 30)
    assert exit_.states[-1] == "Flat"
    assert (day.broker.net(CALL), day.broker.net(PUT)) == (-30, 0)
    plan = day.stores.runs.account(RUN, ACCOUNT)
    assert plan is not None
    assert plan.phase is Phase.OPEN
    day.exit()
    assert len(day.broker.sends) == 4
    flat(day)


def test_a_leg_a_second_leg_and_the_whole_account_at_the_same_moment(day: Day) -> None:
    day.entry()
    runs = [close_legs(day, 1), close_legs(day, 2), close_legs(day, 2, name="again"), close_legs(day)]
    on(day, 60)
    assert {one.states[-1] for one in runs} == {"Flat"}
    assert len(day.broker.sends) == 4
    flat(day)


def test_a_leg_whose_entry_still_works_is_cancelled_and_the_others_stay(day: Day) -> None:
    day.broker.fill_after = 6.0
    day.deliver()
    day.simulation.run(until=EARLY.replace(minute=30, second=2))
    exit_ = close_legs(day, 2)
    on(day, 60)
    assert exit_.states[-1] == "Flat"
    assert day.child().states[-1] == "Open"
    assert (day.broker.net(CALL), day.broker.net(PUT)) == (-30, 0)
    agree(day)
    day.exit()
    flat(day)


def test_a_hedge_alone_ends_in_an_error_that_says_what_to_do_and_is_redriven(day: Day) -> None:
    day.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(legs=HEDGED))
    day.entry()
    hedge = close_legs(day, 1)
    on(day, 30)
    assert (hedge.status, hedge.execution.error) == (Status.FAILED, "HedgeStillNeeded")
    assert "close leg 2 as well, or before" in str(hedge.execution.cause)
    close_legs(day, 2)
    on(day, 30)
    day.simulation.redrive(hedge.name)
    on(day, 30)
    assert hedge.states[-1] == "Flat"
    assert {symbol: day.broker.net(symbol) for symbol in day.symbols if day.broker.net(symbol)} == {PUT: -30}
    day.exit()
    flat(day)


def test_an_expired_token_delays_the_exit_of_a_leg_until_the_login(day: Day) -> None:
    day.entry()
    day.expire_token()
    exit_ = close_legs(day, 2)
    on(day, 60)
    assert exit_.status is Status.RUNNING
    assert "ExitBlocked" in day.alarms.raised
    day.log_in()
    on(day, 30)
    assert exit_.states[-1] == "Flat"
    assert day.broker.net(PUT) == 0
