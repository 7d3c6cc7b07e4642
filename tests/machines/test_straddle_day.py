"""The straddle's day on the committed definitions: after each, the exchange's ledger and ours agree."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from brokers.model import NotSent, NotSentCause, Unknown
from tasks.stores.ports import Phase
from tests.machines.conftest import EARLY, Day
from tests.tasks.world import ACCOUNT, strategy
from workflows.asl.interpreter import Status

CALL, PUT = "BANKNIFTY26NOV58400CE", "BANKNIFTY26NOV58400PE"


def agree(day: Day) -> None:
    """Every order at the exchange is ours by tag, with the same fills, and no tag is there twice."""
    tags = [order.tag for order in day.broker.book]
    assert len(tags) == len(set(tags))
    for order in day.broker.book:
        ours = day.stores.orders.get(order.tag)
        assert ours is not None
        assert (ours.filled_quantity, ours.broker_order_id) == (order.filled_quantity, order.broker_order_id)


def flat(day: Day) -> None:
    agree(day)
    assert {symbol: day.broker.net(symbol) for symbol in day.symbols if day.broker.net(symbol)} == {}
    plan = day.stores.runs.account("straddle-20261123-S", ACCOUNT)
    assert plan is None or plan.phase is Phase.FLAT


def test_the_straddle_enters_and_exits_with_its_profit(day: Day) -> None:
    run = day.entry()
    assert run.status is Status.SUCCEEDED
    assert day.child().states[-1] == "Open"
    assert (day.broker.net(CALL), day.broker.net(PUT)) == (-30, -30)
    day.exit()
    assert day.child("EXIT").states[-1] == "Flat"
    flat(day)
    positions = day.stores.positions.by_user_date("user-1", EARLY.date())
    assert sum(p.realised for p in positions) == Decimal(3000)


def test_no_order_leaves_before_the_entry_second(day: Day) -> None:
    day.deliver()
    day.simulation.run(until=EARLY.replace(minute=29, second=59))
    assert day.broker.sends == []


def test_the_same_event_twice_is_one_set_of_orders(day: Day) -> None:
    first, second = day.deliver(), day.deliver()
    day.simulation.run(until=EARLY.replace(minute=45))
    assert [first.output.get("result"), second.output["result"]["status"]] == [None, "SKIPPED"]
    assert len(day.broker.sends) == 2
    day.exit()
    flat(day)


def test_two_exits_at_the_same_moment_close_once(day: Day) -> None:
    day.entry()
    exit_event = {"transaction_type": "EXIT", "scheduled_time": "2026-11-23T09:43:00Z"}
    day.simulation.run(until=EARLY.replace(hour=15, minute=13))
    day.deliver(**exit_event)
    day.deliver(**exit_event)
    day.simulation.run(until=EARLY.replace(hour=15, minute=40))
    assert len(day.broker.sends) == 4
    flat(day)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weekdays": ["TUE"]}, "not one of TUE"),
        ({"dte": 1}, "DTE 0"),
        ({"scheduled_time": "2026-11-24T03:58:00Z", "weekdays": ["TUE"]}, "holiday"),
    ],
)
def test_a_run_that_is_not_due_says_why(day: Day, changes: dict[str, object], reason: str) -> None:
    run = day.deliver(**changes)
    day.simulation.run(until=EARLY + timedelta(days=1, hours=1))
    assert run.output["result"]["status"] == "SKIPPED"
    assert reason in run.output["result"]["reason"]
    assert day.broker.sends == []


def test_a_late_start_enters_nothing(day: Day) -> None:
    day.clock.advance(8 * 60)
    run = day.deliver()
    day.simulation.run(until=EARLY.replace(hour=10))
    assert run.output["result"]["status"] == "MISSED"
    assert day.broker.sends == []


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_reply_is_settled(day: Day, arrived: bool) -> None:
    day.broker.outcomes = [Unknown("no answer in 7 s"), Unknown("no answer in 7 s")]
    day.broker.accepts = arrived
    day.deliver()
    day.simulation.run(until=EARLY.replace(minute=30, second=2))
    day.broker.accepts = True
    day.simulation.run(until=EARLY.replace(minute=45))
    assert (day.broker.net(CALL), day.broker.net(PUT)) == (-30, -30)
    day.exit()
    flat(day)


def test_a_rejected_leg_takes_the_other_one_out_again(day: Day) -> None:
    day.broker.rejects = "PE"
    day.entry()
    assert "BeginExit" in day.child().states
    assert day.child().states[-1] == "Flat"
    flat(day)


def test_a_rejected_leg_is_kept_where_the_strategy_says_so(day: Day) -> None:
    day.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(on_leg_reject="keep"))
    day.broker.rejects = "PE"
    day.entry()
    assert (day.broker.net(CALL), day.broker.net(PUT)) == (-30, 0)
    day.exit()
    flat(day)


def test_an_order_that_stays_open_is_chased(day: Day) -> None:
    day.broker.fills_once_modified = True
    day.entry()
    assert "ChaseSellOrder" in day.child().states
    assert (day.broker.net(CALL), day.broker.net(PUT)) == (-30, -30)


def test_an_entry_that_never_fills_is_cancelled_at_the_end_of_its_window(day: Day) -> None:
    day.broker.fill_after = None
    day.entry()
    assert len(day.broker.cancels) == len(day.broker.sends) == 6, "replaced after two minutes, and after four"
    assert day.child().states[-1] == "NothingEntered"
    flat(day)


def test_an_exit_while_an_entry_still_works(day: Day) -> None:
    day.broker.fill_after = None
    day.deliver(exit_time="09:32")
    day.simulation.run(until=EARLY.replace(minute=31))
    day.broker.fill("B1", price="250.00")
    day.deliver(transaction_type="EXIT", exit_time="09:32", scheduled_time="2026-11-23T04:00:00Z")
    day.broker.fill_after = 1.0
    day.simulation.run(until=EARLY.replace(hour=10))
    assert day.child().status is Status.SUCCEEDED
    assert day.child("EXIT").states[-1] == "Flat"
    flat(day)


def test_an_expired_token_on_the_way_in_is_redriven_inside_the_window(day: Day) -> None:
    day.deliver()
    day.simulation.run(until=EARLY.replace(minute=29))
    day.at(EARLY.replace(minute=29, second=59), day.expire_token)
    day.simulation.run(until=EARLY.replace(minute=31))
    failed = [r for r in day.simulation.executions.values() if r.status is Status.FAILED]
    assert [r.execution.error for r in failed] == ["TokenExpired"]
    day.log_in()
    day.simulation.redrive(failed[0].name)
    day.simulation.run(until=EARLY.replace(minute=45))
    assert (day.broker.net(CALL), day.broker.net(PUT)) == (-30, -30)
    assert len(day.broker.sends) == 2


def test_redriven_after_the_window_nothing_is_traded(day: Day) -> None:
    day.deliver()
    day.simulation.run(until=EARLY.replace(minute=29))
    day.at(EARLY.replace(minute=29, second=59), day.expire_token)
    day.simulation.run(until=EARLY.replace(minute=40))
    (failed,) = [r for r in day.simulation.executions.values() if r.status is Status.FAILED]
    day.log_in()
    day.simulation.redrive(failed.name)
    day.simulation.run(until=EARLY.replace(minute=50))
    assert day.broker.sends == []
    assert day.child().states[-1] == "Missed"


def test_an_expired_token_delays_an_exit_and_never_ends_it(day: Day) -> None:
    day.entry()
    day.at(EARLY.replace(hour=15, minute=14), day.expire_token)
    day.simulation.at(
        EARLY.replace(hour=15, minute=25).timestamp(), lambda: setattr(day.broker, "broken", None)
    )
    day.exit()
    assert day.child("EXIT").states[-1] == "Flat"
    assert "ExitBlocked" in day.alarms.raised
    flat(day)


def test_what_was_surely_not_sent_goes_out_when_it_can(day: Day) -> None:
    day.broker.outcomes = [NotSent(NotSentCause.RATE_LIMIT, "429")]
    day.broker.accepts = False
    day.deliver()
    day.at(EARLY.replace(minute=30, second=1), lambda: setattr(day.broker, "accepts", True))
    day.simulation.run(until=EARLY.replace(minute=45))
    assert day.broker.net(CALL) == -30
