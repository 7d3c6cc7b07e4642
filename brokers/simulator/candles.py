"""Historical candles, sampled from the same prices that are quoted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from brokers.simulator.calendar import Session, TradingCalendar
from brokers.simulator.instruments import Contract
from brokers.simulator.market import INDEX_TICK, Market, on_tick
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
SAMPLES = 6


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
        prices = _samples(market, item, opened, closed)
        traded = market.traded(item, closed) if isinstance(item, Contract) else {"volume": 0, "oi": 0}
        row = [f"{opened:%Y-%m-%dT%H:%M:%S}+0530", prices[0], max(prices), min(prices), prices[-1]]
        rows.append([*row, traded["volume"] // 375, *([traded["oi"]] if interest else [])])
    return rows


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


def _samples(market: Market, item: Contract | Index, opened: datetime, closed: datetime) -> list[float | int]:
    moments = [opened + (closed - opened) * n / (SAMPLES - 1) for n in range(SAMPLES)]
    if isinstance(item, Contract):
        return [number(on_tick(market.fair(item, at), item.tick)) for at in moments]
    return [number(on_tick(float(market.index_price(item, at)), INDEX_TICK)) for at in moments]
