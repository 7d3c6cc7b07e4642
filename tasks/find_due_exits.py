"""FindDueExits: the accounts whose frozen `exit_at` passed a minute ago and that are not flat.

The sweep's question. It needs no strategy, no schedule and no catalog: a strategy that was changed or deleted
at noon is closed at the time it was entered with.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from tasks.contracts import AccountTask, Slot
from tasks.find_open_accounts import exit_task
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(name="FindDueExits", module="tasks.find_due_exits", reads=(Table.RUNS,))

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
    return Output(accounts=[exit_task(plan) for plan in due[:MAX_AT_ONCE]])


handler = task(run, Input)
