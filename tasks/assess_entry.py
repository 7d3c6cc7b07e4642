"""AssessEntry: the waves are over. Is the basket open as it was meant to be?

Whole: OPEN. Nothing at all: NOTHING. Something in between: what the strategy says, `unwind` (close what filled,
now) or `keep`. An exit that has begun meanwhile has the word: OVERTAKEN.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.domain.pnl import total
from tasks.lambda_task import task
from tasks.orderpath.legs import entry_orders, plan_of
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, OrderRow, Phase

FUNCTION = Function(
    name="AssessEntry",
    module="tasks.assess_entry",
    reads=(Table.ORDERS, Table.RUNS),
    writes=(Table.RUNS,),
)


class Assessment(StrEnum):
    OPEN = "OPEN"
    UNWIND = "UNWIND"
    NOTHING = "NOTHING"
    OVERTAKEN = "OVERTAKEN"


class Input(BaseModel):
    run_key: str
    account: str


class Output(Slot):
    status: Assessment
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    plan = plan_of(rt.stores, request.run_key, request.account)
    orders = entry_orders(rt.stores, plan)
    wanted = [leg for leg in plan.legs if leg.leg not in plan.closing]
    missing = [
        f"{leg.symbol}: {filled} of {planned}{_why(orders[leg.leg])}"
        for leg in wanted
        if (filled := total(orders[leg.leg]).quantity) < (planned := sum(leg.slices))
    ]
    return _assess(rt, plan, [row for rows in orders.values() for row in rows], missing)


def _assess(rt: Runtime, plan: AccountRun, orders: list[OrderRow], missing: list[str]) -> Output:
    if plan.phase in (Phase.EXITING, Phase.FLAT):
        return Output(status=Assessment.OVERTAKEN, reason=f"an exit has begun: the account is {plan.phase}")
    settled = all(order.status.terminal for order in orders)
    if missing and settled and not any(order.filled_quantity for order in orders):
        return _moved(rt, plan, Phase.FLAT, Assessment.NOTHING, "; ".join(missing))
    if missing and plan.on_leg_reject == "unwind":
        rt.alarms.count("EntryUnwound", account=plan.account)
        return Output(status=Assessment.UNWIND, reason="; ".join(missing))
    if missing:
        return _moved(rt, plan, Phase.OPEN, Assessment.OPEN, f"kept on purpose, though {'; '.join(missing)}")
    return _moved(rt, plan, Phase.OPEN, Assessment.OPEN, f"all {len(plan.legs)} legs filled")


def _moved(rt: Runtime, plan: AccountRun, phase: Phase, status: Assessment, reason: str) -> Output:
    """Move the phase, unless an exit was faster."""
    passed = (Phase.EXITING, Phase.FLAT) if phase is Phase.OPEN else (Phase.EXITING,)
    if rt.stores.runs.set_phase(plan.run_key, plan.account, phase, unless=passed):
        return Output(status=status, reason=reason)
    return Output(status=Assessment.OVERTAKEN, reason="an exit has begun")


def _why(orders: list[OrderRow]) -> str:
    reasons = [order.reason for order in orders if order.reason]
    return f" ({reasons[-1]})" if reasons else ""


handler = task(run, Input)
