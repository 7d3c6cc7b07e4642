"""The next price of an order that rests, within the limit that its strategy sets."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from brokers.model import Quote, Side
from tasks.domain.chase import EVERY, Chase
from tasks.domain.ids import Purpose
from tasks.domain.pricing import limit_price
from tasks.runtime import Runtime
from tasks.stores.ports import AccountRun, OrderRow


def follow(order: OrderRow, quote: Quote, furthest: Decimal | None) -> Decimal:
    """From the newest quote, and at least one tick more willing: the old price is not enough. Never beyond
    `furthest`."""
    price = limit_price(order.side, quote, order.tick)
    if order.side is Side.BUY:
        wanted = max(price, order.limit_price + order.tick)
        return wanted if furthest is None else min(wanted, furthest)
    wanted = max(order.tick, min(price, order.limit_price - order.tick))
    return wanted if furthest is None else max(wanted, furthest)


def is_due(rt: Runtime, order: OrderRow, terms: Chase) -> bool:
    """Whether the strategy's own interval is over; the shortest is that of the looks themselves."""
    if terms.every_seconds <= EVERY or order.sent_at is None:
        return True
    return rt.clock.now() >= order.sent_at + timedelta(seconds=terms.every_seconds) * (order.modifications + 1)


def furthest_price(rt: Runtime, plan: AccountRun | None, order: OrderRow) -> Decimal | None:
    """How far the order may follow, counted from the first price of its leg; None where nothing limits it."""
    if plan is None:
        return None
    terms = Chase.of(plan.chase)
    if order.purpose is Purpose.ENTRY:
        first = next(leg.limit_price for leg in plan.legs if leg.leg == order.leg)
        return terms.entry.furthest(first, order.side, order.tick) if terms.entry else None
    if terms.exit is None or order.attempt > 1 or order.sent_at is None:
        return None
    if rt.clock.now() >= order.sent_at + timedelta(seconds=terms.exit.patience_seconds):
        return None
    rounds = rt.stores.runs.exit_rounds(plan.run_key, plan.account)
    planned = [o.limit_price for one in rounds for o in one.orders if o.order_id == order.order_id]
    return terms.exit.furthest(Decimal(planned[0]), order.side, order.tick) if planned else None
