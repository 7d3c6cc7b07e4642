"""The trade beside the graph: legs, orders and fills of a run, read from its tables and never written."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tasks.masking import masked_text
from tasks.stores import Stores
from tasks.stores.ports import AccountRun, OrderRow, Phase, PlannedLeg, PositionRow, StoreUnavailable

Json = dict[str, Any]
_WORKING = ("CLAIMED", "SENDING", "UNKNOWN", "OPEN")


class Trades:
    """Read-only: orders, positions and runs. The table of task tokens is never touched."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def of_run(self, run_key: str, account: str) -> Json:
        """Every account of the run, or the one that is named. "trouble" says why there is nothing to show."""
        try:
            plans = self._plans(run_key, account)
            return {"run_key": run_key, "accounts": [self._account(plan) for plan in plans], "trouble": ""}
        except (StoreUnavailable, ClientError, BotoCoreError, LookupError, ValueError) as wrong:
            # a table that is not there, or rows of another form: the graph is of use without them
            return {
                "run_key": run_key,
                "accounts": [],
                "trouble": masked_text(str(wrong) or type(wrong).__name__),
            }

    def _plans(self, run_key: str, account: str) -> Sequence[AccountRun]:
        if not account:
            return self._stores.runs.accounts(run_key)
        plan = self._stores.runs.account(run_key, account)
        return [plan] if plan is not None else []

    def _account(self, plan: AccountRun) -> Json:
        orders = self._stores.orders.by_run_account(plan.run_key, plan.account)
        legs = [self._leg(leg, [o for o in orders if o.leg == leg.leg]) for leg in plan.legs]
        return {
            "account": plan.account,
            "broker": plan.broker,
            "underlying": plan.underlying,
            "product": str(plan.product),
            "phase": str(plan.phase),
            "entry_until": plan.entry_until.timestamp(),
            "exit_at": plan.exit_at.timestamp(),
            "on_leg_reject": plan.on_leg_reject,
            "legs": legs,
            "realised": str(sum((Decimal(leg["realised"]) for leg in legs), Decimal(0))),
            "exit": exit_plan(plan, orders),
        }

    def _leg(self, leg: PlannedLeg, orders: Sequence[OrderRow]) -> Json:
        position = self._stores.positions.get(leg.position_id)
        return {
            "leg": leg.leg,
            "symbol": leg.symbol,
            "side": str(leg.side),
            "quantity": sum(leg.slices),
            "lots": sum(leg.slices) // leg.lot_size if leg.lot_size else None,
            "position_id": leg.position_id,
            **_position(position),
            "orders": [
                _order(order) for order in sorted(orders, key=lambda row: (row.claimed_at, row.order_id))
            ],
        }


def _position(row: PositionRow | None) -> Json:
    if row is None:
        return {"entry_qty": 0, "entry_price": "0", "exit_qty": 0, "exit_price": "0", "realised": "0"}
    return {
        "entry_qty": row.entry_qty,
        "entry_price": str(row.entry_price),
        "exit_qty": row.exit_qty,
        "exit_price": str(row.exit_price),
        "realised": str(row.realised),
    }


def _order(row: OrderRow) -> Json:
    return {
        "tag": row.order_id,
        "purpose": "entry" if row.purpose == "N" else "exit",
        "slice": row.slice,
        "attempt": row.attempt,
        "side": str(row.side),
        "quantity": row.quantity,
        "filled": row.filled_quantity,
        "price": str(row.average_price),
        "limit": str(row.limit_price),
        "status": str(row.status),
        "broker_order_id": row.broker_order_id,
        "reason": masked_text(row.reason),
        "modifications": row.modifications,
        "at": (row.updated_at or row.sent_at or row.claimed_at).timestamp(),
    }


def exit_plan(plan: AccountRun, orders: Sequence[OrderRow]) -> Json:
    """What the exit will do, from what has filled so far: the same sum that ComputeExit makes."""
    if plan.phase is Phase.FLAT:
        return {"say": "Flat: nothing is left to close.", "orders": []}
    working = [row for row in orders if row.purpose == "N" and row.status in _WORKING]
    closing = [closing for leg in plan.legs if (closing := _closing(leg, orders)) is not None]
    closing.sort(key=lambda each: each["side"] != "BUY")  # shorts are bought back before longs are sold
    at = "is under way" if plan.phase is Phase.EXITING else f"at {plan.exit_at:%H:%M}"
    if not closing and not working:
        return {"say": f"The exit {at} has nothing to close so far.", "orders": []}
    first = f" First it cancels and settles {len(working)} working entry order(s)." if working else ""
    return {"say": f"The exit {at} closes exactly what has filled, BUY before SELL.{first}", "orders": closing}


def _closing(leg: PlannedLeg, orders: Sequence[OrderRow]) -> Json | None:
    mine = [row for row in orders if row.leg == leg.leg]
    held = sum(row.filled_quantity if row.purpose == "N" else -row.filled_quantity for row in mine)
    if held <= 0:
        return None
    side = "BUY" if str(leg.side) == "SELL" else "SELL"
    return {"leg": leg.leg, "side": side, "quantity": held, "symbol": leg.symbol}
