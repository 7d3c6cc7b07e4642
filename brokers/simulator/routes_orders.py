"""Orders, trades and positions of Kite's REST API."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from brokers.simulator.faults import Call
from brokers.simulator.orders import Order, Trade
from brokers.simulator.plumbing import Asked, endpoint
from brokers.simulator.positions import positions
from brokers.simulator.replies import KiteError, bad_input, success
from brokers.simulator.validation import change, new_order


def place(asked: Asked) -> Response:
    """`POST /orders/{variety}`: an id at once; what becomes of it is told by the book and by postbacks."""
    exchange = asked.world.exchange
    request = new_order(
        asked.form,
        account=asked.account.user_id,
        variety=asked.path("variety"),
        listing=asked.world.listing(asked.now),
        at=asked.now,
        is_open=exchange.is_open(asked.now),
    )
    behaviour = asked.world.faults.of_order(_of_place(asked))
    return success({"order_id": exchange.place(request, behaviour, asked.now).id})


def modify(asked: Asked) -> Response:
    order = _own_order(asked)
    asked.world.exchange.modify(order, change(asked.form, order), asked.now)
    return success({"order_id": order.id})


def cancel(asked: Asked) -> Response:
    order = _own_order(asked)
    asked.world.exchange.cancel(order, asked.now)
    return success({"order_id": order.id})


def book(asked: Asked) -> Response:
    """`GET /orders`: the day's orders that the book shows, oldest first."""
    return success([order.history[-1] for order in _visible(asked)])


def history(asked: Asked) -> Response:
    """`GET /orders/{order_id}`: every state that the order passed through."""
    return success(_visible_order(asked).history)


def order_trades(asked: Asked) -> Response:
    return success([trade.row() for trade in _visible_order(asked).trades])


def trades(asked: Asked) -> Response:
    return success([trade.row() for order in _visible(asked) for trade in order.trades])


def portfolio(asked: Asked) -> Response:
    """`GET /portfolio/positions`: what the book shows has traded. A lagging book lags here too."""
    return success(positions(_shown_trades(asked), asked.world.market.last, asked.now))


def holdings(asked: Asked) -> Response:  # noqa: ARG001  (every act takes what was asked)
    """Nobody here holds shares."""
    return success([])


def convert(asked: Asked) -> Response:
    """`PUT /portfolio/positions`: this exchange converts nothing."""
    raise bad_input(f"Positions cannot be converted here (asked by {asked.account.user_id}).")


def _own_order(asked: Asked) -> Order:
    """The order in the path, whether or not the book shows it yet."""
    order = asked.world.exchange.orders.get(asked.path("order_id"))
    if order is None or order.account != asked.account.user_id:
        raise KiteError(404, "OrderException", "Couldn't find that `order_id`.")
    return order


def _visible_order(asked: Asked) -> Order:
    order = _own_order(asked)
    if not order.visible(asked.now):
        raise KiteError(404, "OrderException", "Couldn't find that `order_id`.")
    return order


def _visible(asked: Asked) -> list[Order]:
    today = asked.now.date()
    return [
        order
        for order in asked.world.exchange.of(asked.account.user_id)
        if order.accepted_at.date() == today and order.visible(asked.now)
    ]


def _shown_trades(asked: Asked) -> list[Trade]:
    orders = asked.world.exchange.of(asked.account.user_id)
    return [trade for order in orders if order.visible(asked.now) for trade in order.trades]


def _of_place(asked: Asked) -> Call:
    form: dict[str, Any] = asked.form
    symbol, side = form.get("tradingsymbol", ""), form.get("transaction_type", "")
    return Call("place", asked.account.user_id, symbol, side, form.get("tag", ""))


def _of_modify(asked: Asked) -> Call:
    return _of_existing(asked, "modify")


def _of_cancel(asked: Asked) -> Call:
    return _of_existing(asked, "cancel")


def _of_existing(asked: Asked, request: str) -> Call:
    order = _own_order(asked)
    return Call(request, order.account, order.contract.symbol, order.side, order.request.tag)


ONE_ORDER = "/orders/{variety}/{order_id}"
ROUTES = [
    Route("/orders", endpoint("orders", book)),
    Route("/trades", endpoint("trades", trades)),
    Route("/orders/{order_id}", endpoint("history", history), methods=["GET"]),
    Route("/orders/{order_id}/trades", endpoint("order_trades", order_trades), methods=["GET"]),
    Route("/orders/{variety}", endpoint("place", place, limit="order", describe=_of_place), methods=["POST"]),
    Route(ONE_ORDER, endpoint("modify", modify, limit="order", describe=_of_modify), methods=["PUT"]),
    Route(ONE_ORDER, endpoint("cancel", cancel, limit="order", describe=_of_cancel), methods=["DELETE"]),
    Route("/portfolio/positions", endpoint("positions", portfolio), methods=["GET"]),
    Route("/portfolio/positions", endpoint("convert", convert), methods=["PUT"]),
    Route("/portfolio/holdings", endpoint("holdings", holdings)),
    Route("/portfolio/holdings/auctions", endpoint("holdings", holdings)),
]
