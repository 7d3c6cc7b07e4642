"""What goes into the lake's queue beside the bus's events: what brokers said, and which executions ended."""

from __future__ import annotations

from datetime import datetime

from tasks.contracts import Slot
from tasks.masking import masked
from tasks.order_update import OrderUpdate
from tasks.stores.ports import OrderRow


class Told(OrderUpdate):
    """An update on its way to the lake, with what is known of the order that it is about."""

    user_id: str = ""
    broker: str = ""
    order_id: str = ""
    run_key: str = ""
    source: str = "postback"

    @classmethod
    def about(cls, update: OrderUpdate, order: OrderRow | None) -> Told:
        """`order` None: it is not (yet) one of ours. Secrets in the broker's words are masked."""
        said = update.model_dump() | {"body": masked(update.body)}
        if order is None:
            return cls(**said)
        return cls(
            **said,
            user_id=order.user_id,
            broker=order.broker,
            order_id=order.order_id,
            run_key=order.run_key,
        )


class ExecutionEnded(Slot):
    """How an execution ended. `history` is the key of what it went through; what is not known is empty."""

    execution: str
    machine: str
    name: str
    status: str
    started_at: datetime
    stopped_at: datetime
    redrives: int
    error: str
    cause: str
    events: int
    history: str
    user_id: str = ""
    basket_id: str = ""
    strategy_id: str = ""
    run_key: str = ""
    account: str = ""
