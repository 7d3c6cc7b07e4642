"""What ministack 1.5.33 does differently from AWS in a way that the state machines would notice.

- Every exception of a Lambda is answered as `Runtime.HandlerError`, so that no Retry or Catch by name could
  match. AWS answers the exception's class name with its message and stack trace, and so does the shim.
- A worker is thrown away after an exception. On AWS the execution environment lives on: otherwise every
  expected error would cost a cold start.
- Its EventBridge Scheduler fires by the wall clock and in UTC. `localstack.schedules` fires instead.

The shim replaces text and functions inside ministack, so it refuses any version it was not written for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from types import ModuleType
from typing import Any

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
    from ministack.core import lambda_runtime  # noqa: PLC0415  (only the emulator's environment has it)
    from ministack.services import lambda_svc, scheduler  # noqa: PLC0415

    name_exceptions(lambda_runtime, lambda_svc)
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


def _no_ticker() -> None:
    """Stands in for `scheduler.start_scheduler`."""
