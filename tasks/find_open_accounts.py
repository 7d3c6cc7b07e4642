"""FindOpenAccounts: which accounts of this run have something that an exit must look after.

Everything that is not FLAT and due: also an account that is still entering. The catalog has no say here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel

from tasks.contracts import AccountRef, AccountTask, Slot, TransactionType
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, Phase

FUNCTION = Function(name="FindOpenAccounts", module="tasks.find_open_accounts", reads=(Table.RUNS,))


class Input(BaseModel):
    """`exit_at` is the event's, UTC."""

    run_key: str
    exit_at: datetime


class Common(Slot):
    """What all accounts of a run share, "" where nothing is open."""

    basket_id: str
    strategy_id: str
    underlying: str
    trading_date: str
    entry_until: str
    exit_at: str
    product: str
    on_leg_reject: str
    chase: str


class Output(Slot):
    """Little for each account: there may be 500, and a state's data may have 256 KiB."""

    accounts: list[AccountRef]
    common: Common


def run(request: Input, rt: Runtime) -> Output:
    plans = [plan for plan in rt.stores.runs.accounts(request.run_key) if _due(plan, request.exit_at)]
    names = Common.model_fields
    shared = exit_task(plans[0]).model_dump(include=set(names)) if plans else dict.fromkeys(names, "")
    return Output(accounts=[_ref(plan) for plan in plans], common=Common.model_validate(shared))


def _ref(plan: AccountRun) -> AccountRef:
    return AccountRef(account=plan.account, broker=plan.broker, user_id=plan.user_id, multiplier=1)


def _due(plan: AccountRun, exit_at: datetime) -> bool:
    """What is open keeps the exit it was entered with: an event of a strategy that was edited to close earlier
    leaves it alone, and the sweep closes it in its time."""
    return plan.phase is not Phase.FLAT and plan.exit_at <= exit_at


def exit_task(plan: AccountRun, legs: Iterable[int] = ()) -> AccountTask:
    """The exit of the account, or of some of its legs. What they are it reads from the plan."""
    return AccountTask(
        side=TransactionType.EXIT,
        run_key=plan.run_key,
        account=plan.account,
        broker=plan.broker,
        user_id=plan.user_id,
        basket_id=plan.basket_id,
        strategy_id=plan.strategy_id,
        underlying=plan.underlying,
        trading_date=plan.trading_date.isoformat(),
        entry_until=plan.entry_until.isoformat(),
        exit_at=plan.exit_at.isoformat(),
        product=plan.product.value,
        on_leg_reject=plan.on_leg_reject,
        chase=plan.chase,
        multiplier=1,
        legs=[],
        exit_legs=list(legs),
    )


handler = task(run, Input)
