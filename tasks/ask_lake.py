"""AskLake: `POST /lake/questions`, a question to the lake by whoever is signed in, over their own rows."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from tasks.spec import Function, Lake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.questions import Told

FUNCTION = Function(
    name="AskLake",
    module="tasks.ask_lake",
    timeout=29,
    memory=2048,
    parquet=True,
    lake=(Lake.READ,),
    asks_lake=True,
)


class Engine(Protocol):
    def ask(self, user_id: str, sql: str, parameters: Sequence[str]) -> Told: ...


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda handler behind an HTTP API (payload format 2.0), whose authorizer has checked the token."""
    return respond(event, _engine())


def respond(event: Mapping[str, Any], engine: Engine) -> dict[str, Any]:
    """The answer to one request. Whose rows it is about comes from the token and from nothing else."""
    # Here: the order path's functions and the state machines do without all of it.
    from pydantic import ValidationError  # noqa: PLC0415

    from tasks.api.gate import admitted, read_json  # noqa: PLC0415
    from tasks.api.here import Caller  # noqa: PLC0415
    from tasks.api.problems import Problem, Refused  # noqa: PLC0415
    from tasks.questions import Ask, NoAnswer  # noqa: PLC0415
    from tasks.questions.scope import NotAllowed  # noqa: PLC0415

    try:
        request = admitted(event)
        caller = Caller.of(request)
        try:
            ask = Ask.model_validate(read_json(request["body"] or "null"))
            told = engine.ask(caller.user_id, *ask.text())
        except ValidationError as error:
            raise Refused([_line(each) for each in error.errors()]) from None
        except (NotAllowed, NoAnswer) as error:
            raise Refused([str(error)]) from None
    except Problem as problem:
        return _reply(problem.status, problem.document())
    return _reply(200, told.model_dump(mode="json"))


def _line(error: Mapping[str, Any]) -> str:
    place = ".".join(map(str, error["loc"]))
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _reply(status: int, document: Any) -> dict[str, Any]:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(document)}


@lru_cache(maxsize=1)
def _engine() -> Engine:
    """DuckDB on one machine, Athena on AWS."""
    from tasks.questions.duck import TABLES, Duck  # noqa: PLC0415

    if os.environ.get("LAKE_ENGINE") == "athena":
        import boto3  # noqa: PLC0415

        from tasks.questions.athena import Athena  # noqa: PLC0415

        return Athena(
            boto3.client("athena"),
            os.environ["ATHENA_WORKGROUP"],
            os.environ["LAKE_DATABASE"],
            TABLES,
            time.sleep,
        )
    from tasks.lake.aws import lake_place  # noqa: PLC0415

    return Duck(lake_place())
