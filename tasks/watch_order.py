"""WatchOrder: keep the task token of WaitForFill, and look at the broker once at the same moment.

The look comes after the token is kept, so a fill that came first is not missed. Everything after that is a
postback's, the stream's or the poll's to tell. Nothing that goes wrong at the broker fails this step: the
poll (WaitForFill's time-out) comes anyway.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger
from pydantic import BaseModel, Field

from brokers.errors import BrokerError
from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.orderpath.book import Book
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.orderpath.updates import complete_callback, look_up
from tasks.runtime import Runtime
from tasks.settle_order import OrderNotFound
from tasks.spec import Function, Table

FUNCTION = Function(
    name="WatchOrder",
    module="tasks.watch_order",
    timeout=15,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.CALLBACKS),
    writes=(Table.ORDERS, Table.CALLBACKS),
    broker=True,
    completes_callbacks=True,
)

logger = Logger(service="algo", child=True)


class Input(BaseModel):
    order_id: str
    token: str = Field(repr=False)


class Output(Slot):
    """Only for the log: the state's result is what completes its token, a `Fill`."""

    status: str


class Fill(Slot):
    """What completes the token: the order's terminal status and what it holds. Prices as strings."""

    status: str
    filled_quantity: int
    average_price: str


def run(request: Input, rt: Runtime) -> Output:
    rt.stores.callbacks.put(request.order_id, request.token, at=rt.clock.now())
    order = rt.stores.orders.get(request.order_id)
    if order is None:
        raise OrderNotFound(f"order {request.order_id} is not in the orders table")
    if order.status.terminal:
        complete_callback(rt, order)
        return Output(status=order.status)
    try:
        order = look_up(rt, order, Book.read(rt.brokers.reader(order.account)))
    except BrokerError as error:
        logger.warning("could not look at the broker", extra={"order_id": order.order_id, "cause": str(error)})
    return Output(status=order.status)


handler = task(run, Input)
