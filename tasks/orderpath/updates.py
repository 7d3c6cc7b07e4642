"""Moving an order on by what a broker says of it.

Postback, stream, poll and look-up are the same thing and end here. Updates only move forward, so late,
repeated and out-of-order ones change nothing.
"""

from __future__ import annotations

from datetime import datetime

from brokers.model import BrokerOrder, OrderStatus
from tasks.orderpath.book import Book
from tasks.orderpath.limits import BOOK_LAG
from tasks.runtime import Runtime
from tasks.stores.ports import OrderRow, OrderState

_STATE = {
    OrderStatus.ACCEPTED: OrderState.OPEN,
    OrderStatus.OPEN: OrderState.OPEN,
    OrderStatus.TRIGGER_PENDING: OrderState.OPEN,
    # A word we don't know is never terminal: the broker has the order, and that is all we know.
    OrderStatus.UNKNOWN: OrderState.OPEN,
    OrderStatus.FILLED: OrderState.FILLED,
    OrderStatus.CANCELLED: OrderState.CANCELLED,
    OrderStatus.REJECTED: OrderState.REJECTED,
}


def apply_update(rt: Runtime, order: OrderRow, seen: BrokerOrder) -> OrderRow:
    """Move `order` forward to what the broker says, wake up who waits for it, and return it as it now is."""
    rt.stores.orders.advance(
        order.order_id,
        _STATE[seen.status],
        at=rt.clock.now(),
        broker_order_id=seen.broker_order_id,
        filled_quantity=seen.filled_quantity,
        average_price=seen.average_price,
        reason=seen.reason,
    )
    current = rt.stores.orders.get(order.order_id) or order
    if current.status.terminal:
        complete_callback(rt, current)
    return current


def look_up(rt: Runtime, order: OrderRow, book: Book) -> OrderRow:
    """Settle `order` by the book: adopt what is there; call it absent once the book can't be lagging."""
    seen = book.find(order)
    if seen is not None:
        return apply_update(rt, order, seen)
    if order.status in (OrderState.SENDING, OrderState.UNKNOWN) and lag_is_over(order, rt.clock.now()):
        rt.stores.orders.advance(
            order.order_id,
            OrderState.ABSENT,
            at=rt.clock.now(),
            reason=f"not in the broker's book {BOOK_LAG.seconds} s after it was sent",
        )
        return rt.stores.orders.get(order.order_id) or order
    return order


def may_work(order: OrderRow, seen: BrokerOrder | None) -> bool:
    """Can this order still trade? Also one that was called absent and turned up after all."""
    if seen is not None:
        return not seen.status.terminal
    return not order.status.terminal


def worth_a_look(order: OrderRow) -> bool:
    """What the book may still tell something about: what is not terminal, and what was called absent."""
    return not order.status.terminal or order.status is OrderState.ABSENT


def lag_is_over(order: OrderRow, now: datetime) -> bool:
    return order.sent_at is not None and now >= order.sent_at + BOOK_LAG


def complete_callback(rt: Runtime, order: OrderRow) -> None:
    """Complete the task token that waits for `order`, if there is one."""
    token = rt.stores.callbacks.get(order.order_id)
    if token is None:
        return
    rt.callbacks.succeed(
        token,
        {
            "status": order.status.value,
            "filled_quantity": order.filled_quantity,
            "average_price": str(order.average_price),
        },
    )
    rt.stores.callbacks.delete(order.order_id, token)
