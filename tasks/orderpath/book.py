"""A broker's order book, read once, and what it says of our orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from brokers.model import BrokerOrder
from brokers.protocol import Broker
from tasks.stores.ports import OrderRow


@dataclass(slots=True)
class Book:
    by_id: dict[str, BrokerOrder] = field(default_factory=dict)
    by_tag: dict[str, BrokerOrder] = field(default_factory=dict)

    @classmethod
    def read(cls, broker: Broker) -> Book:
        """The day's book.

        Raises
        ------
        BrokerError
            If it can't be read: then nothing may be concluded about any order.
        """
        return cls.of(broker.orders())

    @classmethod
    def of(cls, orders: Iterable[BrokerOrder]) -> Book:
        book = cls()
        for order in orders:
            book.by_id[order.broker_order_id] = order
            if order.tag:
                book.by_tag[order.tag] = order
        return book

    def find(self, order: OrderRow) -> BrokerOrder | None:
        """By the broker's own id where we know it, else by our tag."""
        if order.broker_order_id:
            return self.by_id.get(order.broker_order_id)
        return self.by_tag.get(order.order_id)
