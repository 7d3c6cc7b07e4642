"""SettleEntries: bring every entry order to a terminal state: then what has to be closed is known exactly."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.orderpath.book import Book
from tasks.orderpath.exits import exit_alarm
from tasks.orderpath.legs import entry_orders, in_scope, plan_of
from tasks.orderpath.limits import HTTP_TIMEOUT, wait_until
from tasks.orderpath.updates import look_up, may_work, worth_a_look
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
    legs: list[int] = []


class Output(Slot):
    """`retry_at` (UTC, whole seconds) is when to look again where `settled` is false."""

    settled: bool
    reason: str
    retry_at: str


def run(request: Input, rt: Runtime) -> Output:
    plan = plan_of(rt.stores, request.run_key, request.account)
    orders = entry_orders(rt.stores, plan)
    rows = [row for leg in in_scope(plan, request.legs) for row in orders[leg.leg]]
    open_ends = [row for row in rows if worth_a_look(row)]
    waiting = _settle_all(rt, request.account, open_ends) if open_ends else []
    reason = ", ".join(f"{row.order_id} is {row.status}" for row in waiting)
    return Output(
        settled=not waiting,
        reason=reason or "every entry order is settled",
        retry_at=wait_until(rt.clock.now() + LOOK_AGAIN),
    )


def _settle_all(rt: Runtime, account: str, open_ends: list[OrderRow]) -> list[OrderRow]:
    """Settle what can be settled; what is left may still trade."""
    with exit_alarm(rt, account):
        book = Book.read(rt.brokers.reader(account))
        current = [_settle(rt, row, book) for row in open_ends]
        return [row for row in current if may_work(row, book.find(row))]


def _settle(rt: Runtime, row: OrderRow, book: Book) -> OrderRow:
    if row.status is OrderState.CLAIMED:
        # The account, or this leg, is exiting, so PlaceOrder can't send it any more; say so in its row.
        rt.stores.orders.advance(
            row.order_id, OrderState.MISSED, at=rt.clock.now(), reason="its exit began before it was sent"
        )
        return rt.stores.orders.get(row.order_id) or row
    return look_up(rt, row, book)


handler = task(run, Input)
