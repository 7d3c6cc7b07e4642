"""Historical candles: what one tick a second would have made, so that bars built from ticks say the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from brokers.simulator.calendar import Session, TradingCalendar
from brokers.simulator.instruments import Contract
from brokers.simulator.market import Market
from brokers.simulator.replies import number
from brokers.simulator.underlyings import Index

INTERVALS = {
    "minute": 1,
    "3minute": 3,
    "5minute": 5,
    "10minute": 10,
    "15minute": 15,
    "30minute": 30,
    "60minute": 60,
    "day": 24 * 60,
}
"""Minutes in a candle."""
LONGEST_SPAN = {1: 60, 3: 100, 5: 100, 10: 100, 15: 200, 30: 200, 60: 400, 24 * 60: 2000}
"""Days that one call may ask for, by minutes in a candle."""
SECOND = timedelta(seconds=1)


def candles(
    market: Market,
    calendar: TradingCalendar,
    item: Contract | Index,
    *,
    minutes: int,
    start: datetime,
    end: datetime,
    interest: bool,
) -> list[list[Any]]:
    """Rows of time, open, high, low, close, volume and, if wanted, open interest, from `start` to `end`."""
    rows = []
    for opened, closed in _bars(calendar, minutes, start, end):
        prices = _prices(market, item, opened, closed)
        shown = [number(price) for price in (prices[0], max(prices), min(prices), prices[-1])]
        volume, standing = _traded(market, item, opened, closed)
        row = [f"{opened:%Y-%m-%dT%H:%M:%S}+0530", *shown, volume]
        rows.append([*row, *([standing] if interest else [])])
    return rows


def _traded(market: Market, item: Contract | Index, opened: datetime, closed: datetime) -> tuple[int, int]:
    """Units traded between the last tick before the bar and its own last, and the open interest then."""
    if not isinstance(item, Contract):
        return 0, 0
    last = market.traded(item, closed - SECOND)
    return last["volume"] - market.traded(item, opened - SECOND)["volume"], last["oi"]


def _bars(
    calendar: TradingCalendar, minutes: int, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    for day in _days(start.date(), end.date()):
        session = calendar.session(day)
        if session is not None:
            yield from (bar for bar in _bars_of(session, minutes) if start <= bar[0] <= end and bar[1] <= end)


def _bars_of(session: Session, minutes: int) -> Iterator[tuple[datetime, datetime]]:
    opened = session.open
    while opened < session.close:
        closed = min(opened + timedelta(minutes=minutes), session.close)
        yield opened, closed
        opened = closed


def _days(first: date, last: date) -> Iterator[date]:
    for number_of_day in range((last - first).days + 1):
        yield first + timedelta(days=number_of_day)


def _prices(market: Market, item: Contract | Index, opened: datetime, closed: datetime) -> list[Decimal]:
    """The last price of every second of the bar."""
    if isinstance(item, Contract):
        seconds = int((closed - opened).total_seconds())
        return [market.last(item, opened + n * SECOND) for n in range(seconds)]
    return market.index_prices(item, opened, closed)
