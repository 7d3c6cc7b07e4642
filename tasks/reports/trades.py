"""From our orders to the trades that profit is worked out from."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.domain.day_pnl import Dealt, Leg
from tasks.domain.fifo import Trade
from tasks.stores.ports import OrderRow


def leg_of(row: OrderRow) -> Leg:
    """Whose leg the order belongs to."""
    return Leg(
        user_id=row.user_id,
        account=row.account,
        broker=row.broker,
        basket_id=row.basket_id,
        strategy_id=row.strategy_id,
        run_key=row.run_key,
        position_id=row.position_id,
        exchange=row.exchange,
        symbol=row.symbol,
    )


def dealt(rows: Iterable[OrderRow]) -> list[Dealt]:
    """The orders that traded. Its average price is the broker's; its value is that of whole paise."""
    return [
        Dealt(
            leg_of(row),
            Trade.of(
                row.order_id,
                row.side,
                row.filled_quantity,
                row.average_price,
                row.updated_at or row.sent_at or row.claimed_at,
            ),
        )
        for row in rows
        if row.filled_quantity
    ]
