"""CheckBarrier: may the SELL orders go? Hedges first on the way in, shorts flat first on the way out."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from brokers.model import Side
from tasks.contracts import Slot
from tasks.domain.exits import Barrier, entry_barrier, exit_barrier
from tasks.domain.pnl import total
from tasks.lambda_task import task
from tasks.orderpath.legs import entry_orders, exposures, in_scope, plan_of, shorts_before
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun

FUNCTION = Function(name="CheckBarrier", module="tasks.check_barrier", reads=(Table.ORDERS, Table.RUNS))


class Input(BaseModel):
    run_key: str
    account: str
    purpose: Literal["N", "X"]
    legs: list[int] = []


class Output(Slot):
    ok: bool
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    plan = plan_of(rt.stores, request.run_key, request.account)
    barrier = _hedges(rt, plan) if request.purpose == "N" else _shorts(rt, plan, request.legs)
    return Output(ok=barrier.holds, reason=barrier.reason)


def _hedges(rt: Runtime, plan: AccountRun) -> Barrier:
    orders = entry_orders(rt.stores, plan)
    return entry_barrier(
        (leg.leg, sum(leg.slices), total(orders[leg.leg]).quantity)
        for leg in plan.legs
        if leg.side is Side.BUY and leg.leg not in plan.closing
    )


def _shorts(rt: Runtime, plan: AccountRun, asked: list[int]) -> Barrier:
    first = {leg.leg for leg in shorts_before(plan, in_scope(plan, asked))}
    found = exposures(rt.stores, plan, rt.stores.runs.exit_rounds(plan.run_key, plan.account))
    return exit_barrier(one for one in found if one.leg in first)


handler = task(run, Input)
