"""FindLeftovers: accounts that an earlier day left open. A person must look before the market opens."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(name="FindLeftovers", module="tasks.find_leftovers", reads=(Table.RUNS,))

LOOK_BACK = 15
"""Days: longer than the longest time the exchange was ever shut."""


class Input(BaseModel):
    trading_date: date


class Output(Slot):
    left: int
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    days = [request.trading_date - timedelta(days=n) for n in range(1, LOOK_BACK + 1)]
    now = rt.clock.now()
    left = [plan for day in days for plan in rt.stores.runs.due_exits(day, before=now)]
    for plan in left:
        rt.alarms.count("LeftOpen", account=plan.account)
    names = ", ".join(f"{plan.run_key} {plan.account} {plan.phase}" for plan in left[:20])
    return Output(left=len(left), reason=f"still open: {names}" if left else "")


handler = task(run, Input)
