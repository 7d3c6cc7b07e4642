"""From a plain function to a Lambda handler: parse, log, run, answer.

A task is a function `run(request, runtime) -> output`, which a test calls with fakes. `task(run, Input)` makes
the handler that Lambda calls with JSON.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ValidationError

from tasks.bootstrap import runtime
from tasks.runtime import Runtime

logger = Logger(service="algo")

Request = TypeVar("Request", bound=BaseModel)

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

_LOGGED = ("run_key", "account", "order_id", "strategy_id", "underlying")
"""Input fields that every log line of a call carries. Never a token, never a secret."""


class InvalidInput(Exception):
    """The input of a task is not what it takes: a mistake in the definition or in who started it."""


def task(run: Callable[[Request, Runtime], BaseModel], request_type: type[Request]) -> Handler:
    """Make the Lambda handler of `run`.

    Raises
    ------
    InvalidInput
        From the handler, naming each field that is missing or wrong, without its value.
    """

    def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        request = _parse(event, request_type)
        logger.append_keys(task=request_type.__module__, **_loggable(event))
        started = time.perf_counter()
        try:
            output = run(request, runtime())
        except Exception as error:
            logger.error("failed", extra={"error": type(error).__name__, "cause": str(error)})
            raise
        answer = output.model_dump(mode="json")
        logger.info("done", extra={"ms": round((time.perf_counter() - started) * 1000, 1), **_summary(answer)})
        return answer

    return handler


def _parse(event: dict[str, Any], request_type: type[Request]) -> Request:
    try:
        return request_type.model_validate(event)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidInput(f"{request_type.__module__}: {wrong}") from None


def _loggable(event: dict[str, Any]) -> dict[str, Any]:
    return {key: event.get(key) for key in _LOGGED}


def _summary(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if isinstance(value, str | int | bool) and value != ""}
