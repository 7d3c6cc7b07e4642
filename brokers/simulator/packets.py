"""Kite's binary ticks: what `/quote` shows, packed as the websocket sends it.

A frame is a count and then the packets, each behind its length, all big-endian. Prices are in paise. Sizes and
offsets: kite.trade/docs/connect/v3/websocket, tried against the official client.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from brokers.simulator.instruments import Contract
from brokers.simulator.market import DEPTH, INDEX_TICK, Level, Market, on_tick
from brokers.simulator.prices import DayRange
from brokers.simulator.underlyings import Index

HEARTBEAT = b"\x00"
"""One byte, sent when there is nothing else to send."""

_LTP = struct.Struct(">2I")
_QUOTE = struct.Struct(">11I")
_TIMES = struct.Struct(">5I")
_LEVEL = struct.Struct(">2IH2x")
_INDEX = struct.Struct(">6Ii")
_TIME = struct.Struct(">I")
_COUNT = struct.Struct(">H")
_NO_LEVEL = _LEVEL.pack(0, 0, 0)


class Mode(StrEnum):
    """How much of an instrument is sent."""

    LTP = "ltp"
    QUOTE = "quote"
    FULL = "full"


def frame(packets: Sequence[bytes]) -> bytes:
    """One binary message."""
    return _COUNT.pack(len(packets)) + b"".join(_COUNT.pack(len(packet)) + packet for packet in packets)


def packet(market: Market, item: Contract | Index, mode: Mode, at: datetime) -> bytes:
    """8 bytes for ltp; 28 or 32 for an index, 44 or 184 for a contract, as quote or in full."""
    if isinstance(item, Index):
        return _index_packet(market, item, mode, at)
    last = market.last(item, at)
    if mode is Mode.LTP:
        return _LTP.pack(item.instrument_token, _paise(last))
    return _contract_packet(market, item, mode, at)


def _index_packet(market: Market, index: Index, mode: Mode, at: datetime) -> bytes:
    last = _paise(market.index_price(index, at))
    if mode is Mode.LTP:
        return _LTP.pack(index.instrument_token, last)
    day = _day(market.index_range(index, at), INDEX_TICK)
    opened, high, low, close = day
    body = _INDEX.pack(index.instrument_token, last, high, low, opened, close, last - close)
    return body if mode is Mode.QUOTE else body + _TIME.pack(int(at.timestamp()))


def _contract_packet(market: Market, contract: Contract, mode: Mode, at: datetime) -> bytes:
    book = market.book(contract, at)
    traded = market.traded(contract, at)
    last = _paise(book.last)
    quote = _QUOTE.pack(
        contract.instrument_token,
        last,
        contract.lot,
        last,
        traded["volume"],
        sum(level.quantity for level in book.bids),
        sum(level.quantity for level in book.asks),
        *_day(market.day_range(contract, at), contract.tick),
    )
    if mode is Mode.QUOTE:
        return quote
    second, interest = int(at.timestamp()), traded["oi"]
    times = _TIMES.pack(second, interest, interest, interest, second)
    return quote + times + _levels(book.bids) + _levels(book.asks)


def _levels(levels: Sequence[Level]) -> bytes:
    shown = [_LEVEL.pack(level.quantity, _paise(level.price), level.orders) for level in levels]
    return b"".join(shown + [_NO_LEVEL] * (DEPTH - len(shown)))


def _day(day: DayRange, tick: Decimal) -> tuple[int, int, int, int]:
    """Open, high, low and previous close in paise."""
    opened, high, low, close = (
        _paise(on_tick(price, tick)) for price in (day.open, day.high, day.low, day.previous_close)
    )
    return opened, high, low, close


def _paise(price: Decimal) -> int:
    return int(price * 100)
