"""EventBridge Scheduler's cron, six fields: `minutes hours day-of-month month day-of-week year`.

From AWS's Scheduler user guide, "Schedule types": values, lists, ranges and steps everywhere; `?` in exactly
one of the two day fields; `L`, `LW` and `15W` in day-of-month; `L`, `6L`, `FRI#2` in day-of-week, where 1 is
Sunday. No library we found speaks it: croniter and cronsim count weekdays from another day and know no year.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = dict(zip(_MONTH_NAMES, range(1, 13), strict=True))
WEEKDAYS = dict(zip(_WEEKDAY_NAMES, range(1, 8), strict=True))
FIRST_YEAR, LAST_YEAR = 1970, 2199

DayRule = Callable[[date], bool]


class InvalidExpression(ValueError):
    """A schedule expression that EventBridge Scheduler would refuse. Says which field and why."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed cron expression in one time zone."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: DayRule
    months: frozenset[int]
    years: frozenset[int]
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime | None:
        """The first occurrence later than `moment` (aware), in the schedule's zone; None if there is none.

        A local time that the clocks jump over does not occur; one that comes twice occurs once, the first time.
        """
        instant = moment.astimezone(UTC)  # within one zone Python compares clock faces, not instants
        for day in self._days_from(moment.astimezone(self.zone).date() - timedelta(days=1)):
            for at in self._times_of(day):
                if at > instant:
                    return at
        return None

    def _days_from(self, day: date) -> Iterator[date]:
        last = max(self.years)
        while day.year <= last:
            if day.year in self.years and day.month in self.months:
                if self.days(day):
                    yield day
                day += timedelta(days=1)
            else:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)

    def _times_of(self, day: date) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                at = datetime.combine(day, time(hour, minute), self.zone)
                if at.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) == at.replace(tzinfo=None):
                    yield at


def parse_cron(text: str, zone: ZoneInfo) -> Cron:
    """Parse what stands between the parentheses of `cron(…)`.

    Raises
    ------
    InvalidExpression
        If AWS would refuse it.
    """
    parts = text.split()
    if len(parts) != 6:
        raise InvalidExpression(f"cron({text}): six fields are needed, found {len(parts)}")
    minutes, hours, month_days, months, week_days, years = (part.upper() for part in parts)
    if (month_days == "?") == (week_days == "?"):
        raise InvalidExpression(f"cron({text}): exactly one of day-of-month and day-of-week is ?")
    return Cron(
        minutes=tuple(sorted(_values("minutes", minutes, 0, 59))),
        hours=tuple(sorted(_values("hours", hours, 0, 23))),
        days=_week_day_rule(week_days) if month_days == "?" else _month_day_rule(month_days),
        months=frozenset(_values("month", months, 1, 12, MONTHS)),
        years=frozenset(_values("year", years, FIRST_YEAR, LAST_YEAR)),
        zone=zone,
    )


def _values(field: str, text: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    """Every number that a field's lists, ranges, steps and names stand for."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        start, end = _span(field, span, low, high, names or {})
        if not step_text:
            found.update(range(start, end + 1))
            continue
        step = _number(field, step_text, 1, high, {})
        found.update(range(start, (end if "-" in span or span == "*" else high) + 1, step))
    return found


def _span(field: str, text: str, low: int, high: int, names: dict[str, int]) -> tuple[int, int]:
    if text == "*":
        return low, high
    first, dash, last = text.partition("-")
    start = _number(field, first, low, high, names)
    end = _number(field, last, low, high, names) if dash else start
    if end < start:
        raise InvalidExpression(f"{field} {text}: a range goes upwards")
    return start, end


def _number(field: str, text: str, low: int, high: int, names: dict[str, int]) -> int:
    value = names.get(text, int(text) if text.isascii() and text.isdigit() else None)
    if value is None or not low <= value <= high:
        raise InvalidExpression(f"{field}: {text!r} is not in {low} to {high}")
    return value


def _month_day_rule(text: str) -> DayRule:
    if text == "L":
        return lambda day: day.day == _length(day)
    if text == "LW":
        return lambda day: day == _nearest_weekday(day, _length(day))
    if text.endswith("W"):
        wanted = _number("day-of-month", text[:-1], 1, 31, {})
        return lambda day: wanted <= _length(day) and day == _nearest_weekday(day, wanted)
    days = _values("day-of-month", text, 1, 31)
    return lambda day: day.day in days


def _week_day_rule(text: str) -> DayRule:
    if text == "L":
        return lambda day: _week_day(day) == 7
    if text.endswith("L"):
        last = _number("day-of-week", text[:-1], 1, 7, WEEKDAYS)
        return lambda day: _week_day(day) == last and day.day > _length(day) - 7
    if "#" in text:
        name, _, count = text.partition("#")
        wanted = _number("day-of-week", name, 1, 7, WEEKDAYS)
        nth = _number("day-of-week", count, 1, 5, {})
        return lambda day: _week_day(day) == wanted and (day.day - 1) // 7 + 1 == nth
    days = _values("day-of-week", text, 1, 7, WEEKDAYS)
    return lambda day: _week_day(day) in days


def _week_day(day: date) -> int:
    """1 is Sunday, 7 is Saturday."""
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(month: date, wanted: int) -> date:
    """The Monday-to-Friday day nearest to the `wanted` day, without leaving its month."""
    day = month.replace(day=wanted)
    if day.isoweekday() == 6:
        return day - timedelta(days=1) if wanted > 1 else day + timedelta(days=2)
    if day.isoweekday() == 7:
        return day + timedelta(days=1) if wanted < _length(month) else day - timedelta(days=2)
    return day
