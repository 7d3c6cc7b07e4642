"""PlaceOrder: send one claimed order to the broker, once.

The rules (facts on reliability): the intent is written before (ClaimOrder); CLAIMED → SENDING happens in one
transaction with the condition that the account is still in the phase the order was planned for, immediately
before it leaves; nothing below the state machine retries; the outcome is data, never an exception.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from brokers.clock import IST
from brokers.model import NotSent, OrderRequest, Placed, PlaceOutcome, Rejected
from tasks.contracts import Slot
from tasks.domain.ids import Purpose
from tasks.lambda_task import task
from tasks.orderpath.halting import described, holding
from tasks.orderpath.limits import HTTP_TIMEOUT, LONGEST_PAUSE, RESEND_PAUSE, SEND_TIMEOUT, wait_until
from tasks.orderpath.pace import ask_to_send
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import OrderRow, OrderState, Phase

FUNCTION = Function(
    name="PlaceOrder",
    module="tasks.place_order",
    timeout=SEND_TIMEOUT,
    http_timeout=HTTP_TIMEOUT,
    idempotent=False,
    reads=(Table.ORDERS, Table.RUNS, Table.CATALOG),
    writes=(Table.ORDERS, Table.RUNS),
    broker=True,
)


class Outcome(StrEnum):
    PLACED = "PLACED"
    REJECTED = "REJECTED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"
    MISSED = "MISSED"


class Input(BaseModel):
    order_id: str


class Output(Slot):
    """What came of it. `retry_at` (UTC, whole seconds) is set where `outcome` is NOT_SENT."""

    outcome: Outcome
    reason: str
    retry_at: str
    broker_order_id: str


class OrderNotClaimed(Exception):
    """There is no intent for this order: ClaimOrder must come first. No intent, no order."""


def run(request: Input, rt: Runtime) -> Output:
    order = rt.stores.orders.get(request.order_id)
    if order is None:
        raise OrderNotClaimed(
            f"order {request.order_id} is not in the orders table: claim it before it is sent"
        )
    if order.status is not OrderState.CLAIMED:
        return _where_it_stands(order)
    if order.purpose is Purpose.ENTRY and rt.clock.now() > order.entry_until:
        return _miss(rt, order, f"the entry window ended at {order.entry_until.astimezone(IST):%H:%M:%S}")
    return _send(rt, order)


def _send(rt: Runtime, order: OrderRow) -> Output:
    broker = rt.brokers.trader(order.user_id, order.account)
    again = ask_to_send(rt, order.account, exiting=order.purpose is Purpose.EXIT)
    if again is not None:
        return _paced(rt, order, again)
    halt = holding(rt.stores, order.user_id, order.account) if order.purpose is Purpose.ENTRY else None
    if halt is not None:
        return _miss(rt, order, described(halt))
    phase = Phase.ENTERING if order.purpose is Purpose.ENTRY else Phase.EXITING
    if not rt.stores.orders.begin_send(order, phase=phase, at=rt.clock.now()):
        return _overtaken(rt, order)
    return _record(rt, order, broker.place(_request(order)))


def _paced(rt: Runtime, order: OrderRow, again: datetime) -> Output:
    """The account may not send before `again`: the day's limit is over at midnight.

    An entry whose window is over by then is missed now, so that its siblings can be undone. For an exit a
    person is called, and each minute it is looked whether it may.
    """
    if order.purpose is Purpose.ENTRY:
        if again > order.entry_until:
            return _miss(rt, order, f"the account's orders are paced until {again:%H:%M}")
    elif again > rt.clock.now() + LONGEST_PAUSE:
        rt.alarms.count("ExitBlocked", account=order.account)
        again = rt.clock.now() + LONGEST_PAUSE
    return _output(Outcome.NOT_SENT, "the account's orders are paced", retry_at=wait_until(again))


def _request(order: OrderRow) -> OrderRequest:
    return OrderRequest(
        tag=order.order_id,
        exchange=order.exchange,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        price=order.limit_price,
        product=order.product,
    )


def _record(rt: Runtime, order: OrderRow, outcome: PlaceOutcome) -> Output:
    now = rt.clock.now()
    advance = rt.stores.orders.advance
    if isinstance(outcome, Placed):
        advance(order.order_id, OrderState.OPEN, at=now, broker_order_id=outcome.broker_order_id)
        return _output(Outcome.PLACED, broker_order_id=outcome.broker_order_id)
    if isinstance(outcome, Rejected):
        advance(order.order_id, OrderState.REJECTED, at=now, reason=outcome.reason)
        rt.alarms.count("OrderRejected", account=order.account)
        return _output(Outcome.REJECTED, outcome.reason)
    if isinstance(outcome, NotSent):
        rt.stores.orders.back_to_claimed(order.order_id, reason=outcome.reason, at=now)
        rt.alarms.count(f"NotSent{outcome.cause.title().replace('_', '')}", account=order.account)
        return _output(Outcome.NOT_SENT, outcome.reason, retry_at=wait_until(now + RESEND_PAUSE[outcome.cause]))
    advance(order.order_id, OrderState.UNKNOWN, at=now, reason=outcome.reason)
    rt.alarms.count("OrderUnknown", account=order.account)
    return _output(Outcome.UNKNOWN, outcome.reason)


def _overtaken(rt: Runtime, order: OrderRow) -> Output:
    """Someone else took the order, or its exit has begun."""
    current = rt.stores.orders.get(order.order_id) or order
    if current.status is not OrderState.CLAIMED:
        return _where_it_stands(current)
    halt = holding(rt.stores, order.user_id, order.account)
    return _miss(rt, order, described(halt) if halt else "its account, or its leg, is being closed")


def _miss(rt: Runtime, order: OrderRow, reason: str) -> Output:
    rt.stores.orders.advance(order.order_id, OrderState.MISSED, at=rt.clock.now(), reason=reason)
    return _output(Outcome.MISSED, reason)


def _where_it_stands(order: OrderRow) -> Output:
    """The step runs a second time: nothing is sent, and the answer is what the first run led to."""
    if order.status in (OrderState.SENDING, OrderState.UNKNOWN):
        return _output(Outcome.UNKNOWN, order.reason or "it was being sent when this step ran again")
    if order.status is OrderState.REJECTED:
        return _output(Outcome.REJECTED, order.reason)
    if order.status in (OrderState.MISSED, OrderState.ABSENT):
        return _output(Outcome.MISSED, order.reason)
    return _output(Outcome.PLACED, order.reason, broker_order_id=order.broker_order_id)


def _output(outcome: Outcome, reason: str = "", *, retry_at: str = "", broker_order_id: str = "") -> Output:
    return Output(outcome=outcome, reason=reason, retry_at=retry_at, broker_order_id=broker_order_id)


handler = task(run, Input)
