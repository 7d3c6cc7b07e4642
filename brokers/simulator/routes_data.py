"""Instruments, quotes, candles, margins and charges of Kite's REST API."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from brokers.clock import IST
from brokers.simulator.calendar import trading_calendar
from brokers.simulator.candles import INTERVALS, LONGEST_SPAN, candles
from brokers.simulator.charges import (
    Margin,
    Priced,
    basket_margin,
    charges,
    funds,
    margin,
    margin_row,
    total_row,
)
from brokers.simulator.instruments import Contract
from brokers.simulator.market import Market
from brokers.simulator.orders import Trade
from brokers.simulator.plumbing import Asked, endpoint
from brokers.simulator.positions import net_quantities, positions
from brokers.simulator.quotes import full_quote, last_price, ohlc_quote
from brokers.simulator.replies import bad_input, number, success
from brokers.simulator.underlyings import Index

Show = Callable[[Market, Contract | Index, datetime], dict[str, Any]]


def instruments(asked: Asked) -> Response:
    """`GET /instruments[/{exchange}]`: CSV, gzipped when the client takes it."""
    packed = asked.world.instruments_csv(asked.request.path_params.get("exchange", ""), asked.now)
    if "gzip" in asked.request.headers.get("accept-encoding", ""):
        return Response(packed, media_type="text/csv", headers={"Content-Encoding": "gzip"})
    return Response(gzip.decompress(packed), media_type="text/csv")


def _quotes(show: Show, at_most: int) -> Callable[[Asked], Response]:
    def act(asked: Asked) -> Response:
        """What the exchange doesn't know is absent from the answer, as at Kite."""
        keys = asked.request.query_params.getlist("i")
        if not keys:
            raise bad_input("Missing or empty field `i`")
        if len(keys) > at_most:
            raise bad_input(f"Too many instruments: at most {at_most} in one request.")
        listing = asked.world.listing(asked.now)
        found = ((key, listing.find(key)) for key in keys)
        known = {key: item for key, item in found if item is not None and not _expired(item, asked.now)}
        return success({key: show(asked.world.market, item, asked.now) for key, item in known.items()})

    return act


def _expired(item: Contract | Index, now: datetime) -> bool:
    return isinstance(item, Contract) and item.expiry < now.date()


def historical(asked: Asked) -> Response:
    """`GET /instruments/historical/{token}/{interval}`: candles of contracts that are still listed."""
    query = asked.request.query_params
    minutes = INTERVALS.get(asked.path("interval"))
    item = asked.world.listing(asked.now).find(asked.path("token"))
    if minutes is None or item is None:
        raise bad_input("Invalid `interval` or `instrument_token`.")
    start, end = _moment(query.get("from", "")), _moment(query.get("to", ""))
    if (end - start).days > LONGEST_SPAN[minutes]:
        raise bad_input(f"interval exceeds max limit: {LONGEST_SPAN[minutes]} days")
    rows = candles(
        asked.world.market,
        trading_calendar(),
        item,
        minutes=minutes,
        start=start,
        end=min(end, asked.now),
        interest=query.get("oi") == "1",
    )
    return success({"candles": rows})


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=IST)
    except ValueError:
        raise bad_input(f"Invalid date {text!r}: expected yyyy-mm-dd HH:MM:SS.") from None


def user_margins(asked: Asked) -> Response:
    """`GET /user/margins[/{segment}]`: cash less what the account's positions block."""
    equity = _funds(asked)
    segment = asked.request.path_params.get("segment")
    commodity = funds(Decimal(0), Margin(Decimal(0), Decimal(0), Decimal(0)), Decimal(0))
    if segment is None:
        return success({"equity": equity, "commodity": commodity})
    if segment not in ("equity", "commodity"):
        raise bad_input("Invalid `segment`.")
    return success(equity if segment == "equity" else commodity)


def _funds(asked: Asked) -> dict[str, Any]:
    world = asked.world
    mine = [trade for trade in world.exchange.trades if trade.account == asked.account.user_id]
    open_legs = [
        _open_leg(asked, mine, symbol, units) for (symbol, _), units in net_quantities(mine, asked.now).items()
    ]
    shorts = [leg for leg in open_legs if leg.side == "SELL"]
    rows = positions(mine, world.market.last, asked.now)["net"]
    profit = sum((Decimal(str(row["value"])) for row in rows), Decimal(0))
    blocked = basket_margin(shorts)
    return funds(world.settings.cash, blocked, profit)


def _open_leg(asked: Asked, trades: list[Trade], symbol: str, units: int) -> Priced:
    contract = next(trade.contract for trade in trades if trade.contract.symbol == symbol)
    return _priced(asked, contract, "BUY" if units > 0 else "SELL", abs(units), Decimal(0))


def _priced(asked: Asked, contract: Contract, side: str, quantity: int, price: Decimal) -> Priced:
    market = asked.world.market
    spot = Decimal(str(round(market.walk.spot(contract.underlying, asked.now), 2)))
    return Priced(contract, side, quantity, price or market.last(contract, asked.now), spot)


def _legs(asked: Asked, price_field: str) -> list[tuple[dict[str, Any], Priced]]:
    """The legs of a JSON body, each with the row it came from."""
    rows = asked.json
    if not isinstance(rows, list):
        raise bad_input("Expected a JSON array of orders.")
    return [(row, _leg(asked, row, price_field)) for row in rows]


def _leg(asked: Asked, row: Any, price_field: str) -> Priced:
    try:
        contract = asked.world.listing(asked.now).by_key[f"{row['exchange']}:{row['tradingsymbol']}"]
        price = Decimal(str(row.get(price_field) or 0))
        return _priced(asked, contract, row["transaction_type"], int(row["quantity"]), price)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise bad_input(
            "Invalid order: exchange, tradingsymbol, transaction_type and quantity are needed."
        ) from None


def order_margins(asked: Asked) -> Response:
    day = asked.now.date()
    return success([margin_row(leg, margin(leg), day) for _, leg in _legs(asked, "price")])


def basket_margins(asked: Asked) -> Response:
    """`POST /margins/basket`: what the legs need one by one, and together."""
    legs = [leg for _, leg in _legs(asked, "price")]
    together = basket_margin(legs)
    alone = [margin(leg) for leg in legs]
    zero = Decimal(0)
    initial = Margin(
        sum((part.span for part in alone), zero),
        sum((part.exposure for part in alone), zero),
        sum((part.option_premium for part in alone), zero),
    )
    rows = [margin_row(leg, part, asked.now.date()) for leg, part in zip(legs, alone, strict=True)]
    compact = asked.request.query_params.get("mode") == "compact"
    return success(
        {
            "initial": total_row(initial),
            "final": total_row(together),
            "orders": [] if compact else rows,
            "charges": _sum_of_charges(legs, asked),
        }
    )


def _sum_of_charges(legs: list[Priced], asked: Asked) -> dict[str, Any]:
    rows = [charges(leg, asked.now.date()) for leg in legs]
    return {"total": sum(row["total"] for row in rows), "transaction_tax_type": "stt"}


def contract_note(asked: Asked) -> Response:
    """`POST /charges/orders`: what executed orders are charged."""
    return success(
        [
            {
                "transaction_type": leg.side,
                "tradingsymbol": leg.contract.symbol,
                "exchange": leg.contract.exchange,
                "variety": row.get("variety", "regular"),
                "product": row.get("product", "MIS"),
                "order_type": row.get("order_type", "LIMIT"),
                "quantity": leg.quantity,
                "price": number(leg.price),
                "charges": charges(leg, asked.now.date()),
            }
            for row, leg in _legs(asked, "average_price")
        ]
    )


ROUTES = [
    Route("/instruments", endpoint("instruments", instruments)),
    Route("/instruments/{exchange}", endpoint("instruments", instruments)),
    Route("/instruments/historical/{token}/{interval}", endpoint("historical", historical, limit="historical")),
    Route("/quote", endpoint("quote", _quotes(full_quote, 500), limit="quote")),
    Route("/quote/ohlc", endpoint("quote", _quotes(ohlc_quote, 1000), limit="quote")),
    Route("/quote/ltp", endpoint("quote", _quotes(last_price, 1000), limit="quote")),
    Route("/user/margins", endpoint("margins", user_margins)),
    Route("/user/margins/{segment}", endpoint("margins", user_margins)),
    Route("/margins/orders", endpoint("margins", order_margins), methods=["POST"]),
    Route("/margins/basket", endpoint("margins", basket_margins), methods=["POST"]),
    Route("/charges/orders", endpoint("charges", contract_note), methods=["POST"]),
]
