"""SettleEntries: bring every entry order to a terminal state: then what has to be closed is known exactly."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.orderpath.book import Book
from tasks.orderpath.exits import exit_alarm
from tasks.orderpath.legs import entry_orders, plan_of
from tasks.orderpath.limits import HTTP_TIMEOUT, wait_until
from tasks.orderpath.updates import look_up
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import OrderRow, OrderState

FUNCTION = Function(
    name="SettleEntries",
    module="tasks.settle_entries",
    timeout=15,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.RUNS, Table.CALLBACKS),
    writes=(Table.ORDERS, Table.CALLBACKS),
    broker=True,
    completes_callbacks=True,
)

LOOK_AGAIN = timedelta(seconds=1)


class Input(BaseModel):
    run_key: str
    account: str


class Output(Slot):
    """`retry_at` (UTC, whole seconds) is when to look again where `settled` is false."""

    settled: bool
    reason: str
    retry_at: str


def run(request: Input, rt: Runtime) -> Output:
    plan = plan_of(rt.stores, request.run_key, request.account)
    rows = [row for rows in entry_orders(rt.stores, plan).values() for row in rows]
    unfinished = [row for row in rows if not row.status.terminal]
    if unfinished:
        with exit_alarm(rt, request.account):
            book = Book.read(rt.brokers.reader(request.account))
            unfinished = [row for row in unfinished if not _settle(rt, row, book).status.terminal]
    waiting = ", ".join(f"{row.order_id} is {row.status}" for row in unfinished)
    return Output(
        settled=not unfinished,
        reason=waiting or "every entry order is settled",
        retry_at=wait_until(rt.clock.now() + LOOK_AGAIN),
    )


def _settle(rt: Runtime, row: OrderRow, book: Book) -> OrderRow:
    if row.status is OrderState.CLAIMED:
        # The phase is EXITING, so PlaceOrder can't send it any more; say so in its row.
        rt.stores.orders.advance(
            row.order_id, OrderState.MISSED, at=rt.clock.now(), reason="its exit began before it was sent"
        )
        return rt.stores.orders.get(row.order_id) or row
    return look_up(rt, row, book)


handler = task(run, Input)
