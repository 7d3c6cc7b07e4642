"""An order update on its way from a broker's webhook or stream to the orders table, through the queue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from brokers.model import BrokerOrder, OrderStatus, Side
from tasks.contracts import Slot


class OrderUpdate(Slot):
    """What the broker said of one order. Quantities in units, prices in rupees; `body` is the broker's own."""

    account: str
    broker_order_id: str
    tag: str
    symbol: str
    side: Side
    quantity: int
    filled_quantity: int
    average_price: Decimal
    price: Decimal
    status: OrderStatus
    reason: str
    at: datetime
    body: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, account: str, order: BrokerOrder, body: Mapping[str, Any] | None = None) -> OrderUpdate:
        return cls(
            account=account,
            broker_order_id=order.broker_order_id,
            tag=order.tag,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            filled_quantity=order.filled_quantity,
            average_price=order.average_price,
            price=order.price,
            status=order.status,
            reason=order.reason,
            at=order.at,
            body=dict(body or {}),
        )

    def broker_order(self) -> BrokerOrder:
        return BrokerOrder(**self.model_dump(exclude={"account", "body"}))
