"""Which orders belong to a leg, read by ids from the plan and never through an index."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.exits import Exposure
from tasks.domain.ids import Purpose, order_id
from tasks.domain.pnl import total
from tasks.orderpath.limits import MAX_ENTRY_ATTEMPTS
from tasks.stores.bundle import Stores
from tasks.stores.ports import AccountRun, ExitRound, OrderRow, OrderState, PlannedLeg


class PlanNotFound(Exception):
    """The account has no plan in this run: PlanAccount must come first."""


def plan_of(stores: Stores, run_key: str, account: str) -> AccountRun:
    """What the account set out to do.

    Raises
    ------
    PlanNotFound
        If it has no plan in this run.
    """
    plan = stores.runs.account(run_key, account)
    if plan is None:
        raise PlanNotFound(f"{account} has no plan in run {run_key}")
    return plan


def entry_order_ids(leg: PlannedLeg) -> list[str]:
    """Every id an entry order of this leg can have."""
    return [
        order_id(Purpose.ENTRY, leg.position_id, slice_no=slice_no, attempt=attempt)
        for slice_no in range(1, len(leg.slices) + 1)
        for attempt in range(1, MAX_ENTRY_ATTEMPTS + 1)
    ]


def entry_orders(stores: Stores, plan: AccountRun) -> dict[int, list[OrderRow]]:
    """The entry orders that exist, by leg."""
    rows = stores.orders.get_many([oid for leg in plan.legs for oid in entry_order_ids(leg)])
    return {leg.leg: [rows[oid] for oid in entry_order_ids(leg) if oid in rows] for leg in plan.legs}


def cannot_be_whole(stores: Stores, run_key: str, account: str) -> bool:
    """An all-or-none entry of which the broker has refused a part: what still works of it works in vain."""
    plan = stores.runs.account(run_key, account)
    if plan is None or plan.on_leg_reject != "unwind":
        return False
    rows = (row for rows in entry_orders(stores, plan).values() for row in rows)
    return any(row.status is OrderState.REJECTED for row in rows)


def exit_orders(stores: Stores, plan: AccountRun, rounds: Sequence[ExitRound]) -> dict[int, list[OrderRow]]:
    """The exit orders that exist, by leg."""
    planned = [(order.leg, order.order_id) for round_ in rounds for order in round_.orders]
    rows = stores.orders.get_many([oid for _, oid in planned])
    return {
        leg.leg: [rows[oid] for number, oid in planned if number == leg.leg and oid in rows]
        for leg in plan.legs
    }


def exposures(stores: Stores, plan: AccountRun, rounds: Sequence[ExitRound]) -> list[Exposure]:
    """What each leg has entered and exited, by its orders, and what others had closed by the last round."""
    entries, exits = entry_orders(stores, plan), exit_orders(stores, plan, rounds)
    outside = {one.leg: one.units for one in rounds[-1].closed_outside} if rounds else {}
    return [
        Exposure(
            leg=leg.leg,
            side=leg.side,
            entered=total(entries[leg.leg]).quantity,
            exited=total(exits[leg.leg]).quantity,
            closed_outside=outside.get(leg.leg, 0),
        )
        for leg in plan.legs
    ]
