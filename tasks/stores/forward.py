"""The rule by which an order's state moves: one place, so that both stores keep it alike."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from tasks.stores.ports import OrderRow, OrderState


def changes(
    row: OrderRow,
    status: OrderState,
    *,
    at: datetime,
    broker_order_id: str = "",
    filled_quantity: int = 0,
    average_price: Decimal = Decimal(0),
    reason: str = "",
) -> dict[str, Any]:
    """What an update changes in `row`; empty if it is not forward (late, repeated or out of order).

    Forward is a higher rank, or more filled by a broker who has the order. Fills never shrink, whatever
    comes: a cancellation that reports none does not undo them. A terminal order keeps its status and its
    words, and takes more fills only (a fill that is heard of after a cancel, or after the order was settled
    as absent, is still a fill), with the broker's id if it had none.
    """
    more = filled_quantity > row.filled_quantity
    higher = status.rank > row.status.rank
    if not higher and not (more and status.rank >= OrderState.OPEN.rank):
        return {}
    changed: dict[str, Any] = {"updated_at": at}
    if more:
        changed |= {"filled_quantity": filled_quantity, "average_price": average_price}
    if broker_order_id and (not row.status.terminal or not row.broker_order_id):
        changed["broker_order_id"] = broker_order_id
    if not row.status.terminal:
        changed["status"] = status
        if reason:
            changed["reason"] = reason
    return changed
