"""Answers of commands that are no read-model."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Deleted(Answer):
    """The id of what is gone."""

    deleted: str


class Me(Answer):
    user_id: str
    email: str = ""
    name: str = ""
    report: str = "keep"
    groups: list[str]
    version: int


class LoginAddress(Answer):
    """Open it in a browser before `expires_at`; the broker sends the browser back to us."""

    account: str
    address: str
    expires_at: datetime


class StartedRun(Answer):
    """A run by hand: its entry, and the exit that waits for its time."""

    run_key: str
    trading_date: date
    entry_time: str
    exit_time: str
    executions: dict[str, str]


class StartedExit(Answer):
    """`status`: STARTED now, RUNNING already, or REDRIVEN after a failure. `legs` is empty for all of them."""

    run_key: str
    account: str
    strategy_id: str
    execution: str
    status: str
    legs: list[int] = Field(default_factory=list)


class CalledOff(Answer):
    """An account's entry that only waited for its time, and now does not come."""

    run_key: str
    account: str
    strategy_id: str


class SquaredOff(Answer):
    """Every account that was not flat, the entries called off, and what was stopped from entering again."""

    exits: list[StartedExit]
    called_off: list[CalledOff] = Field(default_factory=list)
    disabled: list[str] = Field(default_factory=list)
    paused: list[str] = Field(default_factory=list)


class HaltAnswer(Answer):
    """What may enter nothing: `scope` is ACCOUNT, USER or ALL, and `account` is empty for the last two."""

    scope: str
    account: str
    since: datetime
    reason: str


class Halted(Answer):
    """What is halted, what was started to close it, and how many runs of accounts are still open there.

    Of everybody's, the exits that one command does not start are started by the sweep, within a minute.
    """

    halts: list[HaltAnswer]
    open: int
    exits: list[StartedExit] = Field(default_factory=list)
    called_off: list[CalledOff] = Field(default_factory=list)


class Upcoming(Answer):
    """One thing that will happen. `sure` is False where the listed expiries, and so the DTE, are not known."""

    at: datetime
    what: str
    strategy_id: str
    basket_id: str
    name: str
    underlying: str
    accounts: list[str]
    dte: int | None = None
    sure: bool = True


class Health(Answer):
    status: str = "ok"
