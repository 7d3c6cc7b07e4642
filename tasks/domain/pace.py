"""How many order calls an account may make: the broker's limits, kept before the broker has to.

Kite takes 10 order calls a second, 400 a minute and 5,000 a day of one account (place, modify, cancel together;
what it refuses counts as well). Entries get less than that, so that exits always pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

WINDOW = timedelta(milliseconds=1100)
"""A second, and a tenth more: calls that leave within a second must not arrive within less."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls in any `WINDOW`, in a minute by the clock, and in a day."""

    second: int
    minute: int
    day: int


EXITING = Limits(second=9, minute=390, day=4990)
ENTERING = Limits(second=7, minute=300, day=4000)


@dataclass(frozen=True, slots=True)
class Pace:
    """What an account has sent. `recent` are milliseconds since the epoch, oldest first."""

    recent: tuple[int, ...] = ()
    minute: str = ""
    in_minute: int = 0
    day: str = ""
    in_day: int = 0


def take(pace: Pace, now: datetime, limits: Limits) -> tuple[Pace, datetime | None]:
    """One more call: the pace after it and None, or the pace as it is and when to ask again."""
    current = _at(pace, now)
    again = _full_until(current, now, limits)
    if again is not None:
        return pace, again
    taken = replace(
        current,
        recent=(*current.recent, _milliseconds(now)),
        in_minute=current.in_minute + 1,
        in_day=current.in_day + 1,
    )
    return taken, None


def _at(pace: Pace, now: datetime) -> Pace:
    """Without what is over by `now`."""
    since = _milliseconds(now - WINDOW)
    minute, day = f"{now:%Y%m%d%H%M}", f"{now:%Y%m%d}"
    return Pace(
        recent=tuple(at for at in pace.recent if at > since),
        minute=minute,
        in_minute=pace.in_minute if pace.minute == minute else 0,
        day=day,
        in_day=pace.in_day if pace.day == day else 0,
    )


def _full_until(pace: Pace, now: datetime, limits: Limits) -> datetime | None:
    if pace.in_day >= limits.day:
        return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if pace.in_minute >= limits.minute:
        return now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    if len(pace.recent) < limits.second:
        return None
    frees = pace.recent[-limits.second] - _milliseconds(now) + WINDOW // timedelta(milliseconds=1)
    return now + timedelta(milliseconds=max(frees, 1))


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
