"""RecordFailures: whose run failed sees it, also where it failed before there was a row of it.

Fed by the executions' own status events on the default bus: an OpenRun that refused, a CheckDTE without a
session, an account that could not be planned. A redrive takes the failure back. The events come at least once
and in any order; what counts is the execution's newest attempt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from brokers.clock import IST
from tasks.contracts import Slot
from tasks.domain.fields import MaybeName, Name, RunId, StrategyId
from tasks.domain.ids import run_key
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import RunEnd

FUNCTION = Function(
    name="RecordFailures",
    module="tasks.record_failures",
    writes=(Table.RUNS,),
    follows=("StrategyLifecycle", "AccountBasket"),
)

_MOST_CHARACTERS = 500
"""Of a reason: the execution's history has the whole of it."""

_FAILED = ("FAILED", "TIMED_OUT", "ABORTED")
_IN_WORDS = {"TIMED_OUT": "it took too long", "ABORTED": "it was stopped by hand"}


class Execution(BaseModel):
    """The detail of a status event, as far as it is needed. Times are milliseconds since 1970."""

    model_config = ConfigDict(extra="ignore")

    execution: str = Field(alias="executionArn")
    status: str
    started: int = Field(alias="startDate")
    ended: int | None = Field(default=None, alias="stopDate")
    redrives: int = Field(default=0, alias="redriveCount")
    redriven: int | None = Field(default=None, alias="redriveDate")
    error: str | None = None
    cause: str | None = None
    input: str | None = None

    @property
    def attempt(self) -> int:
        """Rises with each of the execution's attempts, and from an attempt's start to its end."""
        return self.started * 1000 + 2 * self.redrives + (self.status != "RUNNING")


class Input(BaseModel):
    """The event, as EventBridge hands it to a function."""

    model_config = ConfigDict(extra="ignore")

    detail: Execution


class Output(Slot):
    """`noted` is the run whose row says it, "" where there was nothing to say."""

    noted: str
    reason: str


class _OfRun(BaseModel):
    """The least that a schedule's event has to say. What else is wrong with it may be why the run failed."""

    model_config = ConfigDict(extra="ignore")

    user_id: Name
    basket_id: str = ""
    strategy_id: StrategyId
    transaction_type: Literal["ENTRY", "EXIT"]
    scheduled_time: AwareDatetime
    run: RunId = "S"
    only_for: MaybeName = ""


class _OfAccount(BaseModel):
    """One account's part of a run (`tasks.contracts.AccountTask`)."""

    model_config = ConfigDict(extra="ignore")

    side: Literal["ENTRY", "EXIT"]
    run_key: str
    account: str
    user_id: str
    basket_id: str
    strategy_id: str
    underlying: str
    trading_date: str


def run(request: Input, rt: Runtime) -> Output:
    execution = request.detail
    failed = execution.status in _FAILED
    if not failed and not execution.redrives:
        return Output(noted="", reason="it did not fail")
    about = _about(execution.input)
    if about is None:
        return Output(noted="", reason="its input does not say whose run it is")
    end = RunEnd(
        **about,
        execution=execution.execution,
        attempt=execution.attempt,
        status=execution.status if failed else "RESUMED",
        reason=_reason(execution) if failed else "",
        at=_moment(execution),
    )
    rt.stores.runs.note_end(end)
    return Output(noted=end.run_key, reason=end.reason)


def _about(text: str | None) -> Mapping[str, Any] | None:
    """Whose run the execution's input is about."""
    try:
        document = json.loads(text or "")
    except ValueError:
        return None
    for read in (_account, _whole):
        try:
            return read(document)
        except ValidationError:
            continue
    return None


def _account(document: Any) -> Mapping[str, Any]:
    return _OfAccount.model_validate(document).model_dump()


def _whole(document: Any) -> Mapping[str, Any]:
    event = _OfRun.model_validate_json(json.dumps(document))
    day = event.scheduled_time.astimezone(IST).date()
    return {
        "side": event.transaction_type,
        "run_key": run_key(event.strategy_id, day, event.run),
        "account": "",
        "user_id": event.only_for or event.user_id,
        "basket_id": event.basket_id,
        "strategy_id": event.strategy_id,
        "underlying": "",
        "trading_date": day.isoformat(),
    }


def _reason(execution: Execution) -> str:
    """In the words of what failed: the cause of a Lambda's error is JSON that holds them."""
    said = execution.cause or ""
    try:
        cause = json.loads(said)
    except ValueError:
        cause = None
    if isinstance(cause, dict):
        said = str(cause.get("errorMessage") or "")
    words = [word for word in (_IN_WORDS.get(execution.status), execution.error, said) if word]
    return ": ".join(words)[:_MOST_CHARACTERS]


def _moment(execution: Execution) -> datetime:
    at = execution.ended or execution.redriven or execution.started
    return datetime.fromtimestamp(at / 1000, UTC)


handler = task(run, Input)
