"""Exits never stop: whatever is in their way, each ends flat, and a person hears of it meanwhile.

Paused and deleted strategies are in `test_frozen_exits`, an expired token in `test_straddle_day`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from brokers.errors import BrokerUnavailable
from brokers.model import Rejected
from tasks.stores.ports import Change
from tests.machines.conftest import EARLY, Day
from tests.machines.test_straddle_day import flat
from tests.tasks.world import ACCOUNT
from workflows.asl.interpreter import Status

EXIT_AT = EARLY.replace(hour=15, minute=15)


def due(day: Day, until: datetime) -> None:
    """The schedule's exit, and the day goes on."""
    day.simulation.run(until=EXIT_AT - timedelta(minutes=2))
    day.deliver(transaction_type="EXIT", scheduled_time="2026-11-23T09:43:00Z")
    day.simulation.run(until=until)


def test_a_dead_account_alarms_and_its_exit_goes_on_when_it_is_back(day: Day) -> None:
    day.entry()
    day.broker.broken = BrokerUnavailable("no answer", account=ACCOUNT)
    due(day, EXIT_AT + timedelta(minutes=5))
    assert day.alarms.raised.count("ExitBlocked") > 3
    assert day.child("EXIT").status is Status.RUNNING
    day.broker.broken = None
    day.simulation.run(until=EXIT_AT + timedelta(minutes=5, seconds=30))
    flat(day)


def test_rejected_closing_orders_are_sent_again(day: Day) -> None:
    day.entry()
    day.simulation.run(until=EXIT_AT - timedelta(minutes=3))
    day.broker.outcomes = [Rejected("RMS: blocked"), Rejected("RMS: blocked")]
    day.broker.accepts = False
    day.at(EXIT_AT + timedelta(seconds=1), lambda: setattr(day.broker, "accepts", True))
    due(day, EXIT_AT + timedelta(minutes=3))
    assert "OrderRejected" in day.alarms.raised
    flat(day)


def test_a_failed_run_of_the_same_strategy_leaves_the_other_runs_exit_alone(day: Day) -> None:
    day.entry()
    day.expire_token()
    day.deliver(run="M1", entry_time="11:00", scheduled_time="2026-11-23T05:28:00Z")
    day.simulation.run(until=EARLY.replace(hour=11, minute=30))
    failed = [run for run in day.simulation.executions.values() if run.status is Status.FAILED]
    assert failed, "the second run could not enter"
    day.log_in()
    due(day, EXIT_AT + timedelta(minutes=1))
    flat(day)


def test_an_account_that_was_unlinked_and_a_strategy_that_is_gone_are_closed_all_the_same(day: Day) -> None:
    day.entry()
    for item in ("STRATEGY#straddle", f"ACCOUNT#{ACCOUNT}"):
        assert not day.stores.catalog.commit([Change("user-1", item, None, 1)])
    due(day, EXIT_AT + timedelta(minutes=1))
    flat(day)
