"""Which expiries are listed on a day, and what a contract is called.

Rules as of November 2026: NSE's contracts expire on Tuesdays and BSE's on Thursdays (since September 2025),
on the previous trading day if that is a holiday; only NIFTY and SENSEX have weeklies; the last expiry of a
calendar month has the monthly symbol (`BANKNIFTY26NOV56300PE`), the others carry the day itself, moved if
it was moved (`NIFTY26N0924500CE`).
"""

from __future__ import annotations

import calendar as months
from datetime import date, timedelta
from decimal import Decimal

from brokers.simulator.calendar import TradingCalendar
from brokers.simulator.underlyings import Underlying

MONTHLIES = 3
WEEKLY_MONTH_LETTERS = "123456789OND"


def monthly_expiry(underlying: Underlying, year: int, month: int, calendar: TradingCalendar) -> date:
    """The last expiry weekday of the month, or the trading day before it."""
    last = date(year, month, months.monthrange(year, month)[1])
    weekday = underlying.expiry_weekday(last)
    return calendar.on_or_before(last - timedelta(days=(last.weekday() - weekday) % 7))


def listed_expiries(underlying: Underlying, day: date, calendar: TradingCalendar) -> list[date]:
    """Every expiry listed on `day`, earliest first; today's own expiry is still listed."""
    coming = list(_coming_monthlies(underlying, day, calendar))
    chosen = set(coming[:MONTHLIES])
    quarterlies = [expiry for expiry in coming[MONTHLIES:] if expiry.month in (3, 6, 9, 12)]
    chosen.update(quarterlies[: underlying.quarterlies])
    half_yearlies = [expiry for expiry in quarterlies[underlying.quarterlies :] if expiry.month in (6, 12)]
    chosen.update(half_yearlies[: underlying.half_yearlies])
    chosen.update(_weeklies(underlying, day, calendar))
    return sorted(chosen)


def _coming_monthlies(underlying: Underlying, day: date, calendar: TradingCalendar) -> list[date]:
    months_ahead = range(12 * 6)
    expiries = (
        monthly_expiry(underlying, day.year + (day.month - 1 + n) // 12, (day.month - 1 + n) % 12 + 1, calendar)
        for n in months_ahead
    )
    return [expiry for expiry in expiries if expiry >= day]


def _weeklies(underlying: Underlying, day: date, calendar: TradingCalendar) -> list[date]:
    found: list[date] = []
    week = day - timedelta(days=day.weekday())
    while len(found) < underlying.weeklies:
        expiry = calendar.on_or_before(week + timedelta(days=underlying.expiry_weekday(week)))
        if expiry >= day:
            found.append(expiry)
        week += timedelta(days=7)
    return found


def is_monthly(underlying: Underlying, expiry: date, calendar: TradingCalendar) -> bool:
    return expiry == monthly_expiry(underlying, expiry.year, expiry.month, calendar)


def option_symbol(name: str, expiry: date, strike: Decimal, right: str, *, monthly: bool) -> str:
    """The exchange's symbol of an option, e.g. BANKNIFTY26NOV56300PE or NIFTY26N0924500CE."""
    return f"{name}{_expiry_code(expiry, monthly=monthly)}{strike.normalize():f}{right}"


def future_symbol(name: str, expiry: date) -> str:
    return f"{name}{_expiry_code(expiry, monthly=True)}FUT"


def _expiry_code(expiry: date, *, monthly: bool) -> str:
    if monthly:
        return f"{expiry:%y}{expiry:%b}".upper()
    return f"{expiry:%y}{WEEKLY_MONTH_LETTERS[expiry.month - 1]}{expiry:%d}"
