"""Which days trade: ours against the calendar packages, with the differences we know listed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

import exchange_calendars
import pandas_market_calendars
import pytest

from brokers.clock import IST
from brokers.model import Exchange
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted

CALENDAR = TradingCalendar.load()
FIRST, LAST = date(2025, 1, 1), date(2026, 12, 31)
BUDGET_SESSIONS = {date(2025, 2, 1), date(2026, 2, 1)}
DIWALI_2025 = date(2025, 10, 21)


def test_it_agrees_with_exchange_calendars_but_for_budget_sessions() -> None:
    theirs = {day.date() for day in exchange_calendars.get_calendar("XBOM").sessions_in_range(FIRST, LAST)}
    assert set(CALENDAR.sessions_between(FIRST, LAST)) ^ theirs == BUDGET_SESSIONS


def test_it_agrees_with_pandas_market_calendars_but_for_budget_sessions_and_muhurat() -> None:
    days = pandas_market_calendars.get_calendar("NSE").valid_days(FIRST, LAST)
    theirs = {day.date() for day in days}
    assert set(CALENDAR.sessions_between(FIRST, LAST)) ^ theirs == BUDGET_SESSIONS | {DIWALI_2025}


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 11, 23), None),
        (date(2026, 11, 24), "holiday: Guru Nanak Jayanti"),
        (date(2026, 11, 21), "weekend"),
        (date(2026, 11, 22), "weekend"),
        (date(2026, 2, 1), None),
        (date(2026, 11, 8), "Muhurat trading only (an hour in the evening, to be announced by circular)"),
        (date(2025, 10, 21), "Muhurat trading only (an hour in the afternoon)"),
        (date(2026, 1, 15), "holiday: Municipal elections in Maharashtra"),
    ],
)
def test_why_a_day_is_closed(day: date, reason: str | None) -> None:
    assert CALENDAR.why_closed(day) == reason
    assert CALENDAR.is_session(day) is (reason is None)


@pytest.mark.parametrize("segment", [Exchange.NFO, Exchange.BFO])
def test_derivatives_trade_ten_minutes_longer_since_august_2026(segment: Exchange) -> None:
    before = CALENDAR.session(date(2026, 7, 31), segment)
    after = CALENDAR.session(date(2026, 8, 3), segment)
    assert before is not None
    assert after is not None
    assert before.opens == datetime(2026, 7, 31, 9, 15, tzinfo=IST)
    assert before.closes == datetime(2026, 7, 31, 15, 30, tzinfo=IST)
    assert after.closes == datetime(2026, 8, 3, 15, 40, tzinfo=IST)


def test_the_spot_of_an_index_is_not_live_in_the_closing_auction() -> None:
    session = CALENDAR.session(date(2026, 11, 23), Exchange.NSE)
    assert session is not None
    assert datetime(2026, 11, 23, 15, 14, 59, tzinfo=IST) in session
    assert datetime(2026, 11, 23, 15, 15, tzinfo=IST) not in session


def test_there_is_no_session_on_a_closed_day() -> None:
    assert CALENDAR.session(date(2026, 11, 24)) is None


@pytest.mark.parametrize(
    ("today", "expiry", "dte"),
    [
        (date(2026, 11, 23), date(2026, 11, 23), 0),
        (date(2026, 11, 20), date(2026, 11, 23), 1),
        (date(2026, 11, 19), date(2026, 11, 23), 2),
        (date(2026, 11, 22), date(2026, 11, 23), 1),
        (date(2026, 11, 23), date(2026, 12, 1), 5),
        (date(2026, 1, 30), date(2026, 2, 3), 3),
        (date(2026, 2, 1), date(2026, 2, 3), 2),
        (date(2026, 11, 6), date(2026, 11, 9), 1),
    ],
)
def test_days_to_expiry_are_trading_sessions(today: date, expiry: date, dte: int) -> None:
    assert CALENDAR.dte(today, expiry) == dte


def test_an_expired_contract_has_no_days_to_expiry() -> None:
    with pytest.raises(ValueError, match="expired"):
        CALENDAR.dte(date(2026, 11, 25), date(2026, 11, 23))


def test_the_sessions_before_and_after() -> None:
    assert CALENDAR.next_session(date(2026, 11, 23)) == date(2026, 11, 25)
    assert CALENDAR.next_session(date(2026, 1, 30)) == date(2026, 2, 1)
    assert CALENDAR.previous_session(date(2026, 11, 25)) == date(2026, 11, 23)
    assert CALENDAR.previous_session(date(2026, 11, 22)) == date(2026, 11, 20)


def test_every_session_is_the_next_of_the_one_before() -> None:
    sessions = CALENDAR.sessions_between(FIRST, LAST)
    for earlier, later in pairwise(sessions):
        assert CALENDAR.next_session(earlier) == later
        assert CALENDAR.previous_session(later) == earlier
        assert CALENDAR.dte(earlier, later) == 1


@pytest.mark.parametrize("day", [date(2027, 1, 1), date(2024, 12, 31), date(2027, 1, 2)])
def test_beyond_the_file_is_an_error_that_says_what_to_do(day: date) -> None:
    with pytest.raises(CalendarExhausted, match=r"2025-01-01 to 2026-12-31, not to .*calendar\.json"):
        CALENDAR.is_session(day)


def test_nothing_is_counted_into_the_unknown() -> None:
    with pytest.raises(CalendarExhausted):
        CALENDAR.dte(date(2026, 12, 30), date(2027, 1, 5))
    with pytest.raises(CalendarExhausted):
        CALENDAR.next_session(date(2026, 12, 31))
    with pytest.raises(CalendarExhausted):
        CALENDAR.previous_session(date(2025, 1, 1))


def test_the_file_itself_is_sound() -> None:
    """Holidays on weekends, or special sessions on days that trade anyway, are typing mistakes."""
    assert all(day.weekday() < 5 for day in CALENDAR.holidays)
    assert all(day.weekday() >= 5 or day in CALENDAR.holidays for day in CALENDAR.special_sessions)
    dated = [*CALENDAR.holidays, *CALENDAR.special_sessions, *CALENDAR.muhurat]
    assert all(CALENDAR.starts <= day <= CALENDAR.reaches for day in dated)
    assert CALENDAR.reaches - CALENDAR.starts > timedelta(days=365)
    assert all(rows[0].since == CALENDAR.starts for rows in CALENDAR.hours.values())
