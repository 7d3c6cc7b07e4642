"""What an unlucky client gets to see: replies that come late, broken, wrong or not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from brokers.simulator.faults import Fault, FaultKind
from brokers.simulator.replies import KiteError

LONGEST_HANG = 60.0
"""Seconds of wall time that a request hangs, unless the switch says otherwise; clients give up long before."""
TIMED_OUT = "Order request timed out. Please check the order book and confirm before placing again."
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
BROKEN_JSON = '{"status": "success", "data": {"order_'
TRANSPORT = "transport"
"""Key under which `server.DroppingProtocol` puts the connection into a request's state."""


async def spoiled(fault: Fault, request: Request, act: Callable[[], Response]) -> Response:
    """Do what was asked with `act`, or don't, and answer as the switch wants it.

    What `act` itself refuses is answered as ever: an order that breaks a rule is not accepted, however its
    reply would have been lost.
    """
    kind = fault.kind
    if kind is FaultKind.TOO_MANY_REQUESTS:
        raise KiteError(429, "NetworkException", "Too many requests")
    if kind is FaultKind.REFUSE:
        raise KiteError(400, "OrderException", fault.reason or "Order refused")
    if kind.value.endswith("_accepted"):
        act()
    if kind in (FaultKind.HANG_ACCEPTED, FaultKind.HANG_LOST):
        await _hang(request, fault.seconds or LONGEST_HANG)
        raise KiteError(504, "NetworkException", "Gateway timed out")
    if kind in (FaultKind.DROP_ACCEPTED, FaultKind.DROP_LOST):
        request.scope["state"][TRANSPORT].abort()
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
