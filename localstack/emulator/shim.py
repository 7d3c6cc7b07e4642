"""What ministack 1.5.33 does differently from AWS in a way that the state machines would notice.

- Every exception of a Lambda is answered as `Runtime.HandlerError`, so that no Retry or Catch by name could
  match. AWS answers the exception's class name with its message and stack trace, and so does the shim.
- A worker is thrown away after an exception. On AWS the execution environment lives on: otherwise every
  expected error would cost a cold start.
- A stream's batch of which a function reports some items as failed (`batchItemFailures`) counts as done. AWS
  gives what failed again. So does the shim, with the rest of the batch: the functions take a change twice.
- One thread feeds queues and streams, one change at a time. Here changes gather for a moment, so that there are
  fewer calls and an order's update does not wait behind the bookkeeping.
- Any code confirms a sign-up. AWS compares it with the one in the e-mail, and so does the shim.
- A confirmed sign-up leaves `email_verified` unset. AWS sets it, and so does the shim.
- It forgets everything when it is killed. AWS forgets nothing, and nor does this: see `keeping`.
- Nobody can ask whether a stream has changes that no function has seen yet: `GET /_local/idle` says so.
- It takes no event whose source begins with `aws.`, as AWS takes none from its customers. But the state
  machines are not its own here: their endpoint tells how executions ended, in AWS's place.
- A queue's batching window counts for nothing: its function is called for whatever is there. The lake's would
  be called for every event, and write a file for each. So messages gather here as long as the window says.
- Each call beyond those that run starts another worker, which costs a second of a small machine's time. Here
  a call first waits a moment for one of `WORKERS` to be free: most calls take a twentieth of a second.
- Its EventBridge Scheduler fires by the wall clock and in UTC. `localstack.schedules` fires instead.

The shim replaces text and functions inside ministack, so it refuses any version it was not written for.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from localstack.emulator.keeping import Deliveries, Files, Journal, Keeping, Tables

VERSION = "1.5.33"

FUNCTION_ERROR = "__algo_function_error__"
"""Marks a worker's answer that is an exception. It goes no further than the shim."""

_ANSWER_OF_AN_EXCEPTION = (
    '_real_stdout.write(json.dumps({"status": "error", "error": str(e), '
    '"trace": traceback.format_exc()}) + "\\n")'
)
_ANSWER_WITH_ITS_NAME = (
    '_real_stdout.write(json.dumps({"status": "ok", "result": {"__algo_function_error__": '
    '{"errorMessage": str(e), "errorType": type(e).__name__, "requestId": context.aws_request_id, '
    '"stackTrace": traceback.format_tb(e.__traceback__)}}}) + "\\n")'
)


IDLE = "/_local/idle"
KEEP = "/_local/keep"

WORKERS = 2
"""Of one function, before a call waits for one of them."""

GATHER_SECONDS = 0.25
"""Between two rounds of the streams."""

PATIENCE_SECONDS = 0.5
"""A call that finds all workers busy for longer gets one of its own, as on AWS."""


class UnexpectedMinistack(RuntimeError):
    """The installed ministack is not the one the shim was written for."""


def apply() -> None:
    """Patch ministack in this process, before it serves.

    Raises
    ------
    UnexpectedMinistack
        If its version, or the text that is to be replaced, is another one.
    """
    found = version("ministack")
    if found != VERSION:
        raise UnexpectedMinistack(f"ministack {found} is installed, the shim was written for {VERSION}")
    from ministack import app  # noqa: PLC0415  (only the emulator's environment has it)
    from ministack.core import lambda_runtime, persistence  # noqa: PLC0415
    from ministack.services import cognito, dynamodb, eventbridge, lambda_svc, scheduler  # noqa: PLC0415

    journal = Journal(Path(os.environ["STATE_DIR"]) / "journal.sqlite")
    keeping = Keeping(
        Tables(journal, dynamodb, lambda_svc),
        Deliveries(journal, lambda_svc),
        Files(app, persistence.save_state),
    )
    keeping.surround(app, dynamodb, eventbridge)

    name_exceptions(lambda_runtime, lambda_svc)
    lambda_svc._execute_function = repeating(lambda_svc._execute_function)
    lambda_svc._poll_dynamodb_streams = gathering(
        keeping.tables.polling(lambda_svc._poll_dynamodb_streams), lambda: unseen(lambda_svc, dynamodb)
    )
    eventbridge._put_events = partial(eventbridge._put_events, allow_aws_source=True)
    lambda_svc._sqs_esm_concurrency = in_windows(lambda_svc._sqs_esm_concurrency)
    lambda_svc.acquire_worker = sharing(lambda_svc.acquire_worker)
    compared = comparing(cognito._run_idp_handler, cognito._confirmation_code_error)
    cognito._run_idp_handler = proving(compared, lambda data: attributes_of(cognito, data))
    app.app = telling(
        app.app, lambda: busy(lambda_svc, dynamodb) + keeping.deliveries.waiting, keeping.files.keep_all
    )
    scheduler.start_scheduler = _no_ticker


def name_exceptions(runtime: ModuleType, service: ModuleType) -> None:
    """Let workers report an exception's class name, and the service answer with it."""
    script: str = runtime._PYTHON_WORKER_SCRIPT
    if script.count(_ANSWER_OF_AN_EXCEPTION) != 1:
        raise UnexpectedMinistack("ministack's Python worker no longer reports exceptions as it did")
    runtime._PYTHON_WORKER_SCRIPT = script.replace(_ANSWER_OF_AN_EXCEPTION, _ANSWER_WITH_ITS_NAME)  # type: ignore[attr-defined]
    service._execute_function_warm = naming(service._execute_function_warm)  # type: ignore[attr-defined]


def naming(execute: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap the function that runs a worker, so that a reported exception becomes a function error."""

    def execute_and_name(func: dict[str, Any], event: object, request_id: str) -> dict[str, Any]:
        answer = execute(func, event, request_id)
        body = answer.get("body")
        if not isinstance(body, dict) or set(body) != {FUNCTION_ERROR}:
            return answer
        return {**answer, "body": body[FUNCTION_ERROR], "error": True}

    return execute_and_name


def repeating(execute: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap the function that runs a Lambda: a stream's batch with failed items is a failed batch."""

    def execute_and_repeat(func: dict[str, Any], event: object) -> dict[str, Any]:
        answer = execute(func, event)
        body = answer.get("body")
        if _from_stream(event) and isinstance(body, dict) and body.get("batchItemFailures"):
            return {**answer, "error": True}
        return answer

    return execute_and_repeat


def _from_stream(event: object) -> bool:
    records = event.get("Records") if isinstance(event, dict) else None
    return bool(records) and records[0].get("eventSource") == "aws:dynamodb"  # type: ignore[index]


def sharing(acquire: Callable[..., tuple[Any, str]]) -> Callable[..., tuple[Any, str]]:
    """Wrap the function that hands out workers. One that is slow does not hold up the others for long."""

    def acquire_or_wait(*function: Any, **more: Any) -> tuple[Any, str]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            worker, reason = acquire(*function, max_concurrency=WORKERS, **more)
            if worker is not None:
                return worker, reason
            time.sleep(0.01)
        return acquire(*function, **more)

    return acquire_or_wait


def comparing(run: Callable[..., Any], refusal: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the function that runs an action of Cognito: a confirmation needs the code that was sent."""

    def run_and_compare(handler: object, action: str, data: dict[str, Any]) -> Any:
        return refusal(action, data) or run(handler, action, data)

    return run_and_compare


def proving(
    run: Callable[..., Any], attributes: Callable[[dict[str, Any]], list[dict[str, str]]]
) -> Callable[..., Any]:
    """Wrap the function that runs an action of Cognito: who gave the code has proved their e-mail address."""

    def run_and_note(handler: object, action: str, data: dict[str, Any]) -> Any:
        answer = run(handler, action, data)
        if action == "ConfirmSignUp" and answer[0] == HTTPStatus.OK:
            known = attributes(data)
            known[:] = [each for each in known if each["Name"] != "email_verified"]
            known.append({"Name": "email_verified", "Value": "true"})
        return answer

    return run_and_note


def attributes_of(service: ModuleType, data: dict[str, Any]) -> list[dict[str, str]]:
    """Those of the user that a request of a client is about, to be changed."""
    pool = next(each for each in service._user_pools.values() if data["ClientId"] in each["_clients"])
    user, _ = service._resolve_user(pool, data["Username"])
    attributes: list[dict[str, str]] = user["Attributes"]
    return attributes


def busy(functions: ModuleType, tables: ModuleType) -> int:
    """Lambdas that run, and changes in streams that their functions have not seen yet."""
    running: int = functions.executions_in_flight()[0]
    return running + unseen(functions, tables)


def unseen(functions: ModuleType, tables: ModuleType) -> int:
    """Changes in streams that their functions have not seen yet."""
    return sum(_waiting(esm, functions, tables) for *_, esm in functions._iter_all_esms())


def gathering(poll: Callable[[], bool], waiting: Callable[[], int]) -> Callable[[], bool]:
    """Wrap the function that feeds the streams' functions: no more often than each `GATHER_SECONDS`."""
    last = 0.0

    def poll_now_and_then() -> bool:
        nonlocal last
        if waiting() and time.monotonic() - last < GATHER_SECONDS:
            time.sleep(0.02)
            return True  # there is work left: the thread comes back at once, by way of the queues
        last = time.monotonic()
        return poll()

    return poll_now_and_then


def in_windows(allowed: Callable[..., int]) -> Callable[..., int]:
    """Wrap the function that says how many batches of a queue may run.

    Of a queue with a window none until that is over, and then one: who can wait needs no second worker.
    """
    began: dict[str, float] = {}

    def allowed_after_the_window(mapping: dict[str, Any], *more: Any) -> int:
        window = mapping.get("MaximumBatchingWindowInSeconds") or 0
        queue = more[-1] if more else None
        if not window or not queue:
            return allowed(mapping, *more)
        if not queue["messages"]:
            return 1
        since = began.setdefault(mapping["UUID"], time.monotonic())
        if time.monotonic() - since < window:
            return 0
        del began[mapping["UUID"]]
        return 1

    return allowed_after_the_window


def _waiting(mapping: dict[str, Any], functions: ModuleType, tables: ModuleType) -> int:
    source: str = mapping.get("EventSourceArn", "")
    if ":dynamodb:" not in source:
        return 0
    _, _, _, region, account, resource = source.split(":", 5)
    end: int = tables.stream_end_position(resource.split("/")[1], account_id=account, region=region)
    positions = functions._dynamodb_stream_positions._data
    seen = next((at for key, at in positions.items() if mapping["UUID"] in key), 0)
    return max(0, end - int(seen))


def telling(
    serve: Callable[..., Any], count: Callable[[], int], keep_all: Callable[[], None]
) -> Callable[..., Any]:
    """Wrap ministack's application: `GET /_local/idle` answers the conductor, `POST /_local/keep` keeps."""

    async def serve_and_tell(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] not in (IDLE, KEEP):
            await serve(scope, receive, send)
            return
        if scope["path"] == KEEP:
            keep_all()
        body = json.dumps({"busy": count(), "next_due": None}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return serve_and_tell


def _no_ticker() -> None:
    """Stands in for `scheduler.start_scheduler`."""
