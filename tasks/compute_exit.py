"""ComputeExit: what is left to close, from the orders themselves: entry fills minus exit fills.

It answers with the round of closing orders that stands, or plans the next one once every order of the last
round is terminal. Rounds are frozen in the runs table, so two exits at once send the same orders.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel

from brokers.errors import BrokerUnavailable, RateLimited
from brokers.model import Exchange, Quote
from tasks.contracts import PlannedOrder, Wave, WaveStatus
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.domain.ids import MAX_ATTEMPTS, Purpose
from tasks.domain.pricing import limit_price
from tasks.domain.slicing import slices
from tasks.lambda_task import task
from tasks.orderpath.exits import exit_alarm
from tasks.orderpath.legs import exposures, plan_of
from tasks.orderpath.limits import HTTP_TIMEOUT, ROUND_PAUSE, wait_until
from tasks.orderpath.planning import no_wave, planned_order, wave
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, ExitRound, Phase, PlannedLeg

FUNCTION = Function(
    name="ComputeExit",
    module="tasks.compute_exit",
    timeout=15,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.RUNS),
    writes=(Table.RUNS,),
    broker=True,
)


class Input(BaseModel):
    run_key: str
    account: str


Output = Wave


class ExitNeedsPerson(Exception):
    """Every attempt to close was used up: look at the broker, close by hand, then redrive."""


def run(request: Input, rt: Runtime) -> Wave:
    plan = plan_of(rt.stores, request.run_key, request.account)
    rounds = list(rt.stores.runs.exit_rounds(plan.run_key, plan.account))
    working = _unfinished(rt, rounds)
    if working:
        return wave(Purpose.EXIT, working, reason=f"round {rounds[-1].round} is not finished")
    left = _left(rt, plan, rounds)
    if not left:
        rt.stores.runs.set_phase(plan.run_key, plan.account, Phase.FLAT)
        return no_wave(WaveStatus.FLAT, Purpose.EXIT, reason="nothing is left to close")
    return _blocked(rt, plan, rounds) or _next_round(rt, plan, rounds, left)


def _unfinished(rt: Runtime, rounds: list[ExitRound]) -> list[PlannedOrder]:
    """Orders of the last round that are not terminal; one that was never claimed isn't either."""
    if not rounds:
        return []
    orders = rounds[-1].orders
    rows = rt.stores.orders.get_many([order.order_id for order in orders])
    return [o for o in orders if o.order_id not in rows or not rows[o.order_id].status.terminal]


def _left(rt: Runtime, plan: AccountRun, rounds: list[ExitRound]) -> list[tuple[PlannedLeg, int]]:
    legs = exposures(rt.stores, plan, rounds)
    if any(one.overclosed for one in legs):
        rt.alarms.count("PositionReversed", account=plan.account)
    held = {one.leg: one.held for one in legs}
    return [(leg, held[leg.leg]) for leg in plan.legs if held[leg.leg]]


def _blocked(rt: Runtime, plan: AccountRun, rounds: list[ExitRound]) -> Wave | None:
    """Nothing can be sent now: the market is shut, or the last round, just now, filled nothing."""
    now = rt.clock.now()
    opens = _market_opens(now, plan.legs[0].exchange)
    if opens is not None:
        rt.alarms.count("ExitBlocked", account=plan.account)
        rt.stores.runs.postpone_exit(plan.run_key, plan.account, exit_at=opens)
        reason = f"the market is shut, the exit goes on at {opens:%a %d %b %H:%M}"
        return no_wave(WaveStatus.SHUT, Purpose.EXIT, reason=reason, retry_at=wait_until(opens))
    if rounds and _filled_nothing(rt, rounds[-1]) and now < rounds[-1].planned_at + ROUND_PAUSE:
        rt.alarms.count("ExitBlocked", account=plan.account)
        again = rounds[-1].planned_at + ROUND_PAUSE
        reason = f"round {rounds[-1].round} filled nothing, the next one follows"
        return no_wave(WaveStatus.WAIT, Purpose.EXIT, reason=reason, retry_at=wait_until(again))
    return None


def _market_opens(now: datetime, segment: Exchange) -> datetime | None:
    """When the market opens next, or None if it is open, or if the calendar can't tell: exits never stop."""
    try:
        return _opens_next(TradingCalendar.load(), now, segment)
    except CalendarExhausted:
        return None


def _opens_next(calendar: TradingCalendar, now: datetime, segment: Exchange) -> datetime | None:
    session = calendar.session(now.date(), segment)
    if session is None or now >= session.closes:
        session = calendar.session(calendar.next_session(now.date()), segment)
    if session is None or now in session:
        return None
    return session.opens


def _filled_nothing(rt: Runtime, last: ExitRound) -> bool:
    rows = rt.stores.orders.get_many([order.order_id for order in last.orders])
    return not any(row.filled_quantity for row in rows.values())


def _next_round(
    rt: Runtime, plan: AccountRun, rounds: list[ExitRound], left: list[tuple[PlannedLeg, int]]
) -> Wave:
    number = len(rounds) + 1
    if number > MAX_ATTEMPTS:
        rt.alarms.count("ExitBlocked", account=plan.account)
        raise ExitNeedsPerson(f"{plan.account} in run {plan.run_key}: {len(rounds)} rounds did not close it")
    with exit_alarm(rt, plan.account):
        quotes = _quotes(rt, plan.account, [leg for leg, _ in left])
    orders = tuple(order for leg, quantity in left for order in _closing(plan, leg, quantity, number, quotes))
    planned = ExitRound(
        run_key=plan.run_key, account=plan.account, round=number, planned_at=rt.clock.now(), orders=orders
    )
    standing = rt.stores.runs.plan_exit_round(planned)
    return wave(Purpose.EXIT, list(standing.orders), reason=f"round {number}: {_describe(left)}")


def _quotes(rt: Runtime, account: str, legs: list[PlannedLeg]) -> dict[str, Quote]:
    """Newest quotes; without them an exit goes out at its last known price and is chased from there."""
    try:
        return dict(rt.brokers.reader(account).quotes([_key(leg) for leg in legs]))
    except (RateLimited, BrokerUnavailable):
        return {}


def _closing(
    plan: AccountRun, leg: PlannedLeg, quantity: int, number: int, quotes: dict[str, Quote]
) -> list[PlannedOrder]:
    quote = quotes.get(_key(leg))
    price = limit_price(leg.side.opposite, quote, leg.tick) if quote else _without_quote(leg)
    return [
        planned_order(
            plan,
            leg,
            purpose=Purpose.EXIT,
            slice_no=slice_no,
            attempt=number,
            side=leg.side.opposite,
            quantity=units,
            limit_price=price,
        )
        for slice_no, units in enumerate(slices(quantity, lot_size=leg.lot_size, freeze=leg.freeze), start=1)
    ]


def _without_quote(leg: PlannedLeg) -> Decimal:
    return leg.limit_price


def _key(leg: PlannedLeg) -> str:
    return f"{leg.exchange}:{leg.symbol}"


def _describe(left: list[tuple[PlannedLeg, int]]) -> str:
    return ", ".join(f"{leg.side.opposite} {quantity} {leg.symbol}" for leg, quantity in left)


handler = task(run, Input)
