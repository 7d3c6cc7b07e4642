"""Which days trade, during which hours, and how many sessions lie between two days.

The facts are in `data/calendar.json`, ours, because the calendar packages miss special sessions and the close
at 15:40. A day the file does not reach is an error and never a guess: a strategy that counts sessions over
an unknown holiday would trade on the wrong day.

>>> TradingCalendar.load().why_closed(date(2026, 11, 24))
'holiday: Guru Nanak Jayanti'
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from brokers.clock import IST
from brokers.model import Exchange
from tasks.domain.errors import CalendarExhausted

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Session:
    """One day's trading hours, aware and in IST."""

    opens: datetime
    closes: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.opens <= moment < self.closes


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of a segment since a day."""

    since: date
    opens: time
    closes: time


@dataclass(frozen=True)
class TradingCalendar:
    """The trading days of NSE and BSE derivatives from `starts` to `reaches`, both included.

    A day with nothing but Muhurat trading is no session: nobody can enter and leave a strategy in that hour,
    and its time is announced days before.
    """

    starts: date
    reaches: date
    holidays: Mapping[date, str]
    special_sessions: Mapping[date, str]
    muhurat: Mapping[date, str]
    hours: Mapping[Exchange, tuple[Hours, ...]]

    @staticmethod
    @cache
    def load() -> TradingCalendar:
        """The calendar that ships with the platform, read once a process."""
        text = (files("tasks.domain.data") / "calendar.json").read_text(encoding="utf-8")
        return TradingCalendar.from_document(json.loads(text))

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> TradingCalendar:
        return TradingCalendar(
            starts=date.fromisoformat(document["starts"]),
            reaches=date.fromisoformat(document["reaches"]),
            holidays=_dated(document["holidays"]),
            special_sessions=_dated(document["special_sessions"]),
            muhurat=_dated(document["muhurat"]),
            hours={Exchange(segment): _hours(rows) for segment, rows in document["hours"].items()},
        )

    def is_session(self, day: date) -> bool:
        """Raises `CalendarExhausted` beyond the file."""
        return self.why_closed(day) is None

    def why_closed(self, day: date) -> str | None:
        """The reason in a few words, None on a trading day. Raises `CalendarExhausted` beyond the file."""
        self._within(day)
        if day in self.special_sessions:
            return None
        if day in self.muhurat:
            return f"Muhurat trading only ({self.muhurat[day]})"
        if day in self.holidays:
            return f"holiday: {self.holidays[day]}"
        return "weekend" if day.weekday() >= _SATURDAY else None

    def session(self, day: date, segment: Exchange = Exchange.NFO) -> Session | None:
        """The day's hours in `segment`, None if it does not trade. For NSE and BSE: continuous trading only.

        Since 3 August 2026 the cash market goes into its closing auction at 15:15, so the spot of an index
        is not live after that although its options trade on.
        """
        if not self.is_session(day):
            return None
        hours = self._hours_on(day, segment)
        return Session(datetime.combine(day, hours.opens, IST), datetime.combine(day, hours.closes, IST))

    def closing(self, day: date, segment: Exchange) -> datetime:
        """When `segment` closes on a day that trades; it may lie beyond the file, as a far expiry does."""
        return datetime.combine(day, self._hours_on(day, segment).closes, IST)

    def _hours_on(self, day: date, segment: Exchange) -> Hours:
        return [row for row in self.hours[segment] if row.since <= day][-1]

    def sessions_between(self, first: date, last: date) -> tuple[date, ...]:
        """Trading days from `first` to `last`, both included; empty if `last` is earlier."""
        self._within(first)
        self._within(last)
        return self._sessions[bisect_left(self._sessions, first) : bisect_right(self._sessions, last)]

    def dte(self, today: date, expiry: date) -> int:
        """Days to expiry: trading sessions after `today` up to `expiry`, so 0 on expiry day.

        On a day that does not trade it counts from the day before, as traders do over a weekend.

        Raises
        ------
        ValueError
            If the contract has expired.
        CalendarExhausted
            If the file does not reach the expiry: then the number is unknown.
        """
        if expiry < today:
            raise ValueError(f"a contract of {expiry} has expired on {today}")
        return len(self.sessions_between(today, expiry)) - (1 if self.is_session(today) else 0)

    def next_session(self, day: date) -> date:
        """The first trading day after `day`."""
        self._within(day)
        at = bisect_right(self._sessions, day)
        if at == len(self._sessions):
            self._within(self.reaches + timedelta(days=1))
        return self._sessions[at]

    def previous_session(self, day: date) -> date:
        """The last trading day before `day`."""
        self._within(day)
        at = bisect_left(self._sessions, day)
        if at == 0:
            self._within(self.starts - timedelta(days=1))
        return self._sessions[at - 1]

    @cached_property
    def _sessions(self) -> tuple[date, ...]:
        days = (self.starts + timedelta(days=n) for n in range((self.reaches - self.starts).days + 1))
        return tuple(day for day in days if self.is_session(day))

    def _within(self, day: date) -> None:
        if not self.starts <= day <= self.reaches:
            raise CalendarExhausted(
                f"the trading calendar reaches from {self.starts} to {self.reaches}, not to {day}: add the "
                "exchange's holidays to tasks/domain/data/calendar.json and move its `reaches`"
            )


def _dated(rows: Mapping[str, str]) -> dict[date, str]:
    return {date.fromisoformat(day): text for day, text in rows.items()}


def _hours(rows: list[dict[str, str]]) -> tuple[Hours, ...]:
    parsed = [
        Hours(
            date.fromisoformat(row["from"]), time.fromisoformat(row["open"]), time.fromisoformat(row["close"])
        )
        for row in rows
    ]
    return tuple(sorted(parsed, key=lambda row: row.since))
