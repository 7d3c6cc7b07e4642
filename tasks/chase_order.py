"""ChaseOrder: an order is not filled yet. Look; if it still rests, follow the market with its limit price.

"Placed" is not "filled": a limit order with protection can stay open. Each chase reprices from the newest quote
and by at least one tick, within the broker's limit of modifications. An entry whose window is over, or that has
lost a sibling to a rejection and is to be unwound, is cancelled, and so is any order that has used up its
modifications; what it filled is kept.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel

from brokers.errors import BrokerError, RateLimited
from brokers.model import Accepted, Side
from brokers.protocol import Broker
from tasks.contracts import Slot
from tasks.domain.ids import Purpose
from tasks.domain.pricing import limit_price
from tasks.lambda_task import task
from tasks.orderpath.book import Book
from tasks.orderpath.legs import cannot_be_whole
from tasks.orderpath.limits import HTTP_TIMEOUT, MAX_MODIFICATIONS
from tasks.orderpath.pace import ask_to_send
from tasks.orderpath.updates import look_up
from tasks.runtime import Runtime
from tasks.settle_order import OrderNotFound
from tasks.spec import Function, Table
from tasks.stores.ports import OrderRow

FUNCTION = Function(
    name="ChaseOrder",
    module="tasks.chase_order",
    timeout=40,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.RUNS, Table.CALLBACKS, Table.CATALOG),
    writes=(Table.ORDERS, Table.RUNS, Table.CALLBACKS),
    broker=True,
    completes_callbacks=True,
)


class Action(StrEnum):
    WAIT = "WAIT"
    DONE = "DONE"


class Input(BaseModel):
    order_id: str


class Output(Slot):
    action: Action
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    order = rt.stores.orders.get(request.order_id)
    if order is None:
        raise OrderNotFound(f"order {request.order_id} is not in the orders table")
    if order.status.terminal:
        return _done(order)
    try:
        return _look_and_chase(rt, order)
    except BrokerError as error:
        return _blind(rt, order, error)


def _look_and_chase(rt: Runtime, order: OrderRow) -> Output:
    broker = rt.brokers.trader(order.user_id, order.account)
    order = look_up(rt, order, Book.read(broker))
    if order.status.terminal:
        return _done(order)
    if _is_over(rt, order):
        return _give_up(rt, broker, order)
    return _reprice(rt, broker, order)


def _is_over(rt: Runtime, order: OrderRow) -> bool:
    if order.modifications >= MAX_MODIFICATIONS:
        return True
    if order.purpose is not Purpose.ENTRY:
        return False
    return rt.clock.now() > order.entry_until or cannot_be_whole(rt.stores, order.run_key, order.account)


def _give_up(rt: Runtime, broker: Broker, order: OrderRow) -> Output:
    if ask_to_send(rt, order.account, exiting=True) is not None:
        return Output(action=Action.WAIT, reason="to be cancelled, but the account's orders are paced")
    outcome = broker.cancel(order.broker_order_id)
    rt.alarms.count("OrderGivenUp", account=order.account)
    return Output(action=Action.WAIT, reason=f"cancelling after {order.modifications} modifications: {outcome}")


def _reprice(rt: Runtime, broker: Broker, order: OrderRow) -> Output:
    key = f"{order.exchange}:{order.symbol}"
    try:
        quote = broker.quotes([key]).get(key)
    except RateLimited:
        # One quote call a second: the legs of a basket ask at the same moment, and take turns.
        return Output(action=Action.WAIT, reason="another order has this second's quote")
    if quote is None:
        return Output(action=Action.WAIT, reason=f"no quote for {key}")
    price = _more_willing(order, limit_price(order.side, quote, order.tick))
    if ask_to_send(rt, order.account, exiting=order.purpose is Purpose.EXIT) is not None:
        return Output(action=Action.WAIT, reason="to be chased, but the account's orders are paced")
    outcome = broker.modify(order.broker_order_id, price=price)
    if isinstance(outcome, Accepted):
        rt.stores.orders.repriced(order.order_id, limit_price=price, at=rt.clock.now())
        return Output(action=Action.WAIT, reason=f"chased from {order.limit_price} to {price}")
    return Output(action=Action.WAIT, reason=f"modification to {price}: {outcome}")


def _more_willing(order: OrderRow, price: Decimal) -> Decimal:
    """At least one tick more willing than before: it rests at the old price, so the old price is not enough."""
    if order.side is Side.BUY:
        return max(price, order.limit_price + order.tick)
    return max(order.tick, min(price, order.limit_price - order.tick))


def _blind(rt: Runtime, order: OrderRow, error: BrokerError) -> Output:
    """The broker can't be seen. Wait; an entry whose window is over is left to the exit, which never stops."""
    rt.alarms.count("BrokerBlind", account=order.account)
    if order.purpose is Purpose.ENTRY and rt.clock.now() > order.entry_until:
        return Output(action=Action.DONE, reason=f"left to the exit, the broker can't be seen: {error}")
    return Output(action=Action.WAIT, reason=f"the broker can't be seen: {error}")


def _done(order: OrderRow) -> Output:
    return Output(action=Action.DONE, reason=f"{order.status}, {order.filled_quantity} filled")


handler = task(run, Input)
