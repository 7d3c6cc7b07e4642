"""FindDueExits: the accounts that are not flat although their frozen `exit_at` passed a minute ago, or halted.

The sweep's question. It needs no strategy, no schedule and no catalog: a strategy that was changed or deleted
at noon is closed at the time it was entered with. What the kill switch left open when it died is closed too.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from tasks.contracts import AccountTask, Slot
from tasks.find_open_accounts import exit_task
from tasks.lambda_task import task
from tasks.orderpath.halting import halted
from tasks.orderpath.open_runs import open_runs
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(
    name="FindDueExits", module="tasks.find_due_exits", reads=(Table.RUNS,), writes=(Table.RUNS,)
)

GRACE = timedelta(seconds=59)
"""For which the strategy's own schedule has the first say; the sweep of the next minute is not too early."""

MAX_AT_ONCE = 200
"""Accounts one sweep starts: a state's data may have 256 KiB. The others are a minute later."""


class Input(BaseModel):
    """Nothing: it looks at the clock."""


class Output(Slot):
    accounts: list[AccountTask]


def run(_request: Input, rt: Runtime) -> Output:
    now = rt.clock.now()
    due = rt.stores.runs.due_exits(now.date(), before=now - GRACE)
    first = halted(rt.stores, open_runs(rt.stores, now))
    both = {(plan.run_key, plan.account): plan for plan in (*first, *due)}
    return Output(accounts=[exit_task(plan) for plan in list(both.values())[:MAX_AT_ONCE]])


handler = task(run, Input)
