"""The websocket of Kite's ticker, beneath what is said on it: handshake, frames, pings, and a dead socket.

It takes over a connection of the HTTP server when a client asks for the upgrade.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from uvicorn import Config
from uvicorn.server import ServerState
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from brokers.simulator.replies import KiteError
from brokers.simulator.ticker import Ticker

GOING_AWAY = 1001
TOO_MUCH = 64 * 1024
"""Bytes of one message from a client: 3,000 tokens take half of it."""


class TickerSocket(asyncio.Protocol):
    """One client's connection. The ticker decides what is sent on it."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:  # noqa: ARG002 (uvicorn's)
        application: Any = config.app
        self._ticker: Ticker = application.state.world.ticker
        self._server = server_state
        self._connection = WSConnection(ConnectionType.SERVER)
        self._transport: asyncio.Transport | None = None
        self._text = ""
        self._pongs: dict[bytes, asyncio.Future[None]] = {}
        self._pings = 0
        self.dead = False
        """Half open: the client sees a connection on which nothing happens any more."""

    # What asyncio and uvicorn call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(cast("Any", self))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (why doesn't matter)
        self._server.connections.discard(cast("Any", self))
        self._ticker.forget(self)
        for pong in self._pongs.values():
            if not pong.done():
                pong.set_result(None)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if self.dead:
            return
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                self._on(event)
        except ProtocolError:
            self.abort()

    def shutdown(self) -> None:
        """The server stops."""
        self.close(GOING_AWAY, "")

    # What the ticker calls

    def send(self, message: bytes | str) -> None:
        """A binary or a text message, unless the socket is dead."""
        if isinstance(message, str):
            self._send(TextMessage(data=message))
        else:
            self._send(BytesMessage(data=message))

    def ping(self) -> asyncio.Future[None]:
        """Done when the client has answered, so when it has dealt with all that was sent before; or is gone."""
        self._pings += 1
        mark = str(self._pings).encode()
        pong = self._pongs[mark] = asyncio.get_running_loop().create_future()
        if self.dead or self._transport is None:
            pong.set_result(None)
        else:
            self._send(Ping(payload=mark))
        return pong

    def close(self, code: int, reason: str) -> None:
        """The closing handshake, begun by us."""
        if self._transport is None:
            return
        if not self.dead:
            self._send(CloseConnection(code=code, reason=reason))
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self, event: Event) -> None:
        if self.dead or self._transport is None or self._transport.is_closing():
            return
        self._transport.write(self._connection.send(event))

    # What the client sends

    def _on(self, event: Event) -> None:
        match event:
            case Request():
                self._greet(event)
            case TextMessage() | BytesMessage():
                self._hear(event)
            case Ping():
                self._send(event.response())
            case Pong():
                waiting = self._pongs.pop(bytes(event.payload), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(None)
            case CloseConnection():
                self._send(event.response())
                if self._transport is not None:
                    self._transport.close()

    def _greet(self, request: Request) -> None:
        """Kite checks the session while shaking hands: a token that has ended gets HTTP 403."""
        asked = dict(parse_qsl(urlsplit(request.target).query))
        try:
            account = self._ticker.admit(asked.get("api_key", ""), asked.get("access_token", ""))
        except KiteError as error:
            self._refuse(error)
            return
        self._send(AcceptConnection())
        self._ticker.welcome(self, account, asked["access_token"])

    def _refuse(self, error: KiteError) -> None:
        body = error.response().body
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        self._send(RejectConnection(status_code=error.code, headers=headers, has_body=True))
        self._send(RejectData(data=bytes(body), body_finished=True))
        if self._transport is not None:
            self._transport.close()

    def _hear(self, message: Message[Any]) -> None:
        if isinstance(message.data, str):
            self._text += message.data
        else:
            self._text += bytes(message.data).decode(errors="replace")
        if len(self._text) > TOO_MUCH:
            self.abort()
        elif message.message_finished:
            said, self._text = self._text, ""
            self._ticker.hear(self, _parsed(said))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
