"""HTTP: AWS's JSON 1.0 protocol on `/`, and the local platform's own questions below `/_local`."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from localstack.stepfunctions.errors import ApiError
from localstack.stepfunctions.journal import JournalUnusable
from localstack.stepfunctions.service import OPERATIONS, Service
from workflows.asl.interpreter.data import Json, dumps

log = logging.getLogger(__name__)

MAX_BODY = 4 * 1_048_576
"""Bytes: a definition may have 1 MiB, and JSON in JSON takes more."""
TARGET = "AWSStepFunctions."

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class App:
    """The ASGI application. `make` is called in the event loop, when the server starts."""

    def __init__(self, make: Callable[[], Service]) -> None:
        self._make = make
        self._service: Service | None = None

    @property
    def service(self) -> Service:
        if self._service is None:
            raise RuntimeError("the server has not started")
        return self._service

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            status, body = await self._answer(scope, receive)
            await _respond(send, status, body)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self._service = service = self._make()
            service.recover()
            await service.engine.commits.durable()
        except JournalUnusable as wrong:
            await send({"type": "lifespan.startup.failed", "message": str(wrong)})
            return
        tasks = [asyncio.create_task(work) for work in (service.engine.run_timers(), service.keep_small())]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in tasks:
            task.cancel()
        service.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Message, receive: Receive) -> tuple[int, Json]:
        try:
            body = await _read(receive)
            path, method = scope["path"], scope["method"]
            if path.startswith("/_local/"):
                return 200, self._local(method, path)
            answer = await self._operation(_target(scope), body)
            await self.service.engine.commits.durable()
            return 200, answer
        except ApiError as wrong:
            return wrong.status, {"__type": wrong.type, "message": wrong.message}
        except Exception:  # the client gets AWS's answer for it, the log gets the reason
            log.exception("a request failed in an unforeseen way")
            return 500, {
                "__type": "InternalServerError",
                "message": "Internal error; the endpoint's log has more",
            }

    def _local(self, method: str, path: str) -> Json:
        if (method, path) == ("GET", "/_local/idle"):
            return self.service.engine.idle()
        if (method, path) == ("POST", "/_local/clock"):
            self.service.engine.poke()
            return {}
        raise ApiError("NotFound", f"There is no {method} {path}", 404)

    async def _operation(self, target: str, body: bytes) -> Json:
        operation = OPERATIONS.get(target)
        if operation is None:
            known = ", ".join(OPERATIONS)
            message = f"The operation '{target}' is not available here. Available: {known}"
            raise ApiError("UnknownOperationException", message)
        answer = operation(self.service, _parse(body))
        return await answer if isinstance(answer, Awaitable) else answer


def _target(scope: Message) -> str:
    for name, value in scope["headers"]:
        if name == b"x-amz-target":
            return str(value.decode("latin-1")).removeprefix(TARGET)
    raise ApiError("UnknownOperationException", "The header X-Amz-Target is missing")


def _parse(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ApiError("SerializationException", "The request is not valid JSON") from None
    if not isinstance(request, dict):
        raise ApiError("SerializationException", "The request is not a JSON object")
    if b"\\ud" in body.lower() and not _is_text(request):
        raise ApiError("SerializationException", "The request has half of a surrogate pair in it")
    return request


def _is_text(request: Json) -> bool:
    try:
        dumps(request).encode()
    except UnicodeEncodeError:
        return False
    return True


async def _read(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise ApiError("RequestEntityTooLargeException", f"A request has at most {MAX_BODY} bytes", 413)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def _respond(send: Send, status: int, body: Json) -> None:
    payload = dumps(body).encode("utf-8", "surrogatepass")
    headers = [
        (b"content-type", b"application/x-amz-json-1.0"),
        (b"content-length", str(len(payload)).encode()),
        (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})
