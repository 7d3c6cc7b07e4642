"""The shim's wrappers, each around a stand-in for what it wraps."""

from __future__ import annotations

import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from localstack.emulator import shim

CHANGE = {"Records": [{"eventSource": "aws:dynamodb"}]}
MESSAGE = {"Records": [{"eventSource": "aws:sqs"}]}


def answering(body: Any) -> Any:
    return shim.repeating(lambda _func, _event: {"body": body})


def test_a_streams_batch_with_failed_items_is_given_again() -> None:
    failed = {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert answering(failed)({}, CHANGE)["error"] is True
    assert "error" not in answering({"batchItemFailures": []})({}, CHANGE)
    assert "error" not in answering(failed)({}, MESSAGE)  # queues are served as on AWS already
    assert "error" not in answering(None)({}, None)


def test_a_code_is_compared_before_anything_is_done() -> None:
    done: list[str] = []
    run = shim.comparing(
        lambda _handler, action, _data: done.append(action) or "done",  # type: ignore[func-returns-value]
        lambda _action, data: None if data["ConfirmationCode"] == "123456" else "refused",
    )
    assert run(None, "ConfirmSignUp", {"ConfirmationCode": "000000"}) == "refused"
    assert run(None, "ConfirmSignUp", {"ConfirmationCode": "123456"}) == "done"
    assert done == ["ConfirmSignUp"]


@pytest.mark.parametrize(
    ("action", "status", "proved"),
    [("ConfirmSignUp", 200, True), ("ConfirmSignUp", 400, False), ("SignUp", 200, False)],
)
def test_a_code_proves_the_address(action: str, status: int, proved: bool) -> None:
    known = [{"Name": "email", "Value": "a@b.c"}, {"Name": "email_verified", "Value": "false"}]
    run = shim.proving(lambda *_: (status, {}, b""), lambda _data: known)
    assert run(None, action, {})[0] == status
    assert ({"Name": "email_verified", "Value": "true"} in known) is proved
    assert len(known) == 2


def test_a_call_waits_a_moment_for_a_worker_and_then_gets_its_own(monkeypatch: Any) -> None:
    monkeypatch.setattr(shim, "PATIENCE_SECONDS", 0.05)
    asked: list[int] = []

    def acquire(_name: str, max_concurrency: int = 0) -> tuple[Any, str]:
        asked.append(max_concurrency)
        return (None, "func_cap") if max_concurrency else ("worker", "spawn")

    assert shim.sharing(acquire)("PlaceOrder") == ("worker", "spawn")
    assert asked[0] == shim.WORKERS
    assert asked[-1] == 0


def test_changes_gather_and_are_looked_at_once_more_when_there_are_none(monkeypatch: Any) -> None:
    monkeypatch.setattr(shim, "GATHER_SECONDS", 0.05)
    polls: list[float] = []
    waiting = 1

    def poll() -> bool:
        polls.append(time.monotonic())
        return False

    look = shim.gathering(poll, lambda: waiting)
    started = time.monotonic()
    while len(polls) < 2:
        look()
    assert polls[1] - polls[0] >= 0.05
    assert polls[0] - started < 0.05
    waiting = 0
    look()
    assert len(polls) == 3


def test_unseen_changes_count_as_busy() -> None:
    mapping = {"UUID": "m1", "EventSourceArn": "arn:aws:dynamodb:ap-south-1:0:table/algo-runs/stream/now"}
    queue = {"UUID": "m2", "EventSourceArn": "arn:aws:sqs:ap-south-1:0:algo-updates"}
    functions = SimpleNamespace(
        executions_in_flight=lambda: (1, {}),
        _iter_all_esms=lambda: [("0", "ap-south-1", mapping), ("0", "ap-south-1", queue)],
        _dynamodb_stream_positions=SimpleNamespace(_data={("0", "ap-south-1", "m1"): 3}),
    )
    tables = SimpleNamespace(stream_end_position=lambda table, account_id, region: 5)
    assert shim.busy(functions, tables) == 1 + 2  # type: ignore[arg-type]


def test_the_conductor_is_told_and_everybody_else_served() -> None:
    sent: list[dict[str, Any]] = []
    served: list[str] = []
    kept: list[bool] = []

    async def serve(scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        served.append(scope["path"])

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    tell = shim.telling(serve, lambda: 4, lambda: kept.append(True))
    asyncio.run(tell({"type": "http", "path": shim.IDLE}, None, send))
    asyncio.run(tell({"type": "http", "path": "/"}, None, send))
    assert json.loads(sent[-1]["body"]) == {"busy": 4, "next_due": None}
    assert (served, kept) == (["/"], [])
    asyncio.run(tell({"type": "http", "path": shim.KEEP}, None, send))
    assert kept == [True]


def test_a_queues_messages_gather_as_long_as_its_window_says() -> None:
    queue: dict[str, list[str]] = {"messages": []}
    windowed, plain = {"UUID": "lake", "MaximumBatchingWindowInSeconds": 0.05}, {"UUID": "updates"}
    allowed = shim.in_windows(lambda *_: 5)
    assert allowed(plain, {}, {}, {"messages": ["m"]}) == 5
    assert allowed(windowed, {}, {}, queue) == 1, "nothing waits: nothing is held up"
    queue["messages"].append("m1")
    assert allowed(windowed, {}, {}, queue) == 0
    time.sleep(0.06)
    assert allowed(windowed, {}, {}, queue) == 1
    assert allowed(windowed, {}, {}, queue) == 0, "the next window has begun"
