"""Which orders belong to a leg, read by ids from the plan and never through an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brokers.model import Side
from tasks.domain.exits import Exposure, covers
from tasks.domain.ids import Purpose, order_id
from tasks.domain.pnl import total
from tasks.orderpath.limits import MAX_ENTRY_ATTEMPTS
from tasks.stores.bundle import Stores
from tasks.stores.ports import AccountRun, ExitRound, OrderRow, OrderState, Phase, PlannedLeg


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


class UnknownLeg(Exception):
    """The account's plan has no leg of that number."""


def in_scope(plan: AccountRun, asked: Sequence[int]) -> tuple[PlannedLeg, ...]:
    """The legs an exit looks after: all, or those it was asked for.

    A hedge brings the shorts with it that it covers: they go first, whichever exit closes them.
    """
    if not asked:
        return plan.legs
    chosen = [leg for leg in plan.legs if leg.leg in asked]
    first = {leg.leg for hedge in chosen for leg in shorts_under(plan, hedge) if is_closing(plan, leg)}
    return tuple(leg for leg in plan.legs if leg in chosen or leg.leg in first)


def is_closing(plan: AccountRun, leg: PlannedLeg) -> bool:
    """Whether an exit looks after this leg: its own, or that of the whole account."""
    return leg.leg in plan.closing or plan.phase in (Phase.EXITING, Phase.FLAT)


def shorts_under(plan: AccountRun, hedge: PlannedLeg) -> list[PlannedLeg]:
    """The sold legs that a bought one covers; none where `hedge` is sold itself."""
    if hedge.side is Side.SELL:
        return []
    return [leg for leg in plan.legs if leg.side is Side.SELL and covers(hedge.right, leg.right)]


def shorts_before(plan: AccountRun, scope: Sequence[PlannedLeg]) -> list[PlannedLeg]:
    """The sold legs that must be flat before the bought ones of `scope` are sold.

    Of a whole account all of them, so that its hedges are the last to go.
    """
    if len(scope) == len(plan.legs):
        return [leg for leg in plan.legs if leg.side is Side.SELL]
    return [leg for leg in plan.legs if any(leg in shorts_under(plan, hedge) for hedge in scope)]


def hedge_problem(stores: Stores, plan: AccountRun, asked: Sequence[int]) -> str | None:
    """Why these legs can't be closed on their own: a short would lose its hedge. None if they can."""
    for hedge in (leg for leg in plan.legs if leg.leg in asked):
        for short in shorts_under(plan, hedge):
            stays = short.leg not in asked and not is_closing(plan, short)
            if stays and may_be_open(stores, plan, short):
                return (
                    f"leg {hedge.leg} ({hedge.symbol}) is the hedge of leg {short.leg} ({short.symbol}), which "
                    f"is sold and open in {plan.account}: close leg {short.leg} as well, or before"
                )
    return None


def may_be_open(stores: Stores, plan: AccountRun, leg: PlannedLeg) -> bool:
    """Whether the account may hold something of this leg, or may still come to."""
    if plan.phase is Phase.ENTERING:
        return True
    if not is_settled(entry_orders(stores, plan)[leg.leg]):
        return True
    found = exposures(stores, plan, stores.runs.exit_rounds(plan.run_key, plan.account))
    return any(one.held for one in found if one.leg == leg.leg)


def is_settled(orders: Sequence[OrderRow]) -> bool:
    """Whether none of these orders can trade any more."""
    return all(row.status.terminal for row in orders)


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


def rounds_by_leg(rounds: Sequence[ExitRound]) -> dict[int, list[ExitRound]]:
    """The rounds of each leg that has some, oldest first."""
    found: dict[int, list[ExitRound]] = {}
    for one in rounds:
        found.setdefault(one.leg, []).append(one)
    return found


def exit_orders(stores: Stores, plan: AccountRun, rounds: Sequence[ExitRound]) -> dict[int, list[OrderRow]]:
    """The exit orders that exist, by leg."""
    return {number: orders.exits for number, orders in leg_orders(stores, plan, rounds).items()}


@dataclass(frozen=True, slots=True)
class LegOrders:
    """The orders of one leg that exist, all read at once: what is terminal here has its final fills here."""

    leg: PlannedLeg
    entries: list[OrderRow]
    exits: list[OrderRow]
    rounds: list[ExitRound]

    @property
    def exposure(self) -> Exposure:
        """What it has entered and exited, by its orders, and what others had closed by its last round."""
        return Exposure(
            leg=self.leg.leg,
            side=self.leg.side,
            entered=total(self.entries).quantity,
            exited=total(self.exits).quantity,
            closed_outside=self.rounds[-1].closed_outside if self.rounds else 0,
        )


def leg_orders(stores: Stores, plan: AccountRun, rounds: Sequence[ExitRound]) -> dict[int, LegOrders]:
    """The orders of all legs, in one read."""
    of_leg = rounds_by_leg(rounds)
    entries = {leg.leg: entry_order_ids(leg) for leg in plan.legs}
    exits = {leg.leg: [o.order_id for one in of_leg.get(leg.leg, []) for o in one.orders] for leg in plan.legs}
    wanted = [oid for leg in plan.legs for oid in (*entries[leg.leg], *exits[leg.leg])]
    rows = stores.orders.get_many(wanted)
    return {
        leg.leg: LegOrders(
            leg,
            [rows[oid] for oid in entries[leg.leg] if oid in rows],
            [rows[oid] for oid in exits[leg.leg] if oid in rows],
            of_leg.get(leg.leg, []),
        )
        for leg in plan.legs
    }


def exposures(stores: Stores, plan: AccountRun, rounds: Sequence[ExitRound]) -> list[Exposure]:
    """What each leg has entered and exited."""
    return [orders.exposure for orders in leg_orders(stores, plan, rounds).values()]
