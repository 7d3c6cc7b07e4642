"""Who may ask, and who may act.

The page listens on this machine only, but every page in the browser can reach it. So a request must name this
host (against DNS rebinding), and an action must be a POST from the page itself, with the token that only it was
given: it belongs to the browser's session cookie, and is worth nothing with another one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request

COOKIE = "console-session"
HEADER = "x-console-token"


class NotAllowed(Exception):
    """The request does not come from the page itself; the message says what gave it away."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Checks requests for one running server."""

    hosts: frozenset[str]
    """`Host` headers that are ours: `127.0.0.1:8085`, `localhost:8085`."""
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @classmethod
    def on_port(cls, port: int, names: Iterable[str] = ("127.0.0.1", "localhost", "[::1]")) -> Guard:
        return cls(frozenset(f"{name}:{port}" for name in names))

    def new_session(self) -> str:
        return secrets.token_urlsafe(24)

    def token(self, session: str) -> str:
        """What the page of this session must send with every action."""
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def check_host(self, request: Request) -> None:
        """Raises NotAllowed if the request was meant for another host name."""
        if request.headers.get("host", "").lower() not in self.hosts:
            raise NotAllowed("this page answers only to the address it was started on")

    def check_action(self, request: Request) -> None:
        """Raises NotAllowed unless the request is an action of our own page."""
        self.check_host(request)
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise NotAllowed("it comes from another site")
        origin = request.headers.get("origin")
        if origin is None or urlsplit(origin).netloc.lower() != request.headers["host"].lower():
            raise NotAllowed("its origin is not this page")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise NotAllowed("it is not JSON")
        session, token = request.cookies.get(COOKIE, ""), request.headers.get(HEADER, "")
        if not session or not hmac.compare_digest(self.token(session).encode(), token.encode()):
            raise NotAllowed("its token is not this session's: reload the page")
