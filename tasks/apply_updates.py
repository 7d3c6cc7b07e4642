"""ApplyUpdates: take order updates from the queue, move the orders forward, complete who waits for them.

A message that can't be applied goes back alone, the rest of its batch is done. One that comes before its order
is known is tried again; what never succeeds ends in the dead-letter queue. Every one goes on to the lake.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from brokers.model import Accepted
from tasks.bootstrap import runtime
from tasks.lake_message import Told
from tasks.lake_queue import tell
from tasks.order_update import OrderUpdate
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.orderpath.pace import ask_to_send
from tasks.orderpath.updates import apply_update, may_work
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import OrderRow, OrderState

FUNCTION = Function(
    name="ApplyUpdates",
    module="tasks.apply_updates",
    timeout=15,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.RUNS, Table.CALLBACKS, Table.CATALOG),
    writes=(Table.ORDERS, Table.RUNS, Table.CALLBACKS),
    broker=True,
    completes_callbacks=True,
    feeds_lake=True,
)

_processor = BatchProcessor(event_type=EventType.SQS)


class OrderNotKnownYet(Exception):
    """The update is for an order that is not in the orders table (yet): it is tried again."""


class GhostNotCancelled(Exception):
    """An order that should not exist could not be cancelled: the update is tried again."""


_GIVEN_UP = (OrderState.ABSENT, OrderState.MISSED)


def apply(update: OrderUpdate, rt: Runtime) -> OrderRow:
    """Move the order of `update` forward.

    Raises
    ------
    OrderNotKnownYet
        If neither its tag nor the broker's id is one of ours.
    """
    order = _find(update, rt)
    if order is None or order.account != update.account:
        raise OrderNotKnownYet(
            f"{update.account}: no order has tag {update.tag!r} or broker id {update.broker_order_id}"
        )
    current = apply_update(rt, order, update.broker_order())
    if current.status in _GIVEN_UP:
        _ghost(update, current, rt)
    return current


def _ghost(update: OrderUpdate, order: OrderRow, rt: Runtime) -> None:
    """An order that was settled as absent turns up after all, and another may have been sent in its place.

    What it filled counts, and a person hears of it; what could still fill is cancelled.
    """
    rt.alarms.count("OrderReappeared", account=order.account)
    if not may_work(order, update.broker_order()):
        return
    if ask_to_send(rt, order.account, exiting=True) is not None:
        raise GhostNotCancelled(f"{order.order_id} is at the broker: its cancellation is paced")
    outcome = rt.brokers.trader(order.user_id, order.account).cancel(update.broker_order_id)
    if not isinstance(outcome, Accepted):
        raise GhostNotCancelled(f"{order.order_id} is at the broker as {update.broker_order_id}: {outcome}")


def _find(update: OrderUpdate, rt: Runtime) -> OrderRow | None:
    by_tag = rt.stores.orders.get(update.tag) if update.tag else None
    return by_tag or rt.stores.orders.by_broker_order_id(update.account, update.broker_order_id)


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Lambda handler of the updates queue (reports partial batch failures).

    The lake is told when the orders have moved on: it delays none. If it can't be told, all come again, which
    moves nothing twice.
    """
    told: list[Told] = []

    def apply_one(record: SQSRecord) -> None:  # Powertools gives `record` by its name
        update, order = OrderUpdate.model_validate_json(record.body), None
        try:
            order = apply(update, runtime())
        finally:
            told.append(Told.about(update, order))

    try:
        return process_partial_response(
            event=event, record_handler=apply_one, processor=_processor, context=context
        )
    finally:
        tell(told)
