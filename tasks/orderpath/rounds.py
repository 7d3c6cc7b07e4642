"""A round of closing orders of one leg: what of it still stands, and how the next one is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from brokers.model import Quote, Side
from tasks.contracts import PlannedOrder
from tasks.domain.ids import MAX_SLICES, Purpose
from tasks.domain.pricing import limit_price
from tasks.domain.slicing import largest_slice, slices
from tasks.orderpath.planning import planned_order
from tasks.stores.bundle import Stores
from tasks.stores.ports import AccountRun, ExitRound, OrderRow, OrderState, PlannedLeg

MAX_HALVINGS = 3
"""A leg whose orders were all rejected goes out in halves next time: the freeze limit may have been lowered."""


def unfinished(rounds: Sequence[ExitRound], rows: Iterable[OrderRow]) -> list[PlannedOrder]:
    """Orders of a leg's last round that are not terminal; one that was never claimed isn't either."""
    if not rounds:
        return []
    over = {row.order_id for row in rows if row.status.terminal}
    return [order for order in rounds[-1].orders if order.order_id not in over]


def of_round(round_: ExitRound, rows: Iterable[OrderRow]) -> list[OrderRow]:
    """The rows of one round's orders."""
    ids = {order.order_id for order in round_.orders}
    return [row for row in rows if row.order_id in ids]


def give_up_unsent(stores: Stores, orders: Sequence[PlannedOrder], *, reason: str, at: datetime) -> bool:
    """Take closing orders that nobody has claimed out of the game. False if one of them is in it already.

    The claim itself is the lock: whoever writes the row first decides whether the order is ever sent.
    """
    rows = [_missed(order, reason, at) for order in orders]
    refused = [row for row in rows if not stores.orders.claim(row)]
    return all(_is_over(stores, row.order_id) for row in refused)


def _missed(order: PlannedOrder, reason: str, at: datetime) -> OrderRow:
    how = {"status": OrderState.MISSED, "reason": reason, "claimed_at": at}
    return OrderRow.model_validate(order.model_dump() | how)


def _is_over(stores: Stores, order_id: str) -> bool:
    row = stores.orders.get(order_id)
    return row is not None and row.status.terminal


def closing_orders(
    plan: AccountRun, leg: PlannedLeg, units: int, *, number: int, freeze: int, quote: Quote | None
) -> tuple[PlannedOrder, ...]:
    """The orders of a leg's round. One too big for nine orders goes on in the round after."""
    return tuple(_of_leg(plan, leg, _parts(leg, units, freeze), number=number, quote=quote))


def _parts(leg: PlannedLeg, units: int, freeze: int) -> tuple[int, ...]:
    now = min(units, MAX_SLICES * largest_slice(leg.lot_size, freeze))
    return slices(now, lot_size=leg.lot_size, freeze=freeze)


def _of_leg(
    plan: AccountRun, leg: PlannedLeg, parts: tuple[int, ...], *, number: int, quote: Quote | None
) -> list[PlannedOrder]:
    return [
        planned_order(
            plan,
            leg,
            purpose=Purpose.EXIT,
            slice_no=slice_no,
            attempt=number,
            side=leg.side.opposite,
            quantity=quantity,
            limit_price=_price(leg, quote),
            quote=quote.middle if quote else Decimal(0),
        )
        for slice_no, quantity in enumerate(parts, start=1)
    ]


def _price(leg: PlannedLeg, quote: Quote | None) -> Decimal:
    """From the quote; without one the order goes out at the price of the entry, and is chased from there."""
    return limit_price(leg.side.opposite, quote, leg.tick) if quote else leg.limit_price


def largest_order(leg: PlannedLeg, rounds: Sequence[ExitRound], rows: Sequence[OrderRow]) -> int:
    """The leg's largest order, in units: halved for each of its last rounds that had all orders rejected."""
    halvings = 0
    for round_ in reversed(rounds):
        tried = of_round(round_, rows)
        if halvings == MAX_HALVINGS or not tried or any(r.status is not OrderState.REJECTED for r in tried):
            break
        halvings += 1
    if not halvings:
        return leg.freeze
    largest = max(order.quantity for round_ in rounds[-halvings:] for order in round_.orders)
    return int(max(largest >> halvings, leg.lot_size))


def hedges(plan: AccountRun, orders: Sequence[PlannedOrder]) -> bool:
    """Whether `orders` sell something while the plan has shorts: those have to be flat before."""
    return any(leg.side is Side.SELL for leg in plan.legs) and any(o.side == Side.SELL for o in orders)
