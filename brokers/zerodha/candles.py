"""Historical candles, within what Kite gives in one call, and the indices that have them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from brokers.clock import IST
from brokers.model import Bar, Exchange, InstrumentId
from brokers.zerodha.books import decimal_of, units_of

INTERVALS = {
    1: "minute",
    3: "3minute",
    5: "5minute",
    10: "10minute",
    15: "15minute",
    30: "30minute",
    60: "60minute",
}
"""Kite's names by minutes."""

LONGEST_SPAN = {1: 60, 3: 100, 5: 100, 10: 100, 15: 200, 30: 200, 60: 400}
"""Days that one call may ask for, by minutes in a candle (kite.trade/forum/discussion/3105)."""


def spans(minutes: int, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """`start` to `end` in parts that one call takes each.

    Raises
    ------
    ValueError
        For a length that Kite has no candles of.
    """
    if minutes not in INTERVALS:
        raise ValueError(f"Kite has no candles of {minutes} minutes, but of {', '.join(map(str, INTERVALS))}")
    longest = timedelta(days=LONGEST_SPAN[minutes] - 1)
    while start < end:
        until = min(start + longest, end)
        yield start, until
        start = until


def bar_of(row: Mapping[str, Any]) -> Bar:
    """Of a candle as kiteconnect gives it: its time is aware."""
    return Bar(
        start=row["date"].astimezone(IST),
        open=decimal_of(row["open"]),
        high=decimal_of(row["high"]),
        low=decimal_of(row["low"]),
        close=decimal_of(row["close"]),
        volume=units_of(row["volume"]),
    )


def bars_of(rows: Sequence[Mapping[str, Any]]) -> list[Bar]:
    return [bar_of(row) for row in rows]


def parse_indices(lines: Iterable[str]) -> dict[str, InstrumentId]:
    """The indices of a Kite instruments CSV, by the symbol they are quoted under: `NSE:NIFTY BANK`."""
    return {
        f"{row['exchange']}:{row['tradingsymbol']}": InstrumentId(
            Exchange(row["exchange"]), row["exchange_token"]
        )
        for row in csv.DictReader(lines)
        if row["segment"] == "INDICES" and row["exchange"] in (Exchange.NSE, Exchange.BSE)
    }
