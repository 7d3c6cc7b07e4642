"""Bars of 3, 5, … 60 minutes out of bars of one, as the broker's own candles are cut.

They are counted from the session's open, so that the first 60-minute bar is 09:15 to 10:15. The last bar of a
day is as long as the session leaves it. Only bars that are closed are of use: a bar that still grows would
signal one thing and then another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from brokers.model import Bar
from tasks.domain.calendar import Session


def closes_at(start: datetime, minutes: int, session: Session) -> datetime:
    """When the bar that begins at `start` is closed."""
    return min(start + timedelta(minutes=minutes), session.closes)


def last_closed(moment: datetime, minutes: int, session: Session) -> datetime | None:
    """The start of the newest bar of the session that is closed at `moment`. None if none is."""
    if moment >= session.closes:
        return start_of(session.closes - timedelta(minutes=1), minutes, session)
    start = start_of(moment, minutes, session) - timedelta(minutes=minutes)
    return start if start >= session.opens else None


def start_of(moment: datetime, minutes: int, session: Session) -> datetime:
    """The start of the bar that `moment` is in."""
    length = timedelta(minutes=minutes)
    return session.opens + (moment - session.opens) // length * length


def resampled(bars: Iterable[Bar], minutes: int, session: Session, *, now: datetime) -> list[Bar]:
    """Closed bars of `minutes`, oldest first, out of one-minute `bars` of one session, oldest first.

    What lies outside the session, as the auction's prices do, belongs to no bar. A bar whose minutes were not
    traded is left out.
    """
    inside = [bar for bar in bars if bar.start in session]
    groups = groupby(inside, key=lambda bar: start_of(bar.start, minutes, session))
    return [
        _joined(start, tuple(members)) for start, members in groups if closes_at(start, minutes, session) <= now
    ]


def _joined(start: datetime, members: Sequence[Bar]) -> Bar:
    return Bar(
        start,
        members[0].open,
        max(bar.high for bar in members),
        min(bar.low for bar in members),
        members[-1].close,
        sum(bar.volume for bar in members),
    )
