"""The API as a WSGI application, for tools that speak HTTP. The bearer token is the user's id."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from tasks.api.handler import respond
from tests.api.world import World, http_event

Environ = dict[str, Any]


def application(world: World, *, groups: str = "admin") -> Callable[[Environ, Any], Iterable[bytes]]:
    def app(environ: Environ, start_response: Any) -> Iterable[bytes]:
        event = _event(environ)
        token = event["headers"].get("authorization", "").removeprefix("Bearer ")
        if token:
            claims = {"sub": token, "cognito:groups": f"[{groups}]"}
            event["requestContext"]["authorizer"] = {"jwt": {"claims": claims}}
        reply = respond(event, None, world.services)
        world.project()
        status = HTTPStatus(reply["statusCode"])
        headers = [(name, str(value)) for name, value in (reply.get("headers") or {}).items()]
        start_response(f"{status.value} {status.phrase}", headers)
        return [(reply.get("body") or "").encode()]

    return app


def _event(environ: Environ) -> dict[str, Any]:
    """As an HTTP API makes it: the path decoded, headers in lower case, a query of the last values."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length).decode("utf-8", "replace") if length else None
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    path = str(environ["PATH_INFO"]).encode("latin-1").decode("utf-8", "replace")
    return http_event(str(environ["REQUEST_METHOD"]), path, body, query=query, headers=headers)
