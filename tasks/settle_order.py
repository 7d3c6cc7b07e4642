"""SettleOrder: find out what became of an order whose reply was lost, by looking for its tag in the book.

Found: adopt it. Not found, and the book can't be lagging any more: it is absent, and an entry is sent again,
once, as the next attempt. The book can't be read: nothing may be concluded. An entry that was cancelled because
it had used up its modifications is replaced by the next attempt, with what it lacks.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel

from brokers.errors import BrokerError
from tasks.contracts import PlannedOrder, Slot
from tasks.domain.ids import Purpose, order_id
from tasks.lambda_task import task
from tasks.orderpath.book import Book
from tasks.orderpath.chasing import follow, furthest_price
from tasks.orderpath.legs import cannot_be_whole
from tasks.orderpath.limits import HTTP_TIMEOUT, MAX_ABSENT, MAX_ENTRY_ATTEMPTS, MAX_MODIFICATIONS
from tasks.orderpath.planning import purpose_letter
from tasks.orderpath.updates import look_up
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import OrderRow, OrderState

FUNCTION = Function(
    name="SettleOrder",
    module="tasks.settle_order",
    timeout=15,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.RUNS, Table.CALLBACKS),
    writes=(Table.ORDERS, Table.CALLBACKS),
    broker=True,
    completes_callbacks=True,
)


class Settled(StrEnum):
    PLACED = "PLACED"
    UNKNOWN = "UNKNOWN"
    RESEND = "RESEND"
    GONE = "GONE"


class Input(BaseModel):
    order_id: str


class Output(Slot):
    """`order` is what to go on with: the same one, or the next attempt where `outcome` is RESEND."""

    outcome: Settled
    reason: str
    order: PlannedOrder


class OrderNotFound(Exception):
    """The order is not in the orders table."""


def run(request: Input, rt: Runtime) -> Output:
    order = rt.stores.orders.get(request.order_id)
    if order is None:
        raise OrderNotFound(f"order {request.order_id} is not in the orders table")
    if order.status in (OrderState.SENDING, OrderState.UNKNOWN):
        try:
            order = look_up(rt, order, Book.read(rt.brokers.reader(order.account)))
        except BrokerError as error:
            return _output(Settled.UNKNOWN, order, f"the order book could not be read: {error}")
    return _outcome(rt, order)


def _outcome(rt: Runtime, order: OrderRow) -> Output:
    if order.status in (OrderState.SENDING, OrderState.UNKNOWN):
        return _output(Settled.UNKNOWN, order, "not in the book yet, which may lag")
    if order.status is OrderState.CLAIMED:
        return _output(Settled.RESEND, order, "it never left")
    if order.status is OrderState.ABSENT and _may_send_again(rt, order):
        return _output(Settled.RESEND, _next_attempt(order), order.reason)
    if order.status is OrderState.CANCELLED and _may_replace(rt, order):
        return _output(Settled.RESEND, _replacement(rt, order), "it has used up its modifications")
    if order.status in (OrderState.ABSENT, OrderState.REJECTED, OrderState.MISSED, OrderState.CANCELLED):
        return _output(Settled.GONE, order, order.reason)
    return _output(Settled.PLACED, order, f"found in the book as {order.broker_order_id}")


def _may_send_again(rt: Runtime, order: OrderRow) -> bool:
    """Only an entry, once, inside its window. What an exit lacks, the next round of closing orders sends."""
    return _has_another_attempt(rt, order) and _absent(rt, order) <= MAX_ABSENT


def _has_another_attempt(rt: Runtime, order: OrderRow) -> bool:
    return (
        order.purpose is Purpose.ENTRY
        and order.attempt < MAX_ENTRY_ATTEMPTS
        and rt.clock.now() <= order.entry_until
    )


def _absent(rt: Runtime, order: OrderRow) -> int:
    """Attempts of this slice that were settled as absent, this one among them."""
    attempts = range(1, order.attempt + 1)
    ids = [order_id(order.purpose, order.position_id, slice_no=order.slice, attempt=n) for n in attempts]
    return sum(row.status is OrderState.ABSENT for row in rt.stores.orders.get_many(ids).values())


def _may_replace(rt: Runtime, order: OrderRow) -> bool:
    """We cancelled it because it had used up its modifications, and its basket can still become whole."""
    return (
        _has_another_attempt(rt, order)
        and order.modifications >= MAX_MODIFICATIONS
        and order.filled_quantity < order.quantity
        and not cannot_be_whole(rt.stores, order.run_key, order.account)
    )


def _replacement(rt: Runtime, order: OrderRow) -> OrderRow:
    """What the order lacks, at the newest price; without a quote at its last one, and chased from there."""
    key = f"{order.exchange}:{order.symbol}"
    try:
        quote = rt.brokers.reader(order.account).quotes([key]).get(key)
    except BrokerError:
        quote = None
    plan = rt.stores.runs.account(order.run_key, order.account)
    price = follow(order, quote, furthest_price(rt, plan, order)) if quote else order.limit_price
    left = {"quantity": order.quantity - order.filled_quantity, "limit_price": price}
    return _next_attempt(order).model_copy(update=left)


def _next_attempt(order: OrderRow) -> OrderRow:
    attempt = order.attempt + 1
    new_id = order_id(order.purpose, order.position_id, slice_no=order.slice, attempt=attempt)
    return order.model_copy(update={"order_id": new_id, "attempt": attempt})


def _output(outcome: Settled, order: OrderRow, reason: str) -> Output:
    return Output(outcome=outcome, reason=reason, order=_planned(order))


def _planned(order: OrderRow) -> PlannedOrder:
    fields = order.model_dump(mode="json", include=set(PlannedOrder.model_fields))
    return PlannedOrder.model_validate(fields | {"purpose": purpose_letter(order.purpose)})


handler = task(run, Input)
