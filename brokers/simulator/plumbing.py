"""Between HTTP and the exchange: who asks, how often, and what is to go wrong with the reply."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from brokers.simulator.auth import Account
from brokers.simulator.faults import Call, Fault, FaultKind
from brokers.simulator.replies import KiteError, bad_input
from brokers.simulator.world import Request as Entry
from brokers.simulator.world import World

LONGEST_HANG = 60.0
"""Seconds of wall time that a request hangs, unless the switch says otherwise; clients give up long before."""
TIMED_OUT = "Order request timed out. Please check the order book and confirm before placing again."
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
BROKEN_JSON = '{"status": "success", "data": {"order_'
TRANSPORT = "transport"
"""Key under which `server.DroppingProtocol` puts the connection into a request's state."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that has passed the door: read, known, counted."""

    world: World
    account: Account
    now: datetime
    request: Request
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The form of the body. Kite's client repeats path fields in it, which does no harm."""
        return parse_form(self.body)

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            raise bad_input("Invalid JSON in the request.") from None

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])


def parse_form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


async def read_form(request: Request) -> dict[str, str]:
    return parse_form(await request.body())


Act = Callable[[Asked], Response]
Describe = Callable[[Asked], Call]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(name: str, act: Act, *, limit: str = "other", describe: Describe | None = None) -> Endpoint:
    """A route for logged-in accounts.

    Parameters
    ----------
    name
        What switches call this request in their `request` pattern.
    limit
        Which of `limits.LIMITS` counts it.
    describe
        What the request is about, for switches that ask for a symbol, a side or a tag.
    """

    async def serve(request: Request) -> Response:
        world: World = request.app.state.world
        world.in_progress += 1
        try:
            return await _answer(world, request, name, act, limit, describe)
        except KiteError as error:
            return error.response()
        finally:
            world.in_progress -= 1
            world.wake.set()

    return serve


async def _answer(
    world: World, request: Request, name: str, act: Act, limit: str, describe: Describe | None
) -> Response:
    body = await request.body()
    now = world.now()
    account = world.sessions.check(request.headers.get("authorization", ""), now)
    entry = Entry(now, account.user_id, request.method, request.url.path)
    world.requests.append(entry)
    try:
        response = await _admitted(Asked(world, account, now, request, body), name, act, limit, describe, entry)
    except KiteError as error:
        entry.code = error.code
        raise
    entry.code = entry.code or response.status_code
    return response


async def _admitted(
    asked: Asked, name: str, act: Act, limit: str, describe: Describe | None, entry: Entry
) -> Response:
    world, account = asked.world, asked.account
    if limit == "order":
        _check_address(world, account, asked.request)
    if world.settings.limits:
        world.limits.count(limit, account.user_id if limit == "order" else account.api_key, asked.now)
    call = describe(asked) if describe else Call(name, account.user_id)
    fault = world.faults.of_reply(call)
    if fault is None:
        return act(asked)
    entry.fault = fault.kind.value
    return await _spoiled(fault, asked, act)


def _check_address(world: World, account: Account, request: Request) -> None:
    """Orders are taken only from the addresses registered for the account; none registered: from anywhere."""
    allowed = world.settings.registered_ips.get(account.user_id)
    address = client_address(request)
    if allowed and address not in allowed:
        raise KiteError(
            403, "PermissionException", f"IP ({address}) is not allowed to place orders for this app."
        )


def client_address(request: Request) -> str:
    """Where the request came from: what a proxy says, or the peer."""
    forwarded = request.headers.get("x-forwarded-for", "")
    peer = request.client.host if request.client else ""
    return forwarded.split(",")[0].strip() or peer


async def _spoiled(fault: Fault, asked: Asked, act: Act) -> Response:
    """Do what was asked, or not, and answer as the switch wants it."""
    kind = fault.kind
    if kind is FaultKind.TOO_MANY_REQUESTS:
        raise KiteError(429, "NetworkException", "Too many requests")
    if kind is FaultKind.REFUSE:
        raise KiteError(400, "OrderException", fault.reason or "Order refused")
    if kind.value.endswith("_accepted"):
        act(asked)
        asked.world.wake.set()
    if kind in (FaultKind.HANG_ACCEPTED, FaultKind.HANG_LOST):
        await _hang(asked.request, fault.seconds or LONGEST_HANG)
        raise KiteError(504, "NetworkException", "Gateway timed out")
    if kind in (FaultKind.DROP_ACCEPTED, FaultKind.DROP_LOST):
        asked.request.scope["state"][TRANSPORT].abort()
        return Response()
    return _spoiled_reply(kind)


def _spoiled_reply(kind: FaultKind) -> Response:
    if kind in (FaultKind.BAD_GATEWAY_ACCEPTED, FaultKind.BAD_GATEWAY_LOST):
        return HTMLResponse(BAD_GATEWAY, 502)
    if kind in (FaultKind.TIMED_OUT_ACCEPTED, FaultKind.TIMED_OUT_LOST):
        raise KiteError(400, "OrderException", TIMED_OUT)
    return Response(BROKEN_JSON, 200, media_type="application/json")


async def _hang(request: Request, seconds: float) -> None:
    """Say nothing until the client has given up, or `seconds` of wall time have passed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not await request.is_disconnected():
        await asyncio.sleep(0.05)
