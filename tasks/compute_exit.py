"""ComputeExit: what is left to close, from the orders themselves: entry fills minus exit fills.

It answers with the round of closing orders that stands, or plans the next one once every order of the last
round is terminal. Rounds are frozen in the runs table, so two exits at once send the same orders.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel

from brokers.errors import BrokerUnavailable, RateLimited
from brokers.model import Exchange, Quote, Side
from tasks.contracts import PlannedOrder, Wave, WaveStatus
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.domain.exits import Exposure
from tasks.domain.ids import MAX_ATTEMPTS, Purpose
from tasks.lambda_task import task
from tasks.orderpath.exits import exit_alarm
from tasks.orderpath.legs import entry_orders, exposures, plan_of
from tasks.orderpath.limits import HTTP_TIMEOUT, ROUND_PAUSE, wait_until
from tasks.orderpath.outside import without_what_others_closed
from tasks.orderpath.planning import no_wave, wave
from tasks.orderpath.rounds import closing_orders, give_up_unsent, hedges, rows_of, unfinished
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, ClosedOutside, ExitRound, Phase, PlannedLeg

FUNCTION = Function(
    name="ComputeExit",
    module="tasks.compute_exit",
    timeout=25,  # two requests: the book and the quotes
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.RUNS),
    writes=(Table.ORDERS, Table.RUNS),
    broker=True,
)


BLIND_AFTER = timedelta(minutes=1)
"""How long after its time an exit insists on seeing the book before it closes what our own orders say."""


class Input(BaseModel):
    run_key: str
    account: str


Output = Wave


class ExitNeedsPerson(Exception):
    """Every attempt to close was used up: look at the broker, close by hand, then redrive."""


def run(request: Input, rt: Runtime) -> Wave:
    plan = plan_of(rt.stores, request.run_key, request.account)
    rounds = list(rt.stores.runs.exit_rounds(plan.run_key, plan.account))
    legs = exposures(rt.stores, plan, rounds)
    working = _working(rt, rounds, legs)
    if working:
        return _barred(plan, wave(Purpose.EXIT, working, reason=f"round {rounds[-1].round} is not finished"))
    legs = _as_the_broker_has_it(rt, plan, legs)
    left = _left(rt, plan, legs)
    if not left:
        rt.stores.runs.set_phase(plan.run_key, plan.account, Phase.FLAT)
        return no_wave(WaveStatus.FLAT, Purpose.EXIT, reason="nothing is left to close")
    return _blocked(rt, plan, rounds) or _next_round(rt, plan, rounds, legs, left)


def _working(rt: Runtime, rounds: list[ExitRound], legs: list[Exposure]) -> list[PlannedOrder]:
    """What is still to be done of the last round.

    Hedges whose shorts did not get flat are given up as long as nobody has claimed them: the shorts come first
    again, in the next round.
    """
    working = unfinished(rt.stores, rounds)
    naked = any(one.side is Side.SELL and one.held for one in legs)
    if not (working and naked) or any(order.side == Side.BUY for order in working):
        return working
    reason = "the shorts are not flat: they come first, in the next round"
    if give_up_unsent(rt.stores, working, reason=reason, at=rt.clock.now()):
        return []
    return unfinished(rt.stores, rounds)


def _barred(plan: AccountRun, wave_: Wave) -> Wave:
    """Hedges always pass the barrier, also where the round has nothing to buy (any more)."""
    return wave_.model_copy(update={"both": wave_.both or hedges(plan, wave_.sells)})


def _as_the_broker_has_it(rt: Runtime, plan: AccountRun, legs: list[Exposure]) -> list[Exposure]:
    """Less what others have closed. A book that can't be read delays an exit by a minute, no longer."""
    if not any(one.held for one in legs):
        return legs
    with exit_alarm(rt, plan.account):
        try:
            book = rt.brokers.reader(plan.account).orders()
        except (BrokerUnavailable, RateLimited):
            if rt.clock.now() < plan.exit_at + BLIND_AFTER:
                raise
            rt.alarms.count("BrokerBlind", account=plan.account)
            return legs
    reduced = without_what_others_closed(plan, legs, entry_orders(rt.stores, plan), book)
    if any(one.closed_outside for one in reduced):
        rt.alarms.count("ClosedOutside", account=plan.account)
    return reduced


def _left(rt: Runtime, plan: AccountRun, legs: list[Exposure]) -> list[tuple[PlannedLeg, int]]:
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
    fruitless = [_filled_nothing(rt, one) for one in rounds[-2:]]
    again = rounds[-1].planned_at + ROUND_PAUSE * sum(fruitless) if rounds and fruitless[-1] else now
    if now < again:
        rt.alarms.count("ExitBlocked", account=plan.account)
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
    return not any(row.filled_quantity for row in rows_of(rt.stores, last).values())


def _next_round(
    rt: Runtime,
    plan: AccountRun,
    rounds: list[ExitRound],
    legs: list[Exposure],
    left: list[tuple[PlannedLeg, int]],
) -> Wave:
    number = len(rounds) + 1
    if number > MAX_ATTEMPTS:
        rt.alarms.count("ExitBlocked", account=plan.account)
        raise ExitNeedsPerson(f"{plan.account} in run {plan.run_key}: {len(rounds)} rounds did not close it")
    with exit_alarm(rt, plan.account):
        quotes = _quotes(rt, plan.account, [leg for leg, _ in left])
    planned = ExitRound(
        run_key=plan.run_key,
        account=plan.account,
        round=number,
        planned_at=rt.clock.now(),
        orders=closing_orders(rt.stores, plan, left, rounds, quotes),
        closed_outside=tuple(
            ClosedOutside(leg=one.leg, units=one.closed_outside) for one in legs if one.closed_outside
        ),
    )
    standing = rt.stores.runs.plan_exit_round(planned)
    return _barred(plan, wave(Purpose.EXIT, list(standing.orders), reason=f"round {number}: {_describe(left)}"))


def _quotes(rt: Runtime, account: str, legs: list[PlannedLeg]) -> dict[str, Quote]:
    """Newest quotes; without them an exit goes out at its last known price and is chased from there."""
    try:
        return dict(rt.brokers.reader(account).quotes([_key(leg) for leg in legs]))
    except (RateLimited, BrokerUnavailable):
        return {}


def _key(leg: PlannedLeg) -> str:
    return f"{leg.exchange}:{leg.symbol}"


def _describe(left: list[tuple[PlannedLeg, int]]) -> str:
    return ", ".join(f"{leg.side.opposite} {quantity} {leg.symbol}" for leg, quantity in left)


handler = task(run, Input)
