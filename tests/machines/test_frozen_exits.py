"""What is open keeps the exit it was entered with, whatever becomes of its strategy."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tasks.stores.ports import Change
from tests.machines.conftest import EARLY, Day
from tests.machines.test_straddle_day import CALL, PUT, flat
from tests.tasks.world import ACCOUNT, strategy
from workflows.asl.interpreter import Status

EXIT_AT = EARLY.replace(hour=15, minute=15)


def delete_strategy(day: Day) -> None:
    assert not day.stores.catalog.commit([Change("user-1", "STRATEGY#straddle", None, 1)])


def sweep_until(day: Day, until: datetime) -> None:
    """The timetable's sweeps, one a minute."""
    while day.clock.now() < until:
        day.simulation.run(until=min(day.clock.now() + timedelta(minutes=1), until))
        day.sweep()


def test_a_strategy_deleted_at_noon_still_exits(day: Day) -> None:
    day.entry()
    day.simulation.run(until=EARLY.replace(hour=12))
    delete_strategy(day)
    day.simulation.run(until=EXIT_AT - timedelta(minutes=1))
    sweep_until(day, EXIT_AT)
    assert (day.broker.net(CALL), day.broker.net(PUT)) == (-30, -30)
    sweep_until(day, EXIT_AT + timedelta(minutes=1))
    assert len(day.broker.sends) == 4
    day.simulation.run(until=EXIT_AT + timedelta(minutes=1, seconds=10))
    flat(day)
    assert sum(p.realised for p in day.stores.positions.by_user_date("user-1", EARLY.date())) == Decimal(3000)


def test_its_own_exit_event_needs_no_strategy_either(day: Day) -> None:
    day.entry()
    delete_strategy(day)
    day.exit()
    assert day.child("EXIT").states[-1] == "Flat"
    flat(day)


def test_an_earlier_exit_written_at_noon_counts_from_the_next_run(day: Day) -> None:
    day.entry()
    day.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(exit_time="14:00"))
    day.simulation.run(until=EARLY.replace(hour=13, minute=58))
    day.deliver(transaction_type="EXIT", exit_time="14:00", scheduled_time="2026-11-23T08:28:00Z")
    day.simulation.run(until=EARLY.replace(hour=14, minute=30))
    assert (day.broker.net(CALL), day.broker.net(PUT)) == (-30, -30)
    day.simulation.run(until=EXIT_AT)
    sweep_until(day, EXIT_AT + timedelta(minutes=2))
    flat(day)


def test_a_sweep_and_the_schedule_close_once(day: Day) -> None:
    day.entry()
    day.exit()
    sweep_until(day, EXIT_AT + timedelta(minutes=25))
    assert len(day.broker.sends) == 4
    flat(day)


def test_a_sweep_before_the_time_does_nothing(day: Day) -> None:
    day.entry()
    run = day.sweep()
    assert run.status is Status.SUCCEEDED
    assert run.output["due"] == {"accounts": []}
    assert ACCOUNT not in str(run.output["started"])


@pytest.mark.parametrize("hour", [10, 12, 15])
def test_a_strategy_switched_off_still_exits(day: Day, hour: int) -> None:
    day.entry()
    day.simulation.run(until=EARLY.replace(hour=hour, minute=0))
    day.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(enabled=False))
    day.exit()
    flat(day)
