"""Api: the commands and queries of the platform, behind an HTTP API with a JWT authorizer.

Two routes are public: `GET /health`, and `GET /callback/{account}`, where a broker's login ends.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from tasks.api.app import resolver
from tasks.api.current import enter
from tasks.api.gate import admitted
from tasks.api.here import Services, here_of, services
from tasks.api.login import log_in, page
from tasks.api.problems import Forbidden, NotFound, Problem, Unavailable
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.spec import Function, Table
from tasks.stores.ports import StoreUnavailable

FUNCTION = Function(
    name="Api",
    module="tasks.api.handler",
    timeout=29,
    http_timeout=HTTP_TIMEOUT,
    memory=1024,
    reads=(Table.CATALOG, Table.VIEWS, Table.RUNS, Table.ORDERS, Table.EVENTS, Table.MARKET),
    writes=(Table.CATALOG, Table.RUNS),
    deletes=(Table.CATALOG,),
    scans=(Table.CATALOG,),
    broker=True,
    keeps_secrets=True,
    starts=("StrategyLifecycle", "AccountBasket"),
)

logger = Logger(service="algo", child=True)

_CALLBACK = re.compile(r"/callback/([A-Z0-9]{2,12})")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_STATE = re.compile(r"[A-Za-z0-9._-]{1,200}")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda handler behind an HTTP API (payload format 2.0)."""
    return respond(event, context, services())


def respond(event: Mapping[str, Any], context: Any, using: Services) -> dict[str, Any]:
    """The answer to one request. What is wrong with it is an answer too; what is wrong with us is a 500."""
    try:
        request = admitted(event)
        public = _public(request, using)
        if public is not None:
            return public
        here = here_of(request, using)
        enter(here)
        reply: dict[str, Any] = resolver().resolve(request, context)
    except Problem as problem:
        return _plain(problem)
    except StoreUnavailable:
        return _plain(Unavailable("the platform is busy: try again"))
    except Exception as error:  # noqa: BLE001  (nobody outside may read a traceback, and it is logged)
        logger.error("failed", extra={"error": type(error).__name__, "where": _where(error)})
        return _reply(500, {"error": "failed", "message": "something went wrong on our side"})
    logger.info("answered", extra={"status": reply["statusCode"], "method": here.method, "path": here.path})
    return reply


def _where(error: BaseException) -> list[str]:
    """The last places of the traceback. Its text stays out: it may repeat what the request held."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def _public(event: Mapping[str, Any], using: Services) -> dict[str, Any] | None:
    """The answer of a public route, None for all others."""
    method = event.get("requestContext", {}).get("http", {}).get("method")
    path = str(event.get("rawPath"))
    if method != "GET":
        return None
    if path == "/health":
        return _reply(200, {"status": "ok"})
    if path.startswith("/callback/"):
        return _callback(path, event.get("queryStringParameters") or {}, using)
    return None


def _callback(path: str, query: Mapping[str, str], using: Services) -> dict[str, Any]:
    """Where a broker sends the browser after a login. The request token is never logged."""
    found = _CALLBACK.fullmatch(path)
    token, state = str(query.get("request_token", "")), str(query.get("state", ""))
    if not found:
        raise NotFound("there is nothing at this address")
    if not _TOKEN.fullmatch(token) or not _STATE.fullmatch(state):
        raise Forbidden("nobody asked for this login")
    until = log_in(using, found[1], state, token)
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
    return {"statusCode": 200, "headers": headers, "body": page(found[1], until)}


def _plain(problem: Problem) -> dict[str, Any]:
    return _reply(problem.status, problem.document())


def _reply(status: int, document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(document),
    }
