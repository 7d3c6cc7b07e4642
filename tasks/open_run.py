"""OpenRun: read the schedule's event and the strategy, and say what this run is.

Legs and accounts are read now and not when the schedule was made, so that an edit needs no new schedule. An
EXIT needs nothing but the event: neither a strategy that was deleted nor one that is paused stops it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.contracts import AccountRef, Slot, TransactionType
from tasks.domain import items
from tasks.domain.calendar import TradingCalendar
from tasks.domain.ids import run_key
from tasks.domain.payload import Payload, parse_payload
from tasks.domain.strategy import ExpiryRule, Strategy, parse_strategy
from tasks.lambda_task import task
from tasks.orderpath.limits import wait_until
from tasks.participants import participants
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(name="OpenRun", module="tasks.open_run", reads=(Table.CATALOG,))


class Input(BaseModel):
    """The event as it came: this task is where it is checked, so nothing is typed yet."""

    model_config = ConfigDict(extra="forbid")

    event: dict[str, Any]


class Output(Slot):
    """The run. Times are UTC and whole seconds, as Step Functions' Wait and Choice take them.

    `user_id` is whose run it is: who started it by hand for themselves, else the strategy's owner.
    `strategy` is the document as it is now, without accounts: a newer version counts from the next run on.
    `signal` is what a run of an indicator-based strategy was started by, with the figures.
    """

    side: TransactionType
    run_key: str
    trading_date: str
    user_id: str
    basket_id: str
    strategy_id: str
    underlying: str
    weekdays: list[str]
    dte: list[int]
    expiry_rules: list[ExpiryRule]
    entry_at: str
    entry_until: str
    exit_at: str
    data_account: str
    accounts: list[AccountRef]
    anybody: bool
    strategy: dict[str, Any]
    signal: str


class StrategyNotFound(Exception):
    """The user's catalog has no such strategy."""


class StrategyDisabled(Exception):
    """The strategy is switched off: nothing is entered. Its exits go on."""


class OutsideMarketHours(Exception):
    """The strategy enters or exits outside the day's session: it could not trade, or not close."""


def run(request: Input, rt: Runtime) -> Output:
    payload = parse_payload(request.event)
    if payload.transaction_type == TransactionType.EXIT:
        return _exit(payload)
    document = rt.stores.catalog.get(payload.user_id, items.strategy(payload.strategy_id))
    if document is None:
        raise StrategyNotFound(f"user {payload.user_id} has no strategy {payload.strategy_id!r}")
    strategy = parse_strategy(document)
    if not strategy.enabled:
        raise StrategyDisabled(f"strategy {strategy.strategy_id!r} is switched off: enable it and redrive")
    _within_session(payload, strategy)
    return _entry(payload, strategy, participants(payload, strategy, document, rt), rt)


def _entry(payload: Payload, strategy: Strategy, accounts: list[AccountRef], rt: Runtime) -> Output:
    settings = rt.stores.catalog.get(items.PLATFORM, items.SETTINGS) or {}
    named = str(settings.get("data_account") or "")
    return _output(
        payload,
        underlying=strategy.underlying,
        expiry_rules=list(strategy.expiry_rules),
        entry_until=min(payload.entry_at + timedelta(seconds=strategy.grace_seconds), payload.exit_at),
        data_account=named or (accounts[0].account if accounts else ""),
        accounts=accounts,
        strategy=strategy.model_copy(update={"accounts": ()}).to_document(),
    )


def _within_session(payload: Payload, strategy: Strategy) -> None:
    session = TradingCalendar.load().session(payload.trading_date, strategy.exchange)
    if session is None:
        return  # CheckWeekday says why, and skips
    for field, moment in (("entry_time", payload.entry_at), ("exit_time", payload.exit_at)):
        if moment not in session:
            hours = f"{session.opens:%H:%M} to {session.closes:%H:%M}"
            raise OutsideMarketHours(f"{field}: {moment:%H:%M} is outside the session of {hours}")


def _exit(payload: Payload) -> Output:
    return _output(
        payload,
        underlying="",
        expiry_rules=[],
        entry_until=payload.entry_at,
        data_account="",
        accounts=[],
        strategy={},
    )


def _output(
    payload: Payload,
    *,
    underlying: str,
    expiry_rules: list[ExpiryRule],
    entry_until: datetime,
    data_account: str,
    accounts: list[AccountRef],
    strategy: dict[str, Any],
) -> Output:
    return Output(
        side=TransactionType(payload.transaction_type),
        run_key=run_key(payload.strategy_id, payload.trading_date, payload.run),
        trading_date=payload.trading_date.isoformat(),
        user_id=payload.told_to,
        basket_id=payload.basket_id,
        strategy_id=payload.strategy_id,
        underlying=underlying,
        weekdays=[str(day) for day in payload.weekdays],
        dte=list(payload.dte),
        expiry_rules=expiry_rules,
        entry_at=wait_until(payload.entry_at),
        entry_until=wait_until(entry_until),
        exit_at=wait_until(payload.exit_at),
        data_account=data_account,
        accounts=accounts,
        anybody=bool(accounts),
        strategy=strategy,
        signal=payload.signal,
    )


handler = task(run, Input)
