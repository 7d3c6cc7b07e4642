"""When the exchanges are open: the simulator's own small calendar, from `data/calendar.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

from brokers.clock import IST

SATURDAY = 5


def load_data(name: str) -> Any:
    """The parsed JSON file `name` of this package's data."""
    return json.loads(files("brokers.simulator").joinpath("data", name).read_text())


@dataclass(frozen=True, slots=True)
class Session:
    """Trading hours of one day, aware and in IST. Orders are taken from `open` to before `close`."""

    open: datetime
    close: datetime

    def contains(self, at: datetime) -> bool:
        return self.open <= at < self.close


class TradingCalendar:
    """Trading days and hours of equity derivatives on NSE and BSE (they keep the same days)."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._complete = frozenset(data["complete"])
        self._holidays = frozenset(date.fromisoformat(day) for day in data["holidays"])
        self._yearly = frozenset(data["yearly"])
        self._hours = [
            (date.fromisoformat(row["from"]), time.fromisoformat(row["open"]), time.fromisoformat(row["close"]))
            for row in data["sessions"]
        ]
        self._special = {
            date.fromisoformat(row["date"]): (time.fromisoformat(row["open"]), time.fromisoformat(row["close"]))
            for row in data["special"]
        }

    def is_expiry_day(self, day: date) -> bool:
        """A contract can expire on `day`: a weekday that is no holiday (special sessions don't count)."""
        return day.weekday() < SATURDAY and not self._is_holiday(day)

    def is_trading_day(self, day: date) -> bool:
        return day in self._special or self.is_expiry_day(day)

    def session(self, day: date) -> Session | None:
        """The hours of `day`, or None when there is no session."""
        if day in self._special:
            opens, closes = self._special[day]
        elif self.is_expiry_day(day):
            opens, closes = next((o, c) for since, o, c in reversed(self._hours) if since <= day)
        else:
            return None
        return Session(datetime.combine(day, opens, IST), datetime.combine(day, closes, IST))

    def is_open(self, at: datetime) -> bool:
        session = self.session(at.date())
        return session is not None and session.contains(at)

    def previous(self, day: date) -> date:
        """The last trading day before `day`."""
        day -= timedelta(days=1)
        while not self.is_trading_day(day):
            day -= timedelta(days=1)
        return day

    def on_or_before(self, day: date) -> date:
        """The last day on or before `day` on which a contract can expire: where a holiday moves an expiry."""
        while not self.is_expiry_day(day):
            day -= timedelta(days=1)
        return day

    def _is_holiday(self, day: date) -> bool:
        if day in self._holidays:
            return True
        return day.year not in self._complete and f"{day:%m-%d}" in self._yearly


@lru_cache(maxsize=1)
def trading_calendar() -> TradingCalendar:
    return TradingCalendar(load_data("calendar.json"))
