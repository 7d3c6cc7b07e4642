"""CancelEntries: an exit has begun. Cancel every entry order that is still working at the broker."""

from __future__ import annotations

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.orderpath.book import Book
from tasks.orderpath.exits import exit_alarm
from tasks.orderpath.legs import entry_orders, plan_of
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.orderpath.updates import look_up
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import OrderRow, OrderState

FUNCTION = Function(
    name="CancelEntries",
    module="tasks.cancel_entries",
    timeout=60,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.RUNS, Table.CALLBACKS, Table.CATALOG),
    writes=(Table.ORDERS, Table.CALLBACKS),
    broker=True,
    completes_callbacks=True,
)


class Input(BaseModel):
    run_key: str
    account: str


class Output(Slot):
    working: int
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    plan = plan_of(rt.stores, request.run_key, request.account)
    rows = [row for rows in entry_orders(rt.stores, plan).values() for row in rows]
    unfinished = [row for row in rows if not row.status.terminal]
    if not unfinished:
        return Output(working=0, reason="no entry order is working")
    with exit_alarm(rt, request.account):
        return _cancel(rt, plan.user_id, request.account, unfinished)


def _cancel(rt: Runtime, user_id: str, account: str, unfinished: list[OrderRow]) -> Output:
    broker = rt.brokers.trader(user_id, account)
    book = Book.read(broker)
    current = [look_up(rt, row, book) for row in unfinished]
    working = [row for row in current if row.status is OrderState.OPEN]
    said = [f"{row.order_id}: {type(broker.cancel(row.broker_order_id)).__name__}" for row in working]
    return Output(working=len(working), reason="; ".join(said) or "no entry order is working")


handler = task(run, Input)
