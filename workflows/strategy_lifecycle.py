"""StrategyLifecycle: one strategy's entry, or its exit, on one day, for every account that follows it.

The schedule starts it two minutes early, so that all slow questions are answered when the entry's second
comes. Each account then goes its own way in an execution of its own (`AccountBasket`), which nobody waits for.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from tasks import check_dte, check_weekday, fetch_chain, find_open_accounts, open_run, resolve_strikes
from tasks.contracts import AccountRef, AccountTask
from tasks.spec import Table
from workflows import parts
from workflows.account_basket import ACCOUNT_BASKET
from workflows.asl.conditions import When
from workflows.asl.context import (
    EXECUTION_ID,
    EXECUTION_INPUT,
    MAP_ITEM_VALUE,
    STATE_ENTERED_TIME,
)
from workflows.asl.intrinsics import array_contains, format_text
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.resources import Call
from workflows.asl.states import Catch, Choice, Fail, Map, Pass, Retry, State, Succeed, Task, Wait


class RunResult(BaseModel):
    """Why a run ended without an entry."""

    status: Literal["SKIPPED", "MISSED"]
    reason: str


class Started(BaseModel):
    """What leaves the Map for one account."""

    account: str
    status: Literal["STARTED", "ALREADY_STARTED", "NOT_STARTED"]
    reason: str


class NotStarted(BaseModel):
    """Whether the Map left an account behind."""

    some: bool


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
    trouble: parts.Trouble


class EntryData(BaseModel):
    """One account's entry."""

    account: AccountRef
    run: open_run.Output
    resolved: resolve_strikes.Output
    execution: Any
    trouble: parts.Trouble


class ExitData(BaseModel):
    """One account's exit."""

    account: AccountTask
    execution: Any
    trouble: parts.Trouble


_SFN_TROUBLE = (
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.SdkClientException",
    "StepFunctions.ThrottlingException",
    "States.Timeout",
)
_SFN_RETRY = Retry(errors=_SFN_TROUBLE, interval=1, max_attempts=4, backoff=2.0)
_SFN_PERSISTENCE = Retry(errors=_SFN_TROUBLE, interval=15, max_attempts=2000, backoff=1.0)


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


def _skip(name: str, status: str, reason: str | Path) -> Pass:
    return Pass(name=name, value={"status": status, "reason": reason}, slot="result", next="Skipped")


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
    _skip("AlreadyClaimed", "SKIPPED", "another execution has this run"),
    parts.invoke(
        "CheckWeekday",
        "check_weekday",
        "weekday",
        {"trading_date": Path("$.run.trading_date"), "weekdays": Path("$.run.weekdays")},
    ),
    Choice(
        name="WeekdayMatches",
        choices=[When(Path("$.weekday.ok").equals(True), "CheckDTE")],
        default="SkippedWeekday",
    ),
    _skip("SkippedWeekday", "SKIPPED", Path("$.weekday.reason")),
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

_START_ENTRY = {
    "side": "ENTRY",
    "run_key": Path("$.run.run_key"),
    "account": Path("$.account.account"),
    "broker": Path("$.account.broker"),
    **{
        field: Path(f"$.run.{field}")
        for field in ("user_id", "basket_id", "strategy_id", "underlying", "trading_date")
    },
    "entry_until": Path("$.run.entry_until"),
    "exit_at": Path("$.run.exit_at"),
    "product": Path("$.resolved.product"),
    "on_leg_reject": Path("$.resolved.on_leg_reject"),
    "legs": Path("$.resolved.legs"),
}


def _start(name: str, side: str, run_key: Path, task: dict[str, Any] | Path, retry: Retry) -> list[State]:
    """Start the account's execution under its fixed name; if there is one already, that is as good.

    An account that can't be started must not stop the others: it is counted when all are through.
    """
    already, failed = f"{name}AlreadyThere", f"{name}Failed"
    return [
        Task(
            name=name,
            resource=Call("states", "startExecution", payloads={"Input": AccountTask}),
            arguments={
                "StateMachineArn": ACCOUNT_BASKET.arn,
                "Name": format_text(f"{{}}-{{}}-{side}", run_key, Path("$.account.account")),
                "Input": task,
            },
            slot="execution",
            timeout=parts.STORE_TIMEOUT,
            retry=[retry],
            catch=[
                Catch(
                    errors=["StepFunctions.ExecutionAlreadyExistsException"],
                    next=already,
                    slot="trouble",
                ),
                Catch(errors=["States.ALL"], next=failed, slot="trouble"),
            ],
        ),
        _ended(f"{name}Done", "STARTED", ""),
        _ended(already, "ALREADY_STARTED", ""),
        _ended(failed, "NOT_STARTED", Path("$.trouble.Error")),
    ]


def _ended(name: str, status: str, reason: str | Path) -> Pass:
    value = {"account": Path("$.account.account"), "status": status, "reason": reason}
    return Pass(name=name, value=value, end=True)


def _all_started(side: str, done: str) -> list[State]:
    """An execution that left an account behind fails, so that it alarms; all the others are on their way."""
    statuses = Path("$.started[*].status")
    return [
        Pass(
            name=f"Count{side}",
            value={"some": array_contains(statuses, "NOT_STARTED")},
            slot="not_started",
        ),
        Choice(
            name=f"All{side}",
            choices=[When(Path("$.not_started.some").equals(True), f"Some{side}Missing")],
            default=done,
        ),
        Fail(
            name=f"Some{side}Missing",
            error="AccountsNotStarted",
            cause="For some accounts no AccountBasket could be started: the Map's output names them and why",
        ),
    ]


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
            "account": Path("$.run.data_account"),
            "underlying": Path("$.run.underlying"),
            "trading_date": Path("$.run.trading_date"),
            "expiries": Path("$.dte.expiries"),
        },
        redrivable=True,
    ),
    parts.invoke(
        "ResolveStrikes",
        "resolve_strikes",
        "resolved",
        {
            "user_id": Path("$.run.user_id"),
            "strategy_id": Path("$.run.strategy_id"),
            "trading_date": Path("$.run.trading_date"),
        },
        redrivable=True,
    ),
    Map(
        name="StartAccounts",
        items=Path("$.run.accounts"),
        item=EntryData,
        select={"account": MAP_ITEM_VALUE, "run": Path("$.run"), "resolved": Path("$.resolved")},
        states=_start("StartEntry", "ENTRY", Path("$.run.run_key"), _START_ENTRY, _SFN_RETRY),
        result=Started,
        slot="started",
        never_fails=True,
    ),
    *_all_started("Entries", "Entered"),
    Succeed(name="Entered"),
    Succeed(name="Skipped"),
]

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
        {"run_key": Path("$.run.run_key")},
        retry=parts.PERSISTENCE,
    ),
    Map(
        name="StartExits",
        items=Path("$.open.accounts"),
        item=ExitData,
        select={"account": MAP_ITEM_VALUE},
        states=_start("StartExit", "EXIT", Path("$.account.run_key"), Path("$.account"), _SFN_PERSISTENCE),
        result=Started,
        slot="started",
        never_fails=True,
    ),
    *_all_started("Exits", "ExitsStarted"),
    Succeed(name="ExitsStarted"),
]

STRATEGY_LIFECYCLE = Machine(
    name="StrategyLifecycle",
    comment="One strategy's entry or exit on one day, for every account that follows it",
    data=Data,
    states=[*_BEGIN, *_CHECKS, *_ENTER, *_EXIT],
)
