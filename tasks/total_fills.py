"""TotalFills: what a leg holds now, summed from its orders, as the absolute values RecordPosition writes."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.domain.ids import Purpose
from tasks.domain.pnl import Totals, realised, total
from tasks.lambda_task import task
from tasks.orderpath.legs import entry_orders, exit_orders, plan_of
from tasks.runtime import Runtime
from tasks.settle_order import OrderNotFound
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, OrderRow, PlannedLeg

FUNCTION = Function(
    name="TotalFills",
    module="tasks.total_fills",
    reads=(Table.ORDERS, Table.RUNS),
)


class Input(BaseModel):
    order_id: str


class Output(Slot):
    """The position's row. `quantity` is in units; `realised` in rupees, before charges."""

    position_id: str
    run_key: str
    account: str
    user_id: str
    basket_id: str
    strategy_id: str
    trading_date: str
    exchange: str
    symbol: str
    exchange_token: str
    side: str
    quantity: int
    quantity_attribute: str
    average_price: str
    price_attribute: str
    realised: str


def run(request: Input, rt: Runtime) -> Output:
    order = rt.stores.orders.get(request.order_id)
    if order is None:
        raise OrderNotFound(f"order {request.order_id} is not in the orders table")
    plan = plan_of(rt.stores, order.run_key, order.account)
    leg = next(leg for leg in plan.legs if leg.leg == order.leg)
    entered = total(entry_orders(rt.stores, plan)[leg.leg])
    exited = _exited(rt, plan, leg)
    earned = realised(leg.side, entered, exited)
    if order.purpose is Purpose.ENTRY:
        return _output(order, leg, entered, kind="entry", earned=earned)
    return _output(order, leg, exited, kind="exit", earned=earned)


def _exited(rt: Runtime, plan: AccountRun, leg: PlannedLeg) -> Totals:
    rounds = rt.stores.runs.exit_rounds(plan.run_key, plan.account)
    return total(exit_orders(rt.stores, plan, rounds)[leg.leg])


def _output(order: OrderRow, leg: PlannedLeg, fills: Totals, *, kind: str, earned: Decimal) -> Output:
    return Output(
        position_id=leg.position_id,
        run_key=order.run_key,
        account=order.account,
        user_id=order.user_id,
        basket_id=order.basket_id,
        strategy_id=order.strategy_id,
        trading_date=order.trading_date.isoformat(),
        exchange=leg.exchange.value,
        symbol=leg.symbol,
        exchange_token=leg.exchange_token,
        side=leg.side.value,
        quantity=fills.quantity,
        quantity_attribute=f"{kind}_qty",
        average_price=str(fills.average_price),
        price_attribute=f"{kind}_price",
        realised=str(earned),
    )


handler = task(run, Input)
