"""KiteTicker's dictionaries as the platform's ticks, and the numbers by which Kite names an instrument.

kiteconnect makes the exchange's times with `datetime.fromtimestamp`: naive, and in the time zone of the host.
They are read as just that here, so that they are right on a host in UTC too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.clock import IST
from brokers.model import Exchange, InstrumentId, Tick

_SEGMENTS = {Exchange.NFO: 2, Exchange.BFO: 5, Exchange.NSE: 9, Exchange.BSE: 9}
"""In the low byte of an instrument token. In the cash markets the platform knows indices only, which have 9."""

_LONG_AGO = 2000
"""A year: Kite sends 0 where nothing was traded yet."""


def kite_token(instrument: InstrumentId) -> int:
    """Kite's instrument token: the exchange's number times 256, and the segment's."""
    return int(instrument.token) * 256 + _SEGMENTS[instrument.exchange]


def tick_of(symbol: str, row: Mapping[str, Any], received_at: datetime) -> Tick:
    """Of any mode. Where it holds no time (ltp and quote), `received_at` stands in."""
    depth = row.get("depth")
    return Tick(
        symbol=symbol,
        last=_price(row["last_price"]),
        bid=_best(depth["buy"]) if depth else None,
        ask=_best(depth["sell"]) if depth else None,
        volume=row.get("volume_traded", 0),
        at=_time(row.get("exchange_timestamp")) or received_at,
        received_at=received_at,
    )


def _price(value: float) -> Decimal:
    """Kite's whole paise, which the client has divided by 100."""
    return Decimal(str(value))


def _best(levels: Sequence[Mapping[str, Any]]) -> Decimal | None:
    """The first level's price; an empty book is filled with zeroes."""
    first = levels[0]
    return _price(first["price"]) if first["price"] > 0 and first["quantity"] > 0 else None


_known: dict[datetime, datetime] = {}


def _time(naive: datetime | None) -> datetime | None:
    """Thousands of ticks share a second: it is converted once."""
    if naive is None or naive.year < _LONG_AGO:
        return None
    aware = _known.get(naive)
    if aware is None:
        if len(_known) > 600:
            _known.clear()
        aware = _known[naive] = naive.astimezone(IST)
    return aware
