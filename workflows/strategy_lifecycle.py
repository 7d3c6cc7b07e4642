"""StrategyLifecycle: one strategy's entry, or its exit, on one day, for every account that follows it.

The schedule starts it two minutes early, so that all slow questions are answered when the entry's second
comes. Each account then goes its own way in an execution of its own (`AccountBasket`), which nobody waits for.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from tasks import check_dte, check_weekday, fetch_chain, find_open_accounts, open_run, resolve_strikes
from tasks.contracts import AccountRef
from tasks.spec import Table
from workflows import parts
from workflows.asl.conditions import When
from workflows.asl.context import (
    EXECUTION_ID,
    EXECUTION_INPUT,
    MAP_ITEM_VALUE,
    STATE_ENTERED_TIME,
)
from workflows.asl.expressions import placeholder
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.resources import Call
from workflows.asl.states import Catch, Choice, Map, Pass, State, Succeed, Task, Wait
from workflows.starting import (
    SFN_PERSISTENCE,
    SFN_RETRY,
    NotStarted,
    Started,
    all_started,
    start,
)


class RunResult(BaseModel):
    """Why a run ended without an entry."""

    status: Literal["SKIPPED", "MISSED"]
    reason: str


class Data(BaseModel):
    run: open_run.Output
    claim: Any
    weekday: check_weekday.Output
    dte: check_dte.Output
    chain: fetch_chain.Output
    resolved: resolve_strikes.Output
    started: list[Started]
    not_started: NotStarted
    open: find_open_accounts.Output
    result: RunResult
    recorded: Any
    trouble: parts.Trouble


class EntryData(BaseModel):
    """One account's entry: no more of the run than it needs, because there may be 500."""

    account: AccountRef
    run_key: str
    basket_id: str
    strategy_id: str
    underlying: str
    trading_date: str
    entry_until: str
    exit_at: str
    resolved: resolve_strikes.Output
    execution: Any
    trouble: parts.Trouble


class ExitData(BaseModel):
    """One account's exit. Its legs are in its plan; none travel with it."""

    account: AccountRef
    run_key: str
    common: find_open_accounts.Common
    execution: Any
    trouble: parts.Trouble


def _claim(name: str, side: str, **more: Any) -> Task:
    """Remember which execution took this side of the run."""
    condition = more.pop("condition", {})
    resource, arguments = parts.put_item(
        Table.RUNS,
        {
            "run_key": {"S": Path("$.run.run_key")},
            "item": {"S": f"CLAIM#{side}"},
            "execution": {"S": EXECUTION_ID},
            "claimed_at": {"S": STATE_ENTERED_TIME},
            **{
                field: {"S": Path(f"$.run.{field}")}
                for field in ("user_id", "basket_id", "strategy_id", "trading_date")
            },
        },
        **condition,
    )
    return Task(
        name=name, resource=resource, arguments=arguments, slot="claim", timeout=parts.STORE_TIMEOUT, **more
    )


_SAME_EXECUTION_MAY = {
    "ConditionExpression": "attribute_not_exists(run_key) OR execution = :execution",
    "ExpressionAttributeValues": {":execution": {"S": EXECUTION_ID}},
}


def _skip(name: str, status: str, reason: str | Path, *, next: str = "RecordSkip") -> Pass:
    return Pass(name=name, value={"status": status, "reason": reason}, slot="result", next=next)


def _record_skip() -> Task:
    """Beside the claim, so that people see it without the console."""
    return Task(
        name="RecordSkip",
        comment="Its stream makes RunSkipped or RunMissed of it; not being able to write it changes nothing",
        resource=Call("dynamodb", "updateItem"),
        arguments={
            "TableName": placeholder(Table.RUNS.placeholder),
            "Key": {"run_key": {"S": Path("$.run.run_key")}, "item": {"S": "CLAIM#ENTRY"}},
            "UpdateExpression": "SET #status = :status, #reason = :reason",
            "ExpressionAttributeNames": {"#status": "status", "#reason": "reason"},
            "ExpressionAttributeValues": {
                ":status": {"S": Path("$.result.status")},
                ":reason": {"S": Path("$.result.reason")},
            },
        },
        slot="recorded",
        timeout=parts.STORE_TIMEOUT,
        retry=parts.STORE_RETRIES,
        catch=[Catch(errors=["States.ALL"], next="Skipped", slot="trouble")],
        next="Skipped",
    )


_BEGIN: list[State] = [
    parts.invoke(
        "OpenRun",
        "open_run",
        "run",
        {"event": EXECUTION_INPUT},
        comment="What this event is for, with all its times",
        redrivable=True,
    ),
    Choice(
        name="EntryOrExit",
        choices=[When(Path("$.run.side").equals("EXIT"), "RecordClaim")],
        default="ClaimRun",
    ),
]

_CHECKS: list[State] = [
    _claim(
        "ClaimRun",
        "ENTRY",
        comment="The first delivery of the event takes the run; a write whose reply was lost may come again",
        condition=_SAME_EXECUTION_MAY,
        retry=parts.STORE_RETRIES,
        catch=[Catch(errors=[parts.CONDITION_FAILED], next="AlreadyClaimed", slot="trouble")],
        next="CheckWeekday",
    ),
    _skip("AlreadyClaimed", "SKIPPED", "another execution has this run", next="Skipped"),
    parts.invoke(
        "CheckWeekday",
        "check_weekday",
        "weekday",
        {"trading_date": Path("$.run.trading_date"), "weekdays": Path("$.run.weekdays")},
    ),
    Choice(
        name="WeekdayMatches",
        choices=[When(Path("$.weekday.ok").equals(True), "AnybodyTrades")],
        default="SkippedWeekday",
    ),
    _skip("SkippedWeekday", "SKIPPED", Path("$.weekday.reason")),
    Choice(
        name="AnybodyTrades",
        choices=[When(Path("$.run.anybody").equals(True), "CheckDTE")],
        default="SkippedNobody",
    ),
    _skip("SkippedNobody", "SKIPPED", "no account takes part: nobody follows it, or everybody paused"),
    parts.invoke(
        "CheckDTE",
        "check_dte",
        "dte",
        {
            "account": Path("$.run.data_account"),
            "underlying": Path("$.run.underlying"),
            "trading_date": Path("$.run.trading_date"),
            "dte": Path("$.run.dte"),
            "expiry_rules": Path("$.run.expiry_rules"),
        },
        redrivable=True,
    ),
    Choice(
        name="DTEMatches",
        choices=[When(Path("$.dte.ok").equals(True), "WaitForEntry")],
        default="SkippedDTE",
    ),
    _skip("SkippedDTE", "SKIPPED", Path("$.dte.reason")),
]

_OF_THE_RUN = ("run_key", "basket_id", "strategy_id", "underlying", "trading_date", "entry_until", "exit_at")
_START_ENTRY = {
    "side": "ENTRY",
    **{field: Path(f"$.account.{field}") for field in AccountRef.model_fields},
    **{field: Path(f"$.{field}") for field in _OF_THE_RUN},
    "product": Path("$.resolved.product"),
    "on_leg_reject": Path("$.resolved.on_leg_reject"),
    "chase": Path("$.resolved.chase"),
    "legs": Path("$.resolved.legs"),
    "exit_legs": [],
}


_ENTER: list[State] = [
    Wait(name="WaitForEntry", until=Path("$.run.entry_at")),
    Choice(
        name="InTime",
        choices=[When(STATE_ENTERED_TIME.not_after(Path("$.run.entry_until")), "FetchChain")],
        default="MissedEntry",
    ),
    _skip("MissedEntry", "MISSED", "the entry window was over"),
    parts.invoke(
        "FetchChain",
        "fetch_chain",
        "chain",
        {
            "run_key": Path("$.run.run_key"),
            "account": Path("$.run.data_account"),
            "underlying": Path("$.run.underlying"),
            "trading_date": Path("$.run.trading_date"),
            "expiries": Path("$.dte.expiries"),
        },
        retry=parts.IN_TURN,
        redrivable=True,
    ),
    parts.invoke(
        "ResolveStrikes",
        "resolve_strikes",
        "resolved",
        {
            "strategy": Path("$.run.strategy"),
            "trading_date": Path("$.run.trading_date"),
        },
        redrivable=True,
    ),
    Map(
        name="StartAccounts",
        items=Path("$.run.accounts"),
        item=EntryData,
        select={
            "account": MAP_ITEM_VALUE,
            **{field: Path(f"$.run.{field}") for field in _OF_THE_RUN},
            "resolved": Path("$.resolved"),
        },
        states=start("StartEntry", "ENTRY", Path("$.run_key"), _START_ENTRY, SFN_RETRY),
        result=Started,
        slot="started",
        never_fails=True,
    ),
    *all_started("Entries", "Entered"),
    Succeed(name="Entered"),
    _record_skip(),
    Succeed(name="Skipped"),
]

_START_EXIT = {
    "side": "EXIT",
    "run_key": Path("$.run_key"),
    **{field: Path(f"$.account.{field}") for field in AccountRef.model_fields},
    **{field: Path(f"$.common.{field}") for field in find_open_accounts.Common.model_fields},
    "legs": [],
    "exit_legs": [],
}

_EXIT: list[State] = [
    _claim(
        "RecordClaim",
        "EXIT",
        comment="For people to see; it never stops an exit, not even by failing",
        retry=parts.STORE_RETRIES,
        catch=[Catch(errors=["States.ALL"], next="WaitForExit", slot="trouble")],
    ),
    Wait(name="WaitForExit", until=Path("$.run.exit_at")),
    parts.invoke(
        "FindOpenAccounts",
        "find_open_accounts",
        "open",
        {"run_key": Path("$.run.run_key"), "exit_at": Path("$.run.exit_at")},
        retry=parts.PERSISTENCE,
    ),
    Map(
        name="StartExits",
        items=Path("$.open.accounts"),
        item=ExitData,
        select={
            "account": MAP_ITEM_VALUE,
            "run_key": Path("$.run.run_key"),
            "common": Path("$.open.common"),
        },
        states=start("StartExit", "EXIT", Path("$.run_key"), _START_EXIT, SFN_PERSISTENCE),
        result=Started,
        slot="started",
        never_fails=True,
    ),
    *all_started("Exits", "ExitsStarted"),
    Succeed(name="ExitsStarted"),
]

STRATEGY_LIFECYCLE = Machine(
    name="StrategyLifecycle",
    comment="One strategy's entry or exit on one day, for every account that follows it",
    data=Data,
    states=[*_BEGIN, *_CHECKS, *_ENTER, *_EXIT],
)
