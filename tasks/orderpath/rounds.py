"""A round of closing orders: what of it still stands, and how the next one is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def unfinished(stores: Stores, rounds: Sequence[ExitRound]) -> list[PlannedOrder]:
    """Orders of the last round that are not terminal; one that was never claimed isn't either."""
    if not rounds:
        return []
    rows = rows_of(stores, rounds[-1])
    return [o for o in rounds[-1].orders if o.order_id not in rows or not rows[o.order_id].status.terminal]


def rows_of(stores: Stores, round_: ExitRound) -> dict[str, OrderRow]:
    return stores.orders.get_many([order.order_id for order in round_.orders])


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
    stores: Stores,
    plan: AccountRun,
    left: Sequence[tuple[PlannedLeg, int]],
    rounds: Sequence[ExitRound],
    quotes: Mapping[str, Quote],
) -> tuple[PlannedOrder, ...]:
    """The next round's orders. A leg too big for nine orders goes on in the round after."""
    return tuple(
        order
        for leg, units in left
        for order in _of_leg(
            plan,
            leg,
            _parts(leg, units, _freeze(stores, leg, rounds)),
            number=len(rounds) + 1,
            quote=quotes.get(f"{leg.exchange}:{leg.symbol}"),
        )
    )


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


def _freeze(stores: Stores, leg: PlannedLeg, rounds: Sequence[ExitRound]) -> int:
    """The leg's largest order: halved for each of the last rounds that had all of its orders rejected."""
    halvings = 0
    for round_ in reversed(rounds):
        rows = [row for row in rows_of(stores, round_).values() if row.leg == leg.leg]
        if halvings == MAX_HALVINGS or not rows or any(r.status is not OrderState.REJECTED for r in rows):
            break
        halvings += 1
    if not halvings:
        return leg.freeze
    sent = (order for round_ in rounds[-halvings:] for order in round_.orders)
    tried = max(order.quantity for order in sent if order.leg == leg.leg)
    return int(max(tried >> halvings, leg.lot_size))


def hedges(plan: AccountRun, orders: Sequence[PlannedOrder]) -> bool:
    """Whether `orders` sell something while the plan has shorts: those have to be flat before."""
    return any(leg.side is Side.SELL for leg in plan.legs) and any(o.side == Side.SELL for o in orders)
