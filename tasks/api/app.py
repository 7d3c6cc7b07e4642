"""The resolver with all its routes, and how each problem is answered."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from tasks.api import (
    accounts,
    baskets,
    kill,
    marketplace,
    operator,
    profile,
    records,
    reports,
    run_now,
    running,
    strategies,
    subscriptions,
)
from tasks.api.gate import read_json
from tasks.api.problems import NotFound, Problem, Refused, Unavailable
from tasks.domain.explain import path as path_of
from tasks.stores.ports import StoreUnavailable

logger = Logger(service="algo", child=True)

_ROUTERS = (
    profile,
    accounts,
    baskets,
    strategies,
    marketplace,
    subscriptions,
    run_now,
    running,
    kill,
    records,
    reports,
    operator,
)


@cache
def resolver() -> APIGatewayHttpResolver:
    app = APIGatewayHttpResolver(enable_validation=True, json_body_deserializer=read_json)
    for module in _ROUTERS:
        app.include_router(module.router)
    app.exception_handler(Problem)(answer)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(StoreUnavailable)(_unavailable)
    app.not_found(_unknown)
    return app


def answer(problem: Problem) -> Response[str]:
    headers = {"Retry-After": "1"} if isinstance(problem, Unavailable) else {}
    return Response(problem.status, "application/json", json.dumps(problem.document()), headers=headers)


def _invalid(error: RequestValidationError) -> Response[str]:
    """What Powertools found wrong in a path, a header or a query. Never the value."""
    return answer(Refused([_line(detail) for detail in error.errors()]))


def _line(detail: dict[str, Any]) -> str:
    where, *rest = detail["loc"]
    place = path_of(tuple(rest)) if rest else str(where)
    kind = detail["type"]
    if kind == "missing" and where == "header":
        return f"{place}: this header is missing"
    if kind == "missing":
        return f"{place}: is missing"
    return f"{place}: {detail.get('msg', 'is not what it takes')}"


def _unknown(_error: NotFoundError) -> Response[str]:
    return answer(NotFound("there is nothing at this address"))


def _unavailable(error: StoreUnavailable) -> Response[str]:
    logger.warning("store unavailable", extra={"cause": str(error)})
    return answer(Unavailable("the platform is busy: try again"))
