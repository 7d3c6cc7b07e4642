"""CancelEntries: an exit has begun. Cancel every entry order that is still working at the broker."""

from __future__ import annotations

from pydantic import BaseModel

from brokers.protocol import Broker
from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.orderpath.book import Book
from tasks.orderpath.exits import exit_alarm
from tasks.orderpath.legs import entry_orders, in_scope, plan_of
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.orderpath.pace import ask_to_send
from tasks.orderpath.updates import look_up, may_work, worth_a_look
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import OrderRow

FUNCTION = Function(
    name="CancelEntries",
    module="tasks.cancel_entries",
    timeout=40,  # with what follows, less than the minute after which a person has to be called
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.RUNS, Table.CALLBACKS, Table.CATALOG),
    writes=(Table.ORDERS, Table.RUNS, Table.CALLBACKS),
    broker=True,
    completes_callbacks=True,
)


class Input(BaseModel):
    run_key: str
    account: str
    legs: list[int] = []


class Output(Slot):
    working: int
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    plan = plan_of(rt.stores, request.run_key, request.account)
    orders = entry_orders(rt.stores, plan)
    rows = [row for leg in in_scope(plan, request.legs) for row in orders[leg.leg]]
    open_ends = [row for row in rows if worth_a_look(row)]
    if not open_ends:
        return Output(working=0, reason="no entry order is working")
    with exit_alarm(rt, request.account):
        return _cancel(rt, plan.user_id, request.account, open_ends)


def _cancel(rt: Runtime, user_id: str, account: str, open_ends: list[OrderRow]) -> Output:
    broker = rt.brokers.trader(user_id, account)
    book = Book.read(broker)
    current = [look_up(rt, row, book) for row in open_ends]
    ids = {row.order_id: _id_at_broker(row, book) for row in current if may_work(row, book.find(row))}
    said = [f"{order_id}: {_cancelled(rt, broker, account, at)}" for order_id, at in ids.items() if at]
    return Output(working=len(ids), reason="; ".join(said) or "no entry order is working")


def _cancelled(rt: Runtime, broker: Broker, account: str, at: str) -> str:
    """What the broker said. What is held back now is cancelled when this step comes round again."""
    if ask_to_send(rt, account, exiting=True) is not None:
        return "paced"
    return type(broker.cancel(at)).__name__


def _id_at_broker(row: OrderRow, book: Book) -> str:
    seen = book.find(row)
    return seen.broker_order_id if seen else row.broker_order_id


handler = task(run, Input)
