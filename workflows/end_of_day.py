"""EndOfDay: after the close, each account's day is closed beside its broker's, and each user's report is made.

A machine of its own and not a part of TradingDay: the morning has to end before the market opens, and to fail
loudly. One account's broker may be away, one user's report may fail: all others are made, and then it fails.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from tasks import close_account_day, end_day, find_accounts_of_day, find_report_users, make_report
from workflows import parts
from workflows.asl.conditions import When
from workflows.asl.context import MAP_ITEM_VALUE
from workflows.asl.intrinsics import array_contains
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.states import Catch, Choice, Fail, Map, Pass, State, Succeed, Wait


class Closed(BaseModel):
    """What leaves the Map for one account."""

    account: str
    status: Literal["CLOSED", "FAILED"]
    reason: str


class Reported(BaseModel):
    """What leaves the Map for one user."""

    user_id: str
    status: Literal["REPORTED", "FAILED"]
    reason: str


class SomeFailed(BaseModel):
    accounts: bool
    users: bool


class AccountData(BaseModel):
    one: find_accounts_of_day.AccountOfDay
    trading_date: str
    closed: close_account_day.Output
    trouble: parts.Trouble


class UserData(BaseModel):
    user_id: str
    trading_date: str
    report: make_report.Output
    trouble: parts.Trouble


class Data(BaseModel):
    day: end_day.Output
    today: find_accounts_of_day.Output
    closed: list[Closed]
    readers: find_report_users.Output
    reported: list[Reported]
    failed: SomeFailed


def _closed(name: str, status: str, reason: Path) -> Pass:
    value = {"account": Path("$.one.account"), "status": status, "reason": reason}
    return Pass(name=name, value=value, end=True)


def _reported(name: str, status: str, reason: Path) -> Pass:
    value = {"user_id": Path("$.user_id"), "status": status, "reason": reason}
    return Pass(name=name, value=value, end=True)


_ACCOUNT: list[State] = [
    parts.invoke(
        "CloseAccountDay",
        "close_account_day",
        "closed",
        {
            "account": Path("$.one.account"),
            "user_id": Path("$.one.user_id"),
            "run_keys": Path("$.one.run_keys"),
            "trading_date": Path("$.trading_date"),
        },
        catch=[Catch(errors=["States.ALL"], next="NotClosed", slot="trouble")],
    ),
    _closed("AccountClosed", "CLOSED", Path("$.closed.reason")),
    _closed("NotClosed", "FAILED", Path("$.trouble.Error")),
]

_USER: list[State] = [
    parts.invoke(
        "MakeReport",
        "make_report",
        "report",
        {"user_id": Path("$.user_id"), "trading_date": Path("$.trading_date")},
        catch=[Catch(errors=["States.ALL"], next="NotReported", slot="trouble")],
    ),
    _reported("ReportMade", "REPORTED", Path("$.report.reason")),
    _reported("NotReported", "FAILED", Path("$.trouble.Error")),
]

_STATES: list[State] = [
    parts.invoke("EndDay", "end_day", "day", {}, redrivable=True),
    Choice(
        name="Traded",
        choices=[When(Path("$.day.trading").equals(True), "WaitForBooks")],
        default="MarketShut",
    ),
    Succeed(name="MarketShut"),
    Wait(name="WaitForBooks", until=Path("$.day.close_at")),
    parts.invoke("FindAccounts", "find_accounts_of_day", "today", {}, redrivable=True),
    Map(
        name="CloseAccounts",
        items=Path("$.today.accounts"),
        item=AccountData,
        select={"one": MAP_ITEM_VALUE, "trading_date": Path("$.day.trading_date")},
        states=_ACCOUNT,
        result=Closed,
        slot="closed",
        never_fails=True,
    ),
    parts.invoke("FindReportUsers", "find_report_users", "readers", {}, redrivable=True),
    Map(
        name="MakeReports",
        items=Path("$.readers.users"),
        item=UserData,
        select={"user_id": MAP_ITEM_VALUE, "trading_date": Path("$.day.trading_date")},
        states=_USER,
        result=Reported,
        slot="reported",
        never_fails=True,
    ),
    Pass(
        name="CountFailed",
        value={
            "accounts": array_contains(Path("$.closed[*].status"), "FAILED"),
            "users": array_contains(Path("$.reported[*].status"), "FAILED"),
        },
        slot="failed",
    ),
    Choice(
        name="AllDone",
        choices=[
            When(Path("$.failed.accounts").equals(True), "SomeNotClosed"),
            When(Path("$.failed.users").equals(True), "SomeNotReported"),
        ],
        default="Done",
    ),
    Succeed(name="Done"),
    Fail(
        name="SomeNotClosed",
        error="AccountsNotClosed",
        cause="Some accounts' days could not be compared with their brokers': CloseAccounts names them and why",
    ),
    Fail(
        name="SomeNotReported",
        error="ReportsNotMade",
        cause="Some reports could not be made: MakeReports names the users and why",
    ),
]

END_OF_DAY = Machine(
    name="EndOfDay",
    comment="Each account's profit beside its broker's, and each user's report",
    data=Data,
    states=_STATES,
)
