"""The HTTP API as a program calls it: the token, an idempotency key, and errors that say what to do."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from tasks.cli.config import Config, Connection, Tokens
from tasks.cli.errors import ApiRefused, NotSignedIn, Unreachable
from tasks.cli.identity import Identity

SECONDS = 30
EARLY = 60
"""A token is renewed this many seconds before it ends."""

_HINTS = {
    401: "algo sign-in",
    403: "this needs an admin: ask the operator of the platform",
    404: "it does not exist, or it is not yours",
    409: "somebody was faster: read it again and repeat",
    413: "send less at once",
    429: "wait a moment",
    503: "try again in a moment",
}


@dataclass(slots=True)
class Api:
    """One signed-in caller."""

    connection: Connection
    tokens: Tokens | None
    remember: Callable[[Tokens], None] = lambda _: None
    session: requests.Session = field(default_factory=requests.Session)
    new_key: Callable[[], str] = lambda: str(uuid.uuid4())

    @classmethod
    def of(cls, config: Config) -> Api:
        """Whoever is signed in. Raises `NotConnected`, `NotSignedIn`."""
        return cls(config.connection(), config.tokens(), config.remember)

    def get(self, path: str, **query: Any) -> Any:
        wanted = {name: value for name, value in query.items() if value not in (None, "")}
        return self._send("GET", path, params=wanted)

    def send(self, method: str, path: str, body: Any = None, *, version: int | None = None) -> Any:
        """A command. Sent again after a lost reply, it has one effect: the key stays the same.

        Raises
        ------
        ApiRefused, NotSignedIn, Unreachable
        """
        headers = {"Idempotency-Key": self.new_key()}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self._send(method, path, json=body, headers=headers)

    def _send(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Any:
        all_headers = {"Authorization": f"Bearer {self._token()}", **(headers or {})}
        for last in (False, True):
            try:
                answer = self.session.request(
                    method, f"{self.connection.url}{path}", headers=all_headers, timeout=SECONDS, **more
                )
            except requests.RequestException as error:
                if last:
                    raise Unreachable(
                        f"{self.connection.url} does not answer ({type(error).__name__})",
                        hint="is the platform up? make up",
                    ) from None
            else:
                return _understood(answer)
        return None

    def _token(self) -> str:
        if self.tokens is None:
            raise NotSignedIn
        if self.tokens.expires_at - EARLY <= time.time():
            self.tokens = Identity(self.connection).refresh(self.tokens)
            self.remember(self.tokens)
        return self.tokens.id_token


def _understood(answer: requests.Response) -> Any:
    body = _json(answer)
    if answer.ok:
        return body
    said = body if isinstance(body, dict) else {}
    raise ApiRefused(
        answer.status_code,
        str(said.get("message") or said.get("error") or f"HTTP {answer.status_code}"),
        reasons=[str(reason) for reason in said.get("problems", ())],
        hint=_HINTS.get(answer.status_code, ""),
    )


def _json(answer: requests.Response) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        return answer.text
