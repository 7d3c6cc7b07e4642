"""The ASGI application: Kite's routes, and the simulator's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from brokers.simulator import routes_admin, routes_data, routes_orders, routes_user
from brokers.simulator.replies import KiteError
from brokers.simulator.world import World


async def _no_route(_: Request, error: Exception) -> JSONResponse:
    """What Kite says to a path or a method it doesn't know: its envelope, never a bare page."""
    code = error.status_code if isinstance(error, HTTPException) else 500
    message = "Route not found" if code == 404 else "Method not allowed"
    return KiteError(code, "GeneralException", message).response()


def create_app(world: World) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        running = asyncio.create_task(world.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    app = Starlette(
        routes=[*routes_user.ROUTES, *routes_orders.ROUTES, *routes_data.ROUTES, *routes_admin.ROUTES],
        exception_handlers={404: _no_route, 405: _no_route},
        lifespan=lifespan,
    )
    app.state.world = world
    return app
