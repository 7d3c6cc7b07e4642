"""Market data in Kite's words."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.simulator.instruments import Contract
from brokers.simulator.market import DEPTH, INDEX_TICK, Level, Market, on_tick
from brokers.simulator.prices import DayRange
from brokers.simulator.replies import number, timestamp
from brokers.simulator.underlyings import Index

EMPTY_LEVEL = {"price": 0, "quantity": 0, "orders": 0}


def last_price(market: Market, item: Contract | Index, at: datetime) -> dict[str, Any]:
    """As `/quote/ltp` shows it."""
    last = market.last(item, at) if isinstance(item, Contract) else market.index_price(item, at)
    return {"instrument_token": item.instrument_token, "last_price": number(last)}


def ohlc_quote(market: Market, item: Contract | Index, at: datetime) -> dict[str, Any]:
    """As `/quote/ohlc` shows it."""
    return {**last_price(market, item, at), "ohlc": _ohlc(_range(market, item, at), _tick(item))}


def full_quote(market: Market, item: Contract | Index, at: datetime) -> dict[str, Any]:
    """As `/quote` shows it: with the depth, for a contract."""
    day = _range(market, item, at)
    quote = last_price(market, item, at)
    head = {
        "instrument_token": quote["instrument_token"],
        "timestamp": timestamp(at),
        "last_trade_time": timestamp(at),
        "last_price": quote["last_price"],
        "net_change": number(Decimal(str(quote["last_price"])) - on_tick(day.previous_close, _tick(item))),
        "ohlc": _ohlc(day, _tick(item)),
    }
    if isinstance(item, Index):
        return head
    return {**head, **_traded(market, item, at)}


def _traded(market: Market, contract: Contract, at: datetime) -> dict[str, Any]:
    book = market.book(contract, at)
    traded = market.traded(contract, at)
    return {
        **traded,
        "last_quantity": contract.lot,
        "average_price": number(book.last),
        "buy_quantity": sum(level.quantity for level in book.bids),
        "sell_quantity": sum(level.quantity for level in book.asks),
        "oi_day_high": traded["oi"],
        "oi_day_low": traded["oi"],
        "lower_circuit_limit": number(contract.tick),
        "upper_circuit_limit": number(on_tick(float(book.last) * 3 + 100, contract.tick)),
        "depth": {"buy": _levels(book.bids), "sell": _levels(book.asks)},
    }


def _levels(levels: tuple[Level, ...]) -> list[dict[str, Any]]:
    shown = [{"price": number(x.price), "quantity": x.quantity, "orders": x.orders} for x in levels]
    return shown + [EMPTY_LEVEL] * (DEPTH - len(shown))


def _range(market: Market, item: Contract | Index, at: datetime) -> DayRange:
    return market.day_range(item, at) if isinstance(item, Contract) else market.index_range(item, at)


def _tick(item: Contract | Index) -> Decimal:
    return item.tick if isinstance(item, Contract) else INDEX_TICK


def _ohlc(day: DayRange, tick: Decimal) -> dict[str, Any]:
    prices = {"open": day.open, "high": day.high, "low": day.low, "close": day.previous_close}
    return {name: number(on_tick(price, tick)) for name, price in prices.items()}
