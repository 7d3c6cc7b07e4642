"""What stands before every route: the check of the host, and the headers that keep other pages out."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localstack.console.guard import Guard, NotAllowed

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
        "font-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Front:
    """ASGI middleware; Starlette's base class would come between a stream and the end of its connection."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._guard.check_host(Request(scope))
        except NotAllowed as wrong:
            await problem(403, "NotAllowed", f"Refused: {wrong}.")(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def problem(status: int, code: str, message: str) -> JSONResponse:
    """An error, as the page expects it."""
    return JSONResponse({"error": code, "message": message}, status)
