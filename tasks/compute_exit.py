"""ComputeExit: what is left to close, from the orders themselves: entry fills minus exit fills.

Each leg goes its own way: it has the round of closing orders that stands, or gets its next one once every order
of the last is terminal. Rounds are frozen in the runs table, so two exits at once send the same orders, whether
they close the whole account or some of its legs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from brokers.errors import BrokerError, BrokerUnavailable, RateLimited
from brokers.model import Exchange, Quote, Side
from tasks.contracts import PlannedOrder, Wave, WaveStatus
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.domain.exits import Exposure
from tasks.domain.ids import MAX_ATTEMPTS, Purpose
from tasks.lambda_task import task
from tasks.orderpath.exits import exit_alarm
from tasks.orderpath.legs import LegOrders, in_scope, is_settled, leg_orders, plan_of, shorts_before
from tasks.orderpath.limits import HTTP_TIMEOUT, ROUND_PAUSE, wait_until
from tasks.orderpath.outside import without_what_others_closed
from tasks.orderpath.planning import no_wave, wave
from tasks.orderpath.rounds import (
    closing_orders,
    give_up_unsent,
    hedges,
    largest_order,
    of_round,
    unfinished,
)
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, ExitRound, OrderRow, OrderState, Phase, PlannedLeg

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


LOOK_AGAIN = timedelta(seconds=1)
"""At a short whose entry orders another exit is still settling."""

NEVER = datetime.max.replace(tzinfo=UTC)


class Input(BaseModel):
    """`legs` is empty for the whole account."""

    run_key: str
    account: str
    legs: list[int] = []


Output = Wave


class ExitNeedsPerson(Exception):
    """Every attempt to close was used up: look at the broker, close by hand, then redrive."""


@dataclass(slots=True)
class Closing:
    """One leg on its way out: its orders, what it holds, and which orders of its last round still stand."""

    orders: LegOrders
    exposure: Exposure
    working: list[PlannedOrder]

    @property
    def leg(self) -> PlannedLeg:
        return self.orders.leg

    @property
    def rounds(self) -> list[ExitRound]:
        return self.orders.rounds

    @property
    def held(self) -> int:
        return self.exposure.held

    @property
    def settled(self) -> bool:
        """False where an entry order of it may still trade: then its own exit has not come so far yet."""
        return is_settled(self.orders.entries)

    @property
    def open(self) -> bool:
        return bool(self.held) or not self.settled


def run(request: Input, rt: Runtime) -> Wave:
    plan = plan_of(rt.stores, request.run_key, request.account)
    scope = _closing(rt, plan, request.legs)
    _give_up_hedges(rt, plan, scope)
    working = [order for one in scope for order in one.working]
    try:
        planned, paused = _plan(rt, plan, scope)
    except BrokerError:
        if not working:
            raise
        return _wave(plan, working)  # what is on its way needs no new look at the broker
    if paused is not None and _shorts_stand_still(plan, scope):
        return paused  # what works is hedges, and they may not go yet
    if working or planned:
        return _wave(plan, [*working, *planned])
    return paused or _over(rt, plan, scope)


def _closing(rt: Runtime, plan: AccountRun, asked: Sequence[int]) -> list[Closing]:
    rounds = rt.stores.runs.exit_rounds(plan.run_key, plan.account)
    orders = leg_orders(rt.stores, plan, rounds)
    return [
        Closing(mine := orders[leg.leg], mine.exposure, unfinished(mine.rounds, mine.exits))
        for leg in in_scope(plan, asked)
    ]


def _give_up_hedges(rt: Runtime, plan: AccountRun, scope: list[Closing]) -> None:
    """Hedges that nobody has claimed are given up where their shorts' orders are over and the shorts not flat.

    The shorts come first again, in their next round, and the hedges are planned anew beside it.
    """
    if not _shorts_stand_still(plan, scope):
        return
    reason = "the shorts are not flat: they come first, in the next round"
    for one in scope:
        hedge = one.leg.side is Side.BUY and one.working
        if hedge and give_up_unsent(rt.stores, one.working, reason=reason, at=rt.clock.now()):
            one.working = []


def _shorts_stand_still(plan: AccountRun, scope: list[Closing]) -> bool:
    """Shorts that have to be flat first hold something, and no order of theirs is on its way."""
    first = _first(plan, scope)
    return any(one.open for one in first) and not any(one.working for one in first)


def _first(plan: AccountRun, scope: list[Closing]) -> list[Closing]:
    numbers = {leg.leg for leg in shorts_before(plan, [one.leg for one in scope])}
    return [one for one in scope if one.leg.leg in numbers]


def _plan(rt: Runtime, plan: AccountRun, scope: list[Closing]) -> tuple[list[PlannedOrder], Wave | None]:
    """The next rounds of the legs that have something left and nothing on its way; or why there are none."""
    _as_the_broker_has_it(rt, plan, scope)
    if any(one.exposure.overclosed for one in scope):
        rt.alarms.count("PositionReversed", account=plan.account)
    left = [one for one in scope if one.open and not one.working]
    if not left:
        return [], None
    shut = _shut(rt, plan, whole=len(scope) == len(plan.legs))
    if shut is not None:
        return [], shut
    return _next_rounds(rt, plan, scope, left)


def _as_the_broker_has_it(rt: Runtime, plan: AccountRun, scope: list[Closing]) -> None:
    """Less what others have closed. A book that can't be read delays an exit by a minute, no longer."""
    if not any(one.held and not one.working for one in scope):
        return
    with exit_alarm(rt, plan.account):
        try:
            book = rt.brokers.reader(plan.account).orders()
        except (BrokerUnavailable, RateLimited):
            if rt.clock.now() < plan.exit_at + BLIND_AFTER:
                raise
            rt.alarms.count("BrokerBlind", account=plan.account)
            return
    entries = {one.leg.leg: one.orders.entries for one in scope}
    reduced = without_what_others_closed(plan, [one.exposure for one in scope], entries, book)
    if any(one.closed_outside for one in reduced):
        rt.alarms.count("ClosedOutside", account=plan.account)
    for one, exposure in zip(scope, reduced, strict=True):
        if not one.working:
            one.exposure = exposure


def _shut(rt: Runtime, plan: AccountRun, *, whole: bool) -> Wave | None:
    """Nothing can be sent: the market is shut."""
    opens = _market_opens(rt.clock.now(), plan.legs[0].exchange)
    if opens is None:
        return None
    rt.alarms.count("ExitBlocked", account=plan.account)
    if whole:
        rt.stores.runs.postpone_exit(plan.run_key, plan.account, exit_at=opens)
    reason = f"the market is shut, the exit goes on at {opens:%a %d %b %H:%M}"
    return no_wave(WaveStatus.SHUT, Purpose.EXIT, reason=reason, retry_at=wait_until(opens))


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


def _next_rounds(
    rt: Runtime, plan: AccountRun, scope: list[Closing], left: list[Closing]
) -> tuple[list[PlannedOrder], Wave | None]:
    now = rt.clock.now()
    due = {one.leg.leg: _due(one, now) for one in left}
    ready = _shorts_first(plan, scope, [one for one in left if due[one.leg.leg] <= now])
    if ready:
        return _freeze_rounds(rt, plan, ready), None
    rt.alarms.count("ExitBlocked", account=plan.account)
    again = min((at for at in due.values() if now < at < NEVER), default=None)
    if again is None:
        tried = max(len(one.rounds) for one in left)
        raise ExitNeedsPerson(f"{plan.account} in run {plan.run_key}: {tried} rounds did not close it")
    reason = "the last round filled nothing, the next one follows"
    return [], no_wave(WaveStatus.WAIT, Purpose.EXIT, reason=reason, retry_at=wait_until(again))


def _due(one: Closing, now: datetime) -> datetime:
    """When the leg's next round may go. `now` is one look at the clock: a second one would be later."""
    if len(one.rounds) >= MAX_ATTEMPTS:
        return NEVER
    if not one.settled:
        return now + LOOK_AGAIN
    return _pause(one, now)


def _shorts_first(plan: AccountRun, scope: list[Closing], ready: list[Closing]) -> list[Closing]:
    """Without the hedges, as long as shorts are open that nothing is sent for now."""
    going = {one.leg.leg for one in [*ready, *(one for one in scope if one.working)]}
    if any(one.open and one.leg.leg not in going for one in _first(plan, scope)):
        return [one for one in ready if one.leg.side is Side.SELL]
    return ready


def _pause(one: Closing, now: datetime) -> datetime:
    """Until when the leg's next round waits: its last one, just now, filled nothing."""
    rounds = [round_ for round_ in one.rounds if not _given_up(one, round_)]
    fruitless = [_filled_nothing(round_, one.orders.exits) for round_ in rounds[-2:]]
    if not rounds or not fruitless[-1]:
        return now
    return rounds[-1].planned_at + ROUND_PAUSE * sum(fruitless)


def _given_up(one: Closing, round_: ExitRound) -> bool:
    """Hedges that made way for their shorts were never tried."""
    rows = of_round(round_, one.orders.exits)
    return one.leg.side is Side.BUY and all(row.status is OrderState.MISSED for row in rows)


def _filled_nothing(round_: ExitRound, rows: Sequence[OrderRow]) -> bool:
    return not any(row.filled_quantity for row in of_round(round_, rows))


def _freeze_rounds(rt: Runtime, plan: AccountRun, legs: list[Closing]) -> list[PlannedOrder]:
    """Each leg's next round; where another exit was faster, the one that stands."""
    with exit_alarm(rt, plan.account):
        quotes = _quotes(rt, plan.account, [one.leg for one in legs])
    return [order for one in legs for order in _freeze_round(rt, plan, one, quotes.get(_key(one.leg)))]


def _freeze_round(rt: Runtime, plan: AccountRun, one: Closing, quote: Quote | None) -> tuple[PlannedOrder, ...]:
    planned = ExitRound(
        run_key=plan.run_key,
        account=plan.account,
        leg=one.leg.leg,
        round=len(one.rounds) + 1,
        planned_at=rt.clock.now(),
        orders=closing_orders(
            plan,
            one.leg,
            one.held,
            number=len(one.rounds) + 1,
            freeze=largest_order(one.leg, one.rounds, one.orders.exits),
            quote=quote,
        ),
        closed_outside=one.exposure.closed_outside,
    )
    return rt.stores.runs.plan_exit_round(planned).orders


def _quotes(rt: Runtime, account: str, legs: list[PlannedLeg]) -> dict[str, Quote]:
    """Newest quotes; without them an exit goes out at its last known price and is chased from there."""
    try:
        return dict(rt.brokers.reader(account).quotes([_key(leg) for leg in legs]))
    except (RateLimited, BrokerUnavailable):
        return {}


def _key(leg: PlannedLeg) -> str:
    return f"{leg.exchange}:{leg.symbol}"


def _wave(plan: AccountRun, orders: list[PlannedOrder]) -> Wave:
    """Hedges always pass the barrier, also where there is nothing to buy (any more)."""
    described = ", ".join(f"{o.side} {o.quantity} {o.symbol} ({o.attempt})" for o in orders)
    made = wave(Purpose.EXIT, orders, reason=described)
    return made.model_copy(update={"both": made.both or hedges(plan, made.sells)})


def _over(rt: Runtime, plan: AccountRun, scope: list[Closing]) -> Wave:
    """Nothing of these legs is left. Where nothing of the others is either, the account is flat."""
    if len(scope) < len(plan.legs) and not _all_closed(rt, plan):
        return no_wave(WaveStatus.FLAT, Purpose.EXIT, reason="nothing of these legs is left to close")
    rt.stores.runs.set_phase(plan.run_key, plan.account, Phase.FLAT)
    return no_wave(WaveStatus.FLAT, Purpose.EXIT, reason="nothing is left to close")


def _all_closed(rt: Runtime, plan: AccountRun) -> bool:
    """All of its legs are being closed, each on its own, and this one was the last."""
    current = plan_of(rt.stores, plan.run_key, plan.account)
    if not all(leg.leg in current.closing for leg in plan.legs):
        return False
    return not any(one.open or one.working for one in _closing(rt, current, []))


handler = task(run, Input)
