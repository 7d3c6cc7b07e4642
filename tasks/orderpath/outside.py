"""What somebody else did with our positions: a person at a terminal, or the broker squaring off.

An exit shrinks by what closed ours, and by nothing else. The broker's order book tells both sides at once:
orders with our tags, and all others. Two reads (orders and positions) would miss what fills between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from brokers.model import BrokerOrder, Side
from tasks.domain.exits import Exposure, closed_by_others
from tasks.domain.ids import is_ours
from tasks.stores.ports import AccountRun, OrderRow, PlannedLeg


def without_what_others_closed(
    plan: AccountRun,
    exposures: Sequence[Exposure],
    entries: Mapping[int, Sequence[OrderRow]],
    book: Iterable[BrokerOrder],
) -> list[Exposure]:
    """The exposures, with what others have closed of each by now."""
    orders = [order for order in book if order.product in ("", plan.product.value)]
    taken: dict[str, int] = {}
    legs = {leg.leg: leg for leg in plan.legs}
    return [_reduced(legs[one.leg], one, _entered_at(entries[one.leg]), orders, taken) for one in exposures]


def _reduced(
    leg: PlannedLeg,
    exposure: Exposure,
    since: datetime | None,
    book: Sequence[BrokerOrder],
    taken: dict[str, int],
) -> Exposure:
    whole = replace(exposure, closed_outside=0)
    if not whole.held or since is None:
        return whole
    here = [o for o in book if o.symbol == leg.symbol]
    ours = sum(_signed(o) for o in here if is_ours(o.tag))
    # Two legs in one contract: what closed the first can't close the second as well.
    others = sum(_signed(o) for o in here if not is_ours(o.tag) and o.at >= since) + taken.get(leg.symbol, 0)
    closed = closed_by_others(whole.held, leg.side, ours=ours, others=others)
    taken[leg.symbol] = taken.get(leg.symbol, 0) + (closed if leg.side is Side.BUY else -closed)
    return replace(whole, closed_outside=closed)


def _entered_at(entries: Sequence[OrderRow]) -> datetime | None:
    """When the leg's first order left, to the second below: the broker's times have whole seconds."""
    sent = [row.sent_at for row in entries if row.sent_at is not None and row.filled_quantity]
    return min(sent).replace(microsecond=0) if sent else None


def _signed(order: BrokerOrder) -> int:
    return order.filled_quantity if order.side is Side.BUY else -order.filled_quantity
