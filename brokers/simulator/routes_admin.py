"""The simulator's own API, for those who run it: switches, oracle, idleness. No login; 127.0.0.1 only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from brokers.simulator.auth import Account
from brokers.simulator.faults import Fault
from brokers.simulator.orders import NewOrder
from brokers.simulator.plumbing import client_address
from brokers.simulator.positions import net_quantities
from brokers.simulator.replies import KiteError, timestamp
from brokers.simulator.world import Settings, World

ZERO = Decimal(0)
HEARD_WITHIN = 2.0
"""Seconds of wall time: a client that is slower than that is not waited for."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(_Body):
    account: str
    access_token: str = ""


class OneAccount(_Body):
    account: str


class OutsideTrade(_Body):
    """An order that a person sends from a terminal."""

    account: str
    symbol: str
    side: str = Field(pattern="^(BUY|SELL)$")
    quantity: int = Field(gt=0)
    product: str = "MIS"
    exchange: str = "NFO"


class OneOrder(_Body):
    order_id: str


class Offline(_Body):
    """Seconds of wall time during which nobody can connect."""

    seconds: float = Field(gt=0, le=600)


class Move(_Body):
    """A jump of an index by so many per cent, from now on."""

    underlying: str
    percent: float


Handler = Callable[[World, Request], Awaitable[Any]]


def _route(path: str, handler: Handler, method: str) -> Route:
    async def serve(request: Request) -> Response:
        world: World = request.app.state.world
        try:
            world.tick()
            answer = await handler(world, request)
        except ValidationError as error:
            return JSONResponse({"error": error.errors(include_url=False, include_context=False)}, 400)
        except KiteError as error:
            return JSONResponse({"error": str(error)}, error.code)
        world.wake.set()
        return JSONResponse(answer)

    return Route(path, serve, methods=[method])


async def idle(world: World, _: Request) -> dict[str, Any]:
    """Whether anything is in progress (`telling`: postbacks alone), and when the next thing is due."""
    due = world.next_due()
    telling = world.postbacks.busy
    return {"busy": world.busy, "telling": telling, "next_due": due.isoformat() if due else None}


async def poke(world: World, _: Request) -> dict[str, Any]:
    """The clock has jumped: look at it now. Answers when the ticker's clients have dealt with its ticks."""
    await world.ticker.heard(HEARD_WITHIN)
    return {"now": world.now().isoformat()}


async def stream(world: World, _: Request) -> dict[str, Any]:
    """Who listens to the ticker."""
    return {"frames": world.ticker.frames, "connections": world.ticker.subscriptions()}


async def address(_: World, request: Request) -> str:
    """Where the request came from, as orders would."""
    return client_address(request)


async def ledger(world: World, _: Request) -> dict[str, Any]:
    """The exchange's own truth: every order with its history, also those that the book does not show yet."""
    now = world.now()
    exchange = world.exchange
    return {
        "now": now.isoformat(),
        "orders": [
            {
                **order.history[-1],
                "account": order.account,
                "accepted_at": order.accepted_at.isoformat(),
                "visible": order.visible(now),
                "from_api": order.from_api,
                "history": order.history,
            }
            for order in exchange.orders.values()
        ],
        "trades": [
            {**trade.row(), "account": trade.account, "at": trade.at.isoformat()} for trade in exchange.trades
        ],
        "positions": {user: _net(world, user) for user in world.sessions.accounts},
        "postbacks": [asdict(delivery) for delivery in world.postbacks.log],
        "requests": [{**asdict(entry), "at": entry.at.isoformat()} for entry in world.requests],
    }


def _net(world: World, user: str) -> dict[str, int]:
    """Units by symbol, all products together, without those that are flat."""
    net: dict[str, int] = {}
    trades = (trade for trade in world.exchange.trades if trade.account == user)
    for (symbol, _), units in net_quantities(trades, world.now()).items():
        net[symbol] = net.get(symbol, 0) + units
    return {symbol: units for symbol, units in net.items() if units}


async def reset(world: World, _: Request) -> dict[str, Any]:
    world.reset()
    return {"reset": True}


async def list_faults(world: World, _: Request) -> list[dict[str, Any]]:
    return [fault.model_dump(mode="json") for fault in world.faults.all]


async def set_faults(world: World, request: Request) -> list[dict[str, Any]]:
    """Add one switch or a list of them."""
    body = await request.body()
    adapter: TypeAdapter[Fault | list[Fault]] = TypeAdapter(Fault | list[Fault])
    given = adapter.validate_json(body)
    world.faults.set(given if isinstance(given, list) else [given])
    return await list_faults(world, request)


async def clear_faults(world: World, request: Request) -> list[dict[str, Any]]:
    world.faults.clear()
    return await list_faults(world, request)


async def show_settings(world: World, _: Request) -> dict[str, Any]:
    return world.settings.model_dump(mode="json")


async def change_settings(world: World, request: Request) -> dict[str, Any]:
    """Change the settings that are named; the rest stay."""
    changes: dict[str, Any] = TypeAdapter(dict[str, Any]).validate_json(await request.body())
    valid = Settings.model_validate({**world.settings.model_dump(), **changes})
    world.change_settings(valid)
    return await show_settings(world, request)


async def login(world: World, request: Request) -> dict[str, Any]:
    """A session without the login page: what the owner's daily login leads to."""
    body = Login.model_validate_json(await request.body())
    account = _account(world, body.account)
    token = world.sessions.open(account, world.now(), body.access_token)
    return {"account": account.user_id, "api_key": account.api_key, "access_token": token}


async def expire_token(world: World, request: Request) -> dict[str, Any]:
    body = OneAccount.model_validate_json(await request.body())
    world.sessions.expire(_account(world, body.account).user_id)
    return {"expired": body.account}


async def outside(world: World, request: Request) -> dict[str, Any]:
    """A person trades from a terminal: filled at the quote, without a tag, without a postback."""
    body = OutsideTrade.model_validate_json(await request.body())
    contract = world.listing(world.now()).by_key.get(f"{body.exchange}:{body.symbol}")
    if contract is None:
        raise KiteError(404, "InputException", f"no contract {body.exchange}:{body.symbol} is listed")
    user = _account(world, body.account).user_id
    order = NewOrder(user, contract, body.side, "MARKET", body.quantity, ZERO, body.product)
    return {"order_id": world.exchange.trade_outside(order, world.now()).id}


async def square_off(world: World, request: Request) -> dict[str, Any]:
    """A person closes everything that the account has open."""
    body = OneAccount.model_validate_json(await request.body())
    account, now = _account(world, body.account), world.now()
    trades = [trade for trade in world.exchange.trades if trade.account == account.user_id]
    contracts = {trade.contract.symbol: trade.contract for trade in trades}
    orders = [
        NewOrder(account.user_id, contracts[symbol], side_to_close(units), "MARKET", abs(units), ZERO, product)
        for (symbol, product), units in net_quantities(trades, now).items()
    ]
    return {"order_ids": [world.exchange.trade_outside(order, now).id for order in orders]}


def side_to_close(units: int) -> str:
    """The side that takes a net quantity to zero."""
    return "SELL" if units > 0 else "BUY"


async def cancel_outside(world: World, request: Request) -> dict[str, Any]:
    """A person cancels one of the orders that came through the API."""
    body = OneOrder.model_validate_json(await request.body())
    order = world.exchange.orders.get(body.order_id)
    if order is None:
        raise KiteError(404, "OrderException", f"no order {body.order_id}")
    world.exchange.cancel(order, world.now())
    return {"order_id": order.id}


async def offline(world: World, request: Request) -> dict[str, Any]:
    """Take new connections from nobody for a while: they are refused before anything is sent."""
    body = Offline.model_validate_json(await request.body())
    if world.go_offline is None:
        raise KiteError(400, "InputException", "this server has no listener of its own to close")
    world.go_offline(body.seconds)
    return {"offline_for": body.seconds}


async def move(world: World, request: Request) -> dict[str, Any]:
    """Shock an index: it and all its contracts are repriced from now on."""
    body = Move.model_validate_json(await request.body())
    if body.underlying not in world.walk.names:
        raise KiteError(404, "InputException", f"no underlying {body.underlying}")
    now = world.now()
    world.walk.move(body.underlying, now, 1 + body.percent / 100)
    return {"underlying": body.underlying, "spot": world.walk.spot(body.underlying, now), "at": timestamp(now)}


def _account(world: World, user_id: str) -> Account:
    account = world.sessions.accounts.get(user_id)
    if account is None:
        raise KiteError(404, "InputException", f"no account {user_id}")
    return account


ROUTES = [
    _route("/_sim/idle", idle, "GET"),
    _route("/_local/clock", poke, "POST"),
    _route("/_sim/stream", stream, "GET"),
    _route("/_sim/address", address, "GET"),
    _route("/_sim/ledger", ledger, "GET"),
    _route("/_sim/reset", reset, "POST"),
    _route("/_sim/faults", list_faults, "GET"),
    _route("/_sim/faults", set_faults, "POST"),
    _route("/_sim/faults", clear_faults, "DELETE"),
    _route("/_sim/settings", show_settings, "GET"),
    _route("/_sim/settings", change_settings, "PUT"),
    _route("/_sim/login", login, "POST"),
    _route("/_sim/expire-token", expire_token, "POST"),
    _route("/_sim/outside", outside, "POST"),
    _route("/_sim/square-off", square_off, "POST"),
    _route("/_sim/cancel", cancel_outside, "POST"),
    _route("/_sim/move", move, "POST"),
    _route("/_sim/offline", offline, "POST"),
]
