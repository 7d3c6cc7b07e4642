"""When a schedule of EventBridge Scheduler is due: `cron(…)`, `rate(…)` and `at(…)`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from localstack.cron import InvalidExpression, parse_cron

_FORM = re.compile(r"(cron|rate|at)\((.*)\)")
_RATE = re.compile(r"([1-9]\d*) (minute|hour|day)s?")


class Expression(Protocol):
    def after(self, moment: datetime) -> datetime | None:
        """The first occurrence later than `moment` (aware), or None."""


@dataclass(frozen=True, slots=True)
class At:
    """Once."""

    moment: datetime

    def after(self, moment: datetime) -> datetime | None:
        return self.moment if self.moment > moment else None


@dataclass(frozen=True, slots=True)
class Rate:
    """At `anchor`, and every `period` from there."""

    anchor: datetime
    period: timedelta

    def after(self, moment: datetime) -> datetime | None:
        if moment < self.anchor:
            return self.anchor
        return self.anchor + ((moment - self.anchor) // self.period + 1) * self.period


def parse(text: str, timezone: str, *, anchor: datetime) -> Expression:
    """Parse a ScheduleExpression.

    Parameters
    ----------
    text
        `cron(28 9 ? * MON-FRI *)`, `rate(5 minutes)` or `at(2026-11-23T09:28:00)`.
    timezone
        The ScheduleExpressionTimezone, an IANA name. `rate` does not depend on it.
    anchor
        From where a `rate` counts: the schedule's start date, or when it was made.

    Raises
    ------
    InvalidExpression
        If AWS would refuse it.
    """
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise InvalidExpression(f"{text!r} is none of cron(…), rate(…), at(…)")
    kind, body = form.groups()
    zone = _zone(timezone)
    if kind == "cron":
        return parse_cron(body, zone)
    if kind == "rate":
        return Rate(anchor, _period(body))
    return At(_moment(body, zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidExpression(f"{name!r} is not the name of a time zone") from None


def _period(text: str) -> timedelta:
    match = _RATE.fullmatch(text)
    if match is None:
        raise InvalidExpression(f"rate({text}): a whole number and minutes, hours or days")
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone)
    except ValueError:
        raise InvalidExpression(f"at({text}): yyyy-mm-ddThh:mm:ss, without an offset") from None
