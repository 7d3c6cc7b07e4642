"""A server on 127.0.0.1 that answers exactly as a test tells it to, bytes and all."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import parse_qs

Connection = socket.socket


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode())


Action = Callable[["Loopback", Connection], None]


@dataclass
class Loopback:
    """Plays `script`, one action a request, the last one again and again. Keeps what it was asked."""

    script: list[Action]
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Loopback:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def read(self, connection: Connection) -> None:
        """Read one whole request."""
        with connection.makefile("rb") as stream:
            method, target, _ = stream.readline().decode().split(" ", 2)
            headers: dict[str, str] = {}
            while line := stream.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", 0)))
        self.requests.append(Request(method, target, headers, body))

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            action = self.script[min(self.connections, len(self.script) - 1)]
            self.connections += 1
            with connection:
                action(self, connection)


def answer(
    status: int, body: bytes | str, content_type: str | None = "application/json", *headers: str
) -> Action:
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}", "Connection: close", *headers]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return raw(head + content)


def raw(content: bytes) -> Action:
    """Read the request, send `content`, close."""

    def act(server: Loopback, connection: Connection) -> None:
        server.read(connection)
        connection.sendall(content)

    return act


def success(data: object) -> Action:
    return answer(200, json.dumps({"status": "success", "data": data}))


def refusal(status: int, error_type: str, message: str) -> Action:
    """Kite's error envelope."""
    return answer(
        status, json.dumps({"status": "error", "message": message, "error_type": error_type, "data": None})
    )


def hang(server: Loopback, connection: Connection) -> None:
    """Read the request and say nothing until the test is over."""
    server.read(connection)
    server.stopping.wait(10)


def close_after_reading(server: Loopback, connection: Connection) -> None:
    server.read(connection)


def close_before_reading(_: Loopback, connection: Connection) -> None:
    connection.shutdown(socket.SHUT_RDWR)


class RefusedPort:
    """A port of this machine where nobody listens, kept so that nobody else gets it."""

    def __enter__(self) -> str:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._socket.close()


class DeafPort:
    """A port whose queue is full, so that a connection is neither made nor refused (Linux)."""

    def __enter__(self) -> str:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        address = self._listener.getsockname()
        self._waiting = [socket.socket() for _ in range(3)]
        for client in self._waiting:
            client.setblocking(False)
            client.connect_ex(address)
        return f"http://127.0.0.1:{address[1]}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        for client in self._waiting:
            client.close()
        self._listener.close()
