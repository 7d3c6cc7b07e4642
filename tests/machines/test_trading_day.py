"""The platform's morning: logins are called for twice, contracts are loaded, leftovers are found, loudly."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from brokers.clock import IST
from brokers.model import Exchange, Product, Side
from tasks.domain import items
from tasks.stores.ports import AccountRun, Phase, PlannedLeg
from tests.machines.conftest import EARLY, EXPIRY, Day
from tests.machines.simulation import Running
from tests.tasks.world import ACCOUNT
from workflows.asl.interpreter import Status

EIGHT = EARLY.replace(hour=8, minute=0)


@pytest.fixture
def morning(day: Day) -> Day:
    day.clock.at = EIGHT
    return day


def begin(day: Day) -> Running:
    return day.simulation.start("TradingDay", f"day-{day.clock.now():%Y%m%d}", {})


def until(day: Day, hour: int, minute: int) -> None:
    day.simulation.run(until=day.clock.now().replace(hour=hour, minute=minute))


def asked(day: Day) -> dict[str, object]:
    return day.stores.catalog.get("user-1", f"LOGIN#{ACCOUNT}") or {}


def test_a_morning_where_everything_is_right(morning: Day) -> None:
    run = begin(morning)
    until(morning, 8, 59)
    assert run.status is Status.RUNNING
    until(morning, 9, 5)
    assert (run.status, run.states[-1]) == (Status.SUCCEEDED, "Ready")
    assert asked(morning) == {}
    expiries = morning.stores.market.get("BANKNIFTY", "EXPIRIES") or {}
    assert expiries["trading_date"] == EXPIRY.isoformat()
    session = morning.stores.market.get("CALENDAR", "SESSION") or {}
    assert (session["opens"], session["next"]) == ("2026-11-23T09:15:00+05:30", "2026-11-25")


def test_who_has_not_logged_in_is_called_at_eight_and_at_nine(morning: Day) -> None:
    morning.expire_token()
    run = begin(morning)
    until(morning, 8, 30)
    assert asked(morning)["call"] == "FIRST"
    assert asked(morning)["asked_at"] == EIGHT.isoformat()
    until(morning, 9, 5)
    assert asked(morning)["call"] == "SECOND"
    assert morning.alarms.raised == ["LoginNeeded", "LoginNeeded"]
    assert (run.status, run.execution.error) == (Status.FAILED, "NobodyLoggedIn")


def test_who_logs_in_after_the_first_call_is_not_called_again(morning: Day) -> None:
    morning.expire_token()
    run = begin(morning)
    until(morning, 8, 30)
    morning.log_in()
    until(morning, 9, 5)
    assert asked(morning)["call"] == "FIRST"
    assert run.status is Status.SUCCEEDED


def test_a_session_that_is_over_needs_no_question_to_the_broker(morning: Day) -> None:
    known = morning.stores.catalog.get("user-1", items.account(ACCOUNT)) or {}
    over = known | {"valid_until": "2026-11-23T06:00:00+05:30"}
    morning.stores.catalog.put("user-1", items.account(ACCOUNT), over)
    begin(morning)
    until(morning, 8, 30)
    assert "06:00" in str(asked(morning)["reason"])


def test_a_paused_account_is_left_in_peace(morning: Day) -> None:
    known = morning.stores.catalog.get("user-1", items.account(ACCOUNT)) or {}
    morning.stores.catalog.put("user-1", items.account(ACCOUNT), known | {"status": "PAUSED"})
    morning.expire_token()
    run = begin(morning)
    until(morning, 9, 5)
    assert asked(morning) == {}
    assert run.status is Status.SUCCEEDED


def test_a_day_that_does_not_trade_ends_at_once(morning: Day) -> None:
    morning.clock.at = datetime(2026, 11, 24, 8, tzinfo=IST)
    run = begin(morning)
    until(morning, 8, 1)
    assert run.states[-1] == "MarketShut"
    assert run.output["day"]["reason"] == "holiday: Guru Nanak Jayanti"


def test_what_an_earlier_day_left_open_is_called_out(morning: Day) -> None:
    friday = date(2026, 11, 20)
    morning.stores.runs.plan_account(_left_open(friday))
    run = begin(morning)
    until(morning, 9, 5)
    assert (run.status, run.execution.error) == (Status.FAILED, "LeftOpen")
    assert "LeftOpen" in morning.alarms.raised


def test_the_operator_may_name_whose_prices_are_used(morning: Day) -> None:
    morning.stores.catalog.put(items.PLATFORM, items.SETTINGS, {"data_account": ACCOUNT})
    run = begin(morning)
    until(morning, 9, 5)
    assert "UseNamed" in run.states


def _left_open(day: date) -> AccountRun:
    entered = datetime(day.year, day.month, day.day, 9, 30, tzinfo=IST)
    leg = PlannedLeg(
        leg=1,
        position_id="straddle-20261120-S-ZA1234-L1",
        exchange=Exchange.NFO,
        symbol="BANKNIFTY26NOV58400CE",
        exchange_token="1",
        side=Side.SELL,
        lot_size=30,
        tick=Decimal("0.05"),
        freeze=600,
        slices=(30,),
        limit_price=Decimal(250),
    )
    return AccountRun(
        run_key="straddle-20261120-S",
        account=ACCOUNT,
        broker="zerodha",
        user_id="user-1",
        basket_id="weekly",
        strategy_id="straddle",
        trading_date=day,
        underlying="BANKNIFTY",
        product=Product.MIS,
        on_leg_reject="unwind",
        phase=Phase.OPEN,
        entry_until=entered + timedelta(minutes=5),
        exit_at=entered.replace(hour=15, minute=15),
        legs=(leg,),
    )
