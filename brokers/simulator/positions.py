"""Positions as Kite reports them, worked out from trades."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.simulator.instruments import Contract
from brokers.simulator.orders import Trade
from brokers.simulator.replies import number

LastPrice = Callable[[Contract, datetime], Decimal]


def positions(trades: Iterable[Trade], last: LastPrice, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """`net` with what was carried overnight (NRML until its expiry), `day` with today's trades only."""
    counted = [trade for trade in trades if _counts(trade, now)]
    today = [trade for trade in counted if trade.at.date() == now.date()]
    return {"net": _rows(counted, last, now), "day": _rows(today, last, now)}


def net_quantities(trades: Iterable[Trade], now: datetime) -> dict[tuple[str, str], int]:
    """Units by (symbol, product), without those that are flat."""
    net: dict[tuple[str, str], int] = {}
    for trade in trades:
        if _counts(trade, now):
            key = (trade.contract.symbol, trade.product)
            net[key] = net.get(key, 0) + _signed(trade)
    return {key: quantity for key, quantity in net.items() if quantity}


def _counts(trade: Trade, now: datetime) -> bool:
    if trade.at.date() == now.date():
        return True
    return trade.product == "NRML" and trade.contract.expiry >= now.date()


def _signed(trade: Trade) -> int:
    return trade.quantity if trade.side == "BUY" else -trade.quantity


def _rows(trades: list[Trade], last: LastPrice, now: datetime) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[Trade]] = {}
    for trade in trades:
        groups.setdefault((trade.contract.symbol, trade.product), []).append(trade)
    return [_row(group, last(group[0].contract, now), now) for group in groups.values()]


def _row(trades: list[Trade], last: Decimal, now: datetime) -> dict[str, Any]:
    contract, product = trades[0].contract, trades[0].product
    carried = [trade for trade in trades if trade.at.date() != now.date()]
    bought, buy_value, buy_price = _side(trades, "BUY")
    sold, sell_value, sell_price = _side(trades, "SELL")
    day = [trade for trade in trades if trade.at.date() == now.date()]
    day_bought, day_buy_value, day_buy_price = _side(day, "BUY")
    day_sold, day_sell_value, day_sell_price = _side(day, "SELL")
    quantity = bought - sold
    value = sell_value - buy_value
    profit = value + quantity * last
    average = buy_price if quantity > 0 else sell_price if quantity < 0 else Decimal(0)
    numbers = {
        "average_price": average,
        "close_price": Decimal(0),
        "last_price": last,
        "value": value,
        "pnl": profit,
        "m2m": profit,
        "unrealised": profit,
        "realised": Decimal(0),
        "buy_price": buy_price,
        "buy_value": buy_value,
        "buy_m2m": buy_value,
        "sell_price": sell_price,
        "sell_value": sell_value,
        "sell_m2m": sell_value,
        "day_buy_price": day_buy_price,
        "day_buy_value": day_buy_value,
        "day_sell_price": day_sell_price,
        "day_sell_value": day_sell_value,
    }
    return {
        "tradingsymbol": contract.symbol,
        "exchange": contract.exchange,
        "instrument_token": contract.instrument_token,
        "product": product,
        "quantity": quantity,
        "overnight_quantity": sum(_signed(trade) for trade in carried),
        "multiplier": 1,
        "buy_quantity": bought,
        "sell_quantity": sold,
        "day_buy_quantity": day_bought,
        "day_sell_quantity": day_sold,
        **{name: number(amount) for name, amount in numbers.items()},
    }


def _side(trades: list[Trade], side: str) -> tuple[int, Decimal, Decimal]:
    """Units, value and average price of one side."""
    chosen = [trade for trade in trades if trade.side == side]
    units = sum(trade.quantity for trade in chosen)
    value = sum((trade.price * trade.quantity for trade in chosen), Decimal(0))
    return units, value, value / units if units else Decimal(0)
