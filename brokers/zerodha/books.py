"""Kite's JSON as the platform's value types.

Kite's numbers are JSON floats, its times are IST without saying so, and its status words are many
(kite.trade/docs/connect/v3/orders). Anything that cannot be read raises: an order book with one order left
out would say of that order that it is absent, and it would be sent again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.clock import IST
from brokers.model import BrokerOrder, Fill, Funds, NetPosition, OrderStatus, Product, Quote, Side

Row = Mapping[str, Any]

STATUS_WORDS: dict[str, OrderStatus] = {
    "PUT ORDER REQ RECEIVED": OrderStatus.ACCEPTED,
    "PUT ORDER REQUEST RECEIVED": OrderStatus.ACCEPTED,
    "VALIDATION PENDING": OrderStatus.ACCEPTED,
    "OPEN PENDING": OrderStatus.ACCEPTED,
    "AMO REQ RECEIVED": OrderStatus.ACCEPTED,
    "OPEN": OrderStatus.OPEN,
    "UPDATE": OrderStatus.OPEN,
    "MODIFIED": OrderStatus.OPEN,
    "MODIFY VALIDATION PENDING": OrderStatus.OPEN,
    "MODIFY PENDING": OrderStatus.OPEN,
    "CANCEL PENDING": OrderStatus.OPEN,
    "TRIGGER PENDING": OrderStatus.TRIGGER_PENDING,
    "COMPLETE": OrderStatus.FILLED,
    "CANCELLED": OrderStatus.CANCELLED,
    "CANCELLED AMO": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
}


def status_of(word: str) -> OrderStatus:
    """A word that is not in the table is UNKNOWN, which is never terminal."""
    return STATUS_WORDS.get(word.strip().upper(), OrderStatus.UNKNOWN)


def decimal_of(number: Any) -> Decimal:
    """A JSON number as people wrote it: 109.4 becomes Decimal("109.4"). None is 0.

    Raises
    ------
    ValueError
        For anything that is not a finite number.
    """
    if number is None:
        return Decimal(0)
    if isinstance(number, bool) or not isinstance(number, int | float | str | Decimal):
        raise ValueError(f"not a number: {number!r}")
    try:
        value = Decimal(str(number))
    except ArithmeticError:
        raise ValueError(f"not a number: {number!r}") from None
    if not value.is_finite():
        raise ValueError(f"not a finite number: {number!r}")
    return value


def units_of(number: Any) -> int:
    """A quantity in units. None is 0; a fraction raises ValueError."""
    if type(number) is int:
        return number
    value = decimal_of(number)
    if value != int(value):
        raise ValueError(f"not a whole number of units: {number!r}")
    return int(value)


def time_of(*candidates: Any) -> datetime | None:
    """The first of `candidates` that is a time, in IST. Kite's texts and kiteconnect's datetimes are naive."""
    for candidate in candidates:
        if not candidate:
            continue
        moment = candidate if isinstance(candidate, datetime) else datetime.fromisoformat(str(candidate))
        return moment.replace(tzinfo=IST) if moment.tzinfo is None else moment.astimezone(IST)
    return None


def tag_of(row: Row) -> str:
    """Our tag: `tag`, or the first of `tags` where Kite lists several."""
    return str(row.get("tag") or next(iter(row.get("tags") or ()), ""))


def order_of(row: Row, now: datetime) -> BrokerOrder:
    """One order of the book or of a postback. `now` stands in where Kite gives no time."""
    at = time_of(
        row.get("exchange_update_timestamp"), row.get("order_timestamp"), row.get("exchange_timestamp")
    )
    return BrokerOrder(
        broker_order_id=identifier_of(row, "order_id"),
        tag=tag_of(row),
        symbol=str(row["tradingsymbol"]),
        side=Side(row["transaction_type"]),
        quantity=units_of(row["quantity"]),
        filled_quantity=units_of(row["filled_quantity"]),
        average_price=decimal_of(row["average_price"]),
        price=decimal_of(row["price"]),
        status=status_of(str(row["status"])),
        reason=str(row.get("status_message") or row.get("status_message_raw") or ""),
        at=at or now,
        product=str(row.get("product") or ""),
    )


def orders_of(rows: Sequence[Row], now: datetime) -> list[BrokerOrder]:
    """The book, oldest order first.

    By order id: Kite's begin with the date and count up. Its `order_timestamp` moves when an order is changed.
    """
    orders = [order_of(row, now) for row in rows]
    return sorted(orders, key=lambda order: (len(order.broker_order_id), order.broker_order_id))


def fill_of(row: Row, now: datetime) -> Fill:
    return Fill(
        trade_id=identifier_of(row, "trade_id"),
        broker_order_id=identifier_of(row, "order_id"),
        symbol=str(row["tradingsymbol"]),
        side=Side(row["transaction_type"]),
        quantity=units_of(row["quantity"]),
        price=decimal_of(row["average_price"]),
        at=time_of(row.get("fill_timestamp"), row.get("exchange_timestamp")) or now,
    )


def positions_of(answer: Mapping[str, Sequence[Row]]) -> list[NetPosition]:
    """The net of each contract. Delivery (CNC, MTF) and cover orders are none of our products: left out."""
    ours = {product.value for product in Product}
    return [
        NetPosition(
            symbol=str(row["tradingsymbol"]),
            product=Product(row["product"]),
            quantity=units_of(row["quantity"]),
            average_price=decimal_of(row["average_price"]),
            overnight=units_of(row.get("overnight_quantity")),
            last=decimal_of(row.get("last_price")),
            profit=decimal_of(row.get("m2m")),
        )
        for row in answer["net"]
        if row["product"] in ours
    ]


def funds_of(row: Row) -> Funds:
    """The equity segment, which derivatives of NSE and BSE belong to. Profits are not among what is blocked."""
    utilised = row["utilised"]
    return Funds(
        available=decimal_of(row["net"]),
        blocked=sum(
            (decimal_of(utilised[part]) for part in ("span", "exposure", "option_premium")), Decimal(0)
        ),
    )


def quote_of(symbol: str, row: Row, now: datetime) -> Quote:
    """`symbol` is the key it was asked by, `EXCHANGE:SYMBOL`."""
    depth = row.get("depth") or {}
    return Quote(
        symbol=symbol,
        last=decimal_of(row["last_price"]),
        bid=_best(depth.get("buy")),
        ask=_best(depth.get("sell")),
        at=time_of(row.get("timestamp"), row.get("last_trade_time")) or now,
    )


def _best(levels: Sequence[Row] | None) -> Decimal | None:
    """The first level's price. Kite fills an empty book with zeroes; an index has no book."""
    if not levels:
        return None
    price = decimal_of(levels[0]["price"])
    return price if price > 0 and units_of(levels[0]["quantity"]) > 0 else None


def identifier_of(row: Row, name: str) -> str:
    """An id, never empty."""
    value = row[name]
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise ValueError(f"{name} is not an id: {value!r}")
    return str(value)
