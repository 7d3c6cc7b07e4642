"""Reconcile, Express, each minute while the market is open: our orders and positions beside the brokers' books.

One account's broker may be slow or away: each account is looked at on its own, and no other waits for it. Exits
that are late, or that would come after the broker's own square-off, are started under the schedule's own name.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from tasks import find_accounts_of_day, reconcile_account
from tasks.contracts import AccountTask
from workflows import parts
from workflows.asl.conditions import When
from workflows.asl.context import MAP_ITEM_VALUE
from workflows.asl.intrinsics import array_contains
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.states import Catch, Choice, Fail, Map, Pass, State, Succeed
from workflows.starting import SFN_RETRY, NotStarted, Started, start


class Looked(BaseModel):
    """What leaves the Map for one account."""

    account: str
    status: Literal["RECONCILED", "FAILED"]
    reason: str


class SomeFailed(BaseModel):
    some: bool


class Data(BaseModel):
    today: find_accounts_of_day.Output
    looked: list[Looked]
    failed: SomeFailed


class AccountData(BaseModel):
    """One account's comparison."""

    one: find_accounts_of_day.AccountOfDay
    found: reconcile_account.Output
    started: list[Started]
    not_started: NotStarted
    trouble: parts.Trouble


class ExitData(BaseModel):
    """One exit that is to be started."""

    exit: reconcile_account.ExitStart
    account: AccountTask
    execution: Any
    trouble: parts.Trouble


def _looked(name: str, status: str, reason: str | Path) -> Pass:
    value = {"account": Path("$.one.account"), "status": status, "reason": reason}
    return Pass(name=name, value=value, end=True)


_ACCOUNT: list[State] = [
    parts.invoke(
        "ReconcileAccount",
        "reconcile_account",
        "found",
        {
            "account": Path("$.one.account"),
            "user_id": Path("$.one.user_id"),
            "run_keys": Path("$.one.run_keys"),
        },
        catch=[Catch(errors=["States.ALL"], next="NotReconciled", slot="trouble")],
    ),
    Map(
        name="CloseNow",
        items=Path("$.found.exits"),
        item=ExitData,
        select={"exit": MAP_ITEM_VALUE},
        states=[
            Pass(name="TheExit", value=Path("$.exit.account"), slot="account"),
            *start(
                "StartExitNow",
                "EXIT",
                Path("$.account.run_key"),
                Path("$.account"),
                SFN_RETRY,
                called=Path("$.exit.name"),
            ),
        ],
        result=Started,
        slot="started",
        never_fails=True,
    ),
    Pass(
        name="CountNotStarted",
        value={"some": array_contains(Path("$.started[*].status"), "NOT_STARTED")},
        slot="not_started",
    ),
    Choice(
        name="AllStarted",
        choices=[When(Path("$.not_started.some").equals(True), "ExitNotStarted")],
        default="Reconciled",
    ),
    _looked("Reconciled", "RECONCILED", Path("$.found.reason")),
    _looked("ExitNotStarted", "FAILED", "an exit could not be started"),
    _looked("NotReconciled", "FAILED", Path("$.trouble.Error")),
]

_STATES: list[State] = [
    parts.invoke("FindAccountsOfDay", "find_accounts_of_day", "today", {}),
    Map(
        name="EachAccount",
        items=Path("$.today.accounts"),
        item=AccountData,
        select={"one": MAP_ITEM_VALUE},
        states=_ACCOUNT,
        result=Looked,
        slot="looked",
        never_fails=True,
    ),
    Pass(
        name="CountFailed",
        value={"some": array_contains(Path("$.looked[*].status"), "FAILED")},
        slot="failed",
    ),
    Choice(
        name="AllReconciled",
        choices=[When(Path("$.failed.some").equals(True), "SomeNotReconciled")],
        default="Done",
    ),
    Succeed(name="Done"),
    Fail(
        name="SomeNotReconciled",
        error="AccountsNotReconciled",
        cause="Some accounts could not be compared with their books: the Map's output names them and why",
    ),
]

RECONCILE = Machine(
    name="Reconcile",
    comment="Compare our orders and positions with each account's book, and close what is late",
    data=Data,
    states=_STATES,
    kind="EXPRESS",
)
