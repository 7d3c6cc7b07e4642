"""Everything that is not flat, also what is still entering, whatever day it belongs to.

Read from the runs themselves, never from a read-model: it must not miss what was entered a second ago.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from brokers.clock import IST
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.stores.bundle import Stores
from tasks.stores.ports import AccountRun, Phase

_FAR = timedelta(days=40)


def open_runs(stores: Stores, now: datetime) -> list[AccountRun]:
    """Of all users, the first to be closed first."""
    days = _days(now.astimezone(IST).date())
    plans = [plan for day in days for plan in stores.runs.due_exits(day, before=now + _FAR)]
    return [plan for plan in plans if plan.phase is not Phase.FLAT]


def _days(today: date) -> list[date]:
    """Days on which an exit of what is open can be due: a shut market moves it to the next session."""
    try:
        calendar = TradingCalendar.load()
        days = {calendar.previous_session(today), today, calendar.next_session(today)}
    except CalendarExhausted:
        days = {today - timedelta(days=1), today, today + timedelta(days=1)}
    return sorted(days)
