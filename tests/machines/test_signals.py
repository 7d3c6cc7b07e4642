"""An indicator-based strategy's day: the scan enters it, its exit condition or the time closes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.clock import IST
from brokers.model import Bar, Exchange, InstrumentId
from tasks.domain import items
from tasks.domain.strategy import parse_strategy
from tasks.signals.watched import agree
from tests.machines.conftest import Day
from tests.machines.simulation import Running
from tests.tasks.world import ACCOUNT, strategy

BANKNIFTY = InstrumentId(Exchange.NSE, "1016")
OPENS = datetime(2026, 11, 23, 9, 15, tzinfo=IST)


def prices(day: Day, *closes: int) -> None:
    """Five-minute closes from the open on."""
    day.broker.history[BANKNIFTY, 5] = [
        Bar(OPENS + n * timedelta(minutes=5), price, price, price, price, 0)
        for n, price in enumerate(map(Decimal, closes))
    ]


def watch(day: Day, **indicators: Any) -> None:
    document = strategy(
        dte=None,
        basket_id="weekly",
        trigger="indicator",
        indicators={"timeframe": 5, "entry": "close crosses above 58500", **indicators},
    )
    day.stores.catalog.put("user-1", items.strategy("straddle"), document)
    assert day.simulation.runtime is not None
    agree("user-1", "straddle", parse_strategy(document), day.simulation.runtime)


def scan(day: Day, clock: str) -> Running:
    """What the timetable does at that minute, and all that follows within another."""
    at = datetime.fromisoformat(f"2026-11-23T{clock}:00+05:30")
    day.simulation.run(until=at)
    run = day.simulation.start("SignalScan", f"scan-{clock}", {})
    day.simulation.run(until=at + timedelta(seconds=50))
    return run


@pytest.fixture
def entered(day: Day) -> Day:
    day.broker.fill_after = 1
    prices(day, 58400, 58400, 58400, 58600, 58600, 58300)
    watch(day, exit="close below 58350")
    assert scan(day, "09:30").output["found"]["runs"] == []
    assert scan(day, "09:35").status == "SUCCEEDED"
    return day


def executions(day: Day, part: str) -> list[str]:
    return [name for name in day.simulation.executions if part in name]


def test_a_signal_enters_within_the_minute(entered: Day) -> None:
    life = entered.simulation.executions["straddle-20261123-I0935-ENTRY"]
    assert life.status == "SUCCEEDED"
    assert {entered.broker.net(symbol) for symbol in entered.symbols} == {-30}
    child = entered.simulation.executions[f"straddle-20261123-I0935-{ACCOUNT}-ENTRY"]
    assert child.status == "SUCCEEDED"


def test_its_exit_condition_closes_it_once(entered: Day) -> None:
    assert scan(entered, "09:40").output["found"]["exits"] == []
    first = scan(entered, "09:45")
    assert [one["status"] for one in first.output["exits_started"]] == ["STARTED"]
    assert {entered.broker.net(symbol) for symbol in entered.symbols} == {0}
    assert scan(entered, "09:46").output["found"]["exits"] == []
    assert len(executions(entered, "-EXIT")) == 1


def test_time_closes_it_to_the_second(entered: Day) -> None:
    scan(entered, "15:13")
    entered.simulation.run(until=datetime(2026, 11, 23, 15, 14, 59, tzinfo=IST))
    assert {entered.broker.net(symbol) for symbol in entered.symbols} == {-30}
    entered.simulation.run(until=datetime(2026, 11, 23, 15, 15, 5, tzinfo=IST))
    assert {entered.broker.net(symbol) for symbol in entered.symbols} == {0}
    assert entered.simulation.executions["straddle-20261123-I0935-EXIT"].status == "SUCCEEDED"


def test_a_scan_that_runs_twice_enters_once(entered: Day) -> None:
    again = entered.simulation.start("SignalScan", "again", {})
    entered.simulation.run(until=datetime(2026, 11, 23, 9, 35, 59, tzinfo=IST))
    assert [one["status"] for one in again.output["runs_started"]] == ["ALREADY_STARTED"]
    assert len(executions(entered, f"{ACCOUNT}-ENTRY")) == 1
