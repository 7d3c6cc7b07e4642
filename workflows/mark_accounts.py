"""MarkAccounts, Express, every five minutes while the market is open: what each account's positions are worth.

The day's curve and the margin used are made from these marks. One that fails is missing and nothing more.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from tasks import find_accounts_of_day, mark_account
from workflows import parts
from workflows.asl.context import MAP_ITEM_VALUE
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.states import Catch, Map, Pass, State, Succeed


class Marked(BaseModel):
    """What leaves the Map for one account."""

    account: str
    status: Literal["MARKED", "FAILED"]
    reason: str


class AccountData(BaseModel):
    one: find_accounts_of_day.AccountOfDay
    mark: mark_account.Output
    trouble: parts.Trouble


class Data(BaseModel):
    today: find_accounts_of_day.Output
    marked: list[Marked]


def _ended(name: str, status: str, reason: Path) -> Pass:
    return Pass(
        name=name, value={"account": Path("$.one.account"), "status": status, "reason": reason}, end=True
    )


_ACCOUNT: list[State] = [
    parts.invoke(
        "MarkAccount",
        "mark_account",
        "mark",
        {
            "account": Path("$.one.account"),
            "user_id": Path("$.one.user_id"),
            "run_keys": Path("$.one.run_keys"),
        },
        catch=[Catch(errors=["States.ALL"], next="NotMarked", slot="trouble")],
    ),
    _ended("Marked", "MARKED", Path("$.mark.reason")),
    _ended("NotMarked", "FAILED", Path("$.trouble.Error")),
]

MARK_ACCOUNTS = Machine(
    name="MarkAccounts",
    comment="What each account's positions are worth, and the funds they block",
    data=Data,
    states=[
        parts.invoke("FindAccountsOfDay", "find_accounts_of_day", "today", {}),
        Map(
            name="EachAccount",
            items=Path("$.today.accounts"),
            item=AccountData,
            select={"one": MAP_ITEM_VALUE},
            states=_ACCOUNT,
            result=Marked,
            slot="marked",
            never_fails=True,
        ),
        Succeed(name="Done"),
    ],
    kind="EXPRESS",
)
