"""What happens next: the coming entries and exits of some strategies, with holidays and expiries applied."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice

from brokers.clock import IST
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted, NoSuchExpiry
from tasks.domain.expiries import choose_expiry
from tasks.domain.fields import Weekday
from tasks.domain.strategy import Strategy

_HORIZON = 60
"""Sessions that are looked at: a strategy for one DTE of a monthly expiry trades once in about 22."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One entry or exit. `sure` is False where it depends on expiries that are not listed yet."""

    at: datetime
    what: str
    strategy: Strategy
    dte: int | None
    sure: bool


def upcoming(
    strategies: Iterable[Strategy],
    *,
    now: datetime,
    count: int,
    listed: Mapping[str, Sequence[date]],
    calendar: TradingCalendar,
) -> list[Occasion]:
    """The next `count` occasions, soonest first. `listed` are the expiries of each underlying."""
    each = [_of(one, now, listed.get(one.underlying, ()), calendar) for one in strategies if one.enabled]
    return list(islice(heapq.merge(*each, key=lambda occasion: occasion.at), count))


def _of(
    strategy: Strategy, now: datetime, listed: Sequence[date], calendar: TradingCalendar
) -> Iterator[Occasion]:
    for day in _sessions(now.astimezone(IST).date(), calendar):
        if Weekday.of(day) not in strategy.weekdays:
            continue
        dte, sure = _dte(strategy, day, listed, calendar)
        if sure and strategy.dte and dte not in strategy.dte:
            continue
        for what, at in (("ENTRY", strategy.entry_time), ("EXIT", strategy.exit_time)):
            moment = _moment(day, at)
            if moment > now:
                yield Occasion(moment, what, strategy, dte, sure or not strategy.dte)


def _dte(
    strategy: Strategy, day: date, listed: Sequence[date], calendar: TradingCalendar
) -> tuple[int | None, bool]:
    """The first leg's days to expiry on that day, and whether that is known."""
    try:
        expiry = choose_expiry(listed, strategy.expiry_rules[0], day, underlying=strategy.underlying)
        return calendar.dte(day, expiry), True
    except (NoSuchExpiry, CalendarExhausted):
        return None, False


def _sessions(today: date, calendar: TradingCalendar) -> Iterator[date]:
    day = today
    try:
        if calendar.is_session(today):
            yield today
        for _ in range(_HORIZON):
            day = calendar.next_session(day)
            yield day
    except CalendarExhausted:
        return


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at, IST)
