"""ChaseOrder: an order is not filled yet. Look; if it still rests, follow the market with its limit price.

"Placed" is not "filled": a limit order with protection can stay open. Each chase reprices from the newest quote
and by at least one tick, within the broker's limit of modifications and as far as the strategy lets it. An
entry whose window is over, or that has lost a sibling to a rejection and is to be unwound, is cancelled, and so
is any order that has used up its modifications; what it filled is kept. SettleOrder replaces such an entry, the
next round such an exit.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel

from brokers.errors import BrokerError, RateLimited
from brokers.model import Accepted
from brokers.protocol import Broker
from tasks.contracts import Slot
from tasks.domain.chase import AtLimit, Chase
from tasks.domain.ids import Purpose
from tasks.lambda_task import task
from tasks.orderpath.book import Book
from tasks.orderpath.chasing import follow, furthest_price, is_due
from tasks.orderpath.legs import cannot_be_whole
from tasks.orderpath.limits import HTTP_TIMEOUT, MAX_MODIFICATIONS
from tasks.orderpath.pace import ask_to_send
from tasks.orderpath.updates import look_up
from tasks.runtime import Runtime
from tasks.settle_order import OrderNotFound
from tasks.spec import Function, Table
from tasks.stores.ports import OrderRow, OrderState

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
    SETTLE = "SETTLE"  # it was cancelled: perhaps it is to be replaced


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
    plan = rt.stores.runs.account(order.run_key, order.account)
    terms = Chase.of(plan.chase if plan else "")
    if not is_due(rt, order, terms):
        return Output(action=Action.WAIT, reason=f"chased every {terms.every_seconds} s")
    furthest = furthest_price(rt, plan, order)
    if furthest == order.limit_price:
        return _at_limit(rt, broker, order, terms)
    return _reprice(rt, broker, order, furthest)


def _at_limit(rt: Runtime, broker: Broker, order: OrderRow, terms: Chase) -> Output:
    """It is as far as the strategy lets it go."""
    if order.purpose is Purpose.EXIT:
        rt.alarms.count("ExitBlocked", account=order.account)
    elif terms.entry and terms.entry.then is AtLimit.GIVE_UP:
        return _give_up(rt, broker, order)
    return Output(action=Action.WAIT, reason=f"left at its limit of {order.limit_price}")


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


def _reprice(rt: Runtime, broker: Broker, order: OrderRow, furthest: Decimal | None) -> Output:
    key = f"{order.exchange}:{order.symbol}"
    try:
        quote = broker.quotes([key]).get(key)
    except RateLimited:
        # One quote call a second: the legs of a basket ask at the same moment, and take turns.
        return Output(action=Action.WAIT, reason="another order has this second's quote")
    if quote is None:
        return Output(action=Action.WAIT, reason=f"no quote for {key}")
    price = follow(order, quote, furthest)
    if ask_to_send(rt, order.account, exiting=order.purpose is Purpose.EXIT) is not None:
        return Output(action=Action.WAIT, reason="to be chased, but the account's orders are paced")
    outcome = broker.modify(order.broker_order_id, price=price)
    if isinstance(outcome, Accepted):
        rt.stores.orders.repriced(order.order_id, limit_price=price, at=rt.clock.now())
        return Output(action=Action.WAIT, reason=f"chased from {order.limit_price} to {price}")
    return Output(action=Action.WAIT, reason=f"modification to {price}: {outcome}")


def _blind(rt: Runtime, order: OrderRow, error: BrokerError) -> Output:
    """The broker can't be seen. Wait; an entry whose window is over is left to the exit, which never stops."""
    rt.alarms.count("BrokerBlind", account=order.account)
    if order.purpose is Purpose.ENTRY and rt.clock.now() > order.entry_until:
        return Output(action=Action.DONE, reason=f"left to the exit, the broker can't be seen: {error}")
    return Output(action=Action.WAIT, reason=f"the broker can't be seen: {error}")


def _done(order: OrderRow) -> Output:
    cancelled = order.purpose is Purpose.ENTRY and order.status is OrderState.CANCELLED
    action = Action.SETTLE if cancelled else Action.DONE
    return Output(action=action, reason=f"{order.status}, {order.filled_quantity} filled")


handler = task(run, Input)
