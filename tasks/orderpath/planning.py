"""From a leg to the orders that are to be sent for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from brokers.model import Side
from tasks.contracts import PlannedOrder, Wave, WaveStatus
from tasks.domain.ids import Purpose, order_id
from tasks.stores.ports import AccountRun, PlannedLeg


def planned_order(
    plan: AccountRun,
    leg: PlannedLeg,
    *,
    purpose: Purpose,
    slice_no: int,
    attempt: int,
    side: Side,
    quantity: int,
    limit_price: Decimal,
    quote: Decimal,
) -> PlannedOrder:
    return PlannedOrder(
        order_id=order_id(purpose, leg.position_id, slice_no=slice_no, attempt=attempt),
        position_id=leg.position_id,
        run_key=plan.run_key,
        account=plan.account,
        broker=plan.broker,
        user_id=plan.user_id,
        basket_id=plan.basket_id,
        strategy_id=plan.strategy_id,
        trading_date=plan.trading_date.isoformat(),
        purpose=purpose_letter(purpose),
        leg=leg.leg,
        slice=slice_no,
        attempt=attempt,
        exchange=leg.exchange.value,
        symbol=leg.symbol,
        exchange_token=leg.exchange_token,
        side=side.value,
        quantity=quantity,
        product=plan.product.value,
        limit_price=str(limit_price),
        quote=str(quote),
        tick=str(leg.tick),
        entry_until=plan.entry_until.isoformat(),
    )


def entry_wave(plan: AccountRun) -> Wave:
    """The first attempt of every slice of every leg."""
    orders = [
        planned_order(
            plan,
            leg,
            purpose=Purpose.ENTRY,
            slice_no=number,
            attempt=1,
            side=leg.side,
            quantity=quantity,
            limit_price=leg.limit_price,
            quote=leg.quote,
        )
        for leg in plan.legs
        for number, quantity in enumerate(leg.slices, start=1)
    ]
    return wave(Purpose.ENTRY, orders, reason=f"{len(plan.legs)} legs, {len(orders)} orders")


def wave(purpose: Purpose, orders: list[PlannedOrder], *, reason: str) -> Wave:
    """BUY before SELL, in both directions: hedges first on the way in, shorts first on the way out."""
    buys = [order for order in orders if order.side == Side.BUY]
    sells = [order for order in orders if order.side == Side.SELL]
    return Wave(
        status=WaveStatus.READY,
        purpose=purpose_letter(purpose),
        buys=buys,
        sells=sells,
        both=bool(buys and sells),
        reason=reason,
        retry_at="",
    )


def no_wave(status: WaveStatus, purpose: Purpose, *, reason: str, retry_at: str = "") -> Wave:
    return Wave(
        status=status,
        purpose=purpose_letter(purpose),
        buys=[],
        sells=[],
        both=False,
        reason=reason,
        retry_at=retry_at,
    )


def purpose_letter(purpose: Purpose) -> Literal["N", "X"]:
    return "N" if purpose is Purpose.ENTRY else "X"
