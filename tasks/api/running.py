"""Run now, and square off now: a leg, a strategy, an account, everything.

A square-off starts the exit of each account that is not flat, under the same name as the schedule and the sweep
do, so that all of them converge on one exit. What is open is read from the runs themselves, never from a
read-model: the kill switch must not miss what was entered a second ago.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from brokers.clock import IST
from tasks.api.answers import SquaredOff, StartedExit, StartedRun
from tasks.api.current import Asking, routes
from tasks.api.documents import Document, accounts_stand, own, own_strategy
from tasks.api.here import Here
from tasks.api.parameters import AccountPath, Key, LegsBody, LegsIn, RunIn, SquareOffIn, StrategyPath
from tasks.api.problems import Conflict, NotFound, Refused
from tasks.api.strategies import switched
from tasks.api.subscriptions import pausing
from tasks.api.transaction import Effect, perform
from tasks.domain import items
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.domain.fields import Weekday
from tasks.domain.ids import exit_name, run_key
from tasks.domain.stored import stored, version_of
from tasks.domain.strategy import Strategy, parse_strategy
from tasks.find_open_accounts import exit_task
from tasks.orderpath.legs import hedge_problem
from tasks.stores.ports import AccountRun, Change, Phase

router = routes()

LIFECYCLE = "StrategyLifecycle"
ACCOUNT_BASKET = "AccountBasket"

MOST_RUNS = 99
"""By hand, of one strategy on one day: M1 to M99."""

_SHORT_GRACE = 120


@router.post("/strategies/<strategy_id>/run", summary="Run now", tags=["running"], status_code=202)
def run_now(here: Asking, strategy_id: StrategyPath, key: Key, body: RunIn = None) -> StartedRun:
    """Enters at once and exits at the strategy's time, or at the time you give."""
    exit_time = body.exit_time if body else None
    said = body.model_dump(mode="json") if body else None
    answer = perform(here, lambda: _run(here, strategy_id, exit_time), key=key, body=said)
    for side, event in answer["events"].items():
        here.services.executions.start(LIFECYCLE, f"{answer['run_key']}-{side}", event)
    return StartedRun.model_validate(answer)


@router.post("/strategies/<strategy_id>/square-off", summary="Close a strategy now", tags=["running"])
def square_off_strategy(here: Asking, strategy_id: StrategyPath, body: LegsIn = None) -> SquaredOff:
    """One of mine, or of a published basket: then only what is open in my accounts. Or some legs of it.

    A leg that hedges one that is sold and open is not closed alone.
    """
    found = [plan for plan in open_runs(here) if plan.strategy_id == strategy_id]
    if not found and not _known(here, strategy_id):
        raise NotFound("you have no such strategy")
    chosen = body or LegsBody()
    found = [plan for plan in found if chosen.account in (None, plan.account)]
    found = [plan for plan in found if chosen.run_key in (None, plan.run_key)]
    legs = {plan.run_key + plan.account: _legs(here, plan, chosen.legs) for plan in found}
    return SquaredOff(exits=[_start_exit(here, plan, legs[plan.run_key + plan.account]) for plan in found])


def _legs(here: Here, plan: AccountRun, asked: list[int]) -> list[int]:
    """The legs to close on their own; none where it is the whole account.

    Raises
    ------
    Refused
        If the run has no such leg.
    Conflict
        If a short would be left without its hedge.
    """
    numbers = [leg.leg for leg in plan.legs]
    strange = [leg for leg in asked if leg not in numbers]
    if strange:
        where = f"run {plan.run_key} in {plan.account}"
        raise Refused([f"legs: {where} has the legs {', '.join(map(str, numbers))}, and no leg {strange[0]}"])
    if set(asked) == set(numbers):
        return []
    problem = hedge_problem(here.stores, plan, asked)
    if problem is not None:
        raise Conflict(problem)
    return asked


@router.post("/accounts/<account>/square-off", summary="Close all in an account now", tags=["running"])
def square_off_account(here: Asking, account: AccountPath) -> SquaredOff:
    found = [plan for plan in open_runs(here) if plan.account == account]
    if not found:
        own(here, items.account(account), "broker account")
    return SquaredOff(exits=[_start_exit(here, plan) for plan in found])


@router.post("/square-off", summary="Close everything now", tags=["running"])
def square_off_everything(here: Asking, body: SquareOffIn = None) -> SquaredOff:
    """The kill switch. With `stop`, nothing enters again until you enable and resume it."""
    stopped = _stop(here) if body and body.stop else ([], [])
    exits = [_start_exit(here, plan) for plan in open_runs(here)]
    return SquaredOff(exits=exits, disabled=stopped[0], paused=stopped[1])


def open_runs(here: Here) -> list[AccountRun]:
    """The caller's accounts that are not flat, also those still entering, whatever day they belong to."""
    far = here.now + timedelta(days=40)
    plans = [plan for day in _days(here.today) for plan in here.stores.runs.due_exits(day, before=far)]
    return [plan for plan in plans if plan.user_id == here.user_id and plan.phase is not Phase.FLAT]


def _days(today: date) -> list[date]:
    """Days on which an exit of what is open can be due: a shut market moves it to the next session."""
    try:
        calendar = TradingCalendar.load()
        days = {calendar.previous_session(today), today, calendar.next_session(today)}
    except CalendarExhausted:
        days = {today - timedelta(days=1), today, today + timedelta(days=1)}
    return sorted(days)


def _start_exit(here: Here, plan: AccountRun, legs: Sequence[int] = ()) -> StartedExit:
    task = exit_task(plan, sorted(set(legs))).model_dump(mode="json")
    name = exit_name(plan.run_key, plan.account, legs)
    arn, status = here.services.executions.start(ACCOUNT_BASKET, name, task)
    return StartedExit(
        run_key=plan.run_key,
        account=plan.account,
        strategy_id=plan.strategy_id,
        execution=arn,
        status=status,
        legs=sorted(set(legs)),
    )


def _known(here: Here, strategy_id: str) -> bool:
    """Whether the caller may know of it: their own, or anybody's in the marketplace."""
    item = items.strategy(strategy_id)
    return any(here.stores.catalog.get(owner, item) for owner in (here.user_id, items.MARKETPLACE))


def _stop(here: Here) -> tuple[list[str], list[str]]:
    """Disable what is enabled and pause what is not paused, each in a transaction of its own."""
    catalog = here.stores.catalog
    strategies = catalog.list(here.user_id, items.strategy(""))
    subscriptions = catalog.list(here.user_id, items.subscription(""))
    enabled = [one["strategy_id"] for one in strategies if one.get("enabled", True)]
    running = [one["basket_id"] for one in subscriptions if not one["paused"]]
    for strategy_id in enabled:
        _again(here, items.strategy(strategy_id), lambda document: switched(here, document, on=False))
    for basket_id in running:
        _again(here, items.subscription(basket_id), lambda document: pausing(here, document))
    return enabled, running


def _again(here: Here, item: str, change: Callable[[Document], list[Change]]) -> None:
    def decide() -> Effect:
        document = here.stores.catalog.get(here.user_id, item)
        return Effect(change(document) if document else [], {})

    perform(here, decide)


def _run(here: Here, strategy_id: str, exit_time: time | None) -> Effect:
    document = own_strategy(here, strategy_id)
    strategy = parse_strategy(document)
    if not strategy.enabled:
        raise Conflict("it is disabled: enable it first")
    if not strategy.accounts:
        raise Conflict("it names no broker account to trade in")
    accounts_stand(here, strategy.accounts)
    entry, leave = _times(here, strategy, exit_time)
    counter = items.manual_runs(strategy_id, here.today)
    before = here.stores.catalog.get(here.user_id, counter)
    number = version_of(before) + 1
    if number > MOST_RUNS:
        raise Conflict(f"it was run by hand {MOST_RUNS} times today, which is all there is")
    made = stored({"strategy_id": strategy_id}, before=before, at=here.now)
    kept_until = here.now + timedelta(days=7)
    change = Change(here.user_id, counter, made, version_of(before), expires_at=kept_until)
    return Effect([change], _run_answer(here, strategy, f"M{number}", entry, leave))


def _times(here: Here, strategy: Strategy, exit_time: time | None) -> tuple[time, time]:
    """Entry at this minute (or the next, where a short grace would be over), and the exit after it.

    Raises
    ------
    Conflict
        If the market is shut, or the exit's time is over.
    """
    now = here.now.astimezone(IST).replace(second=0, microsecond=0)
    entry = now if strategy.grace_seconds >= _SHORT_GRACE else now + timedelta(minutes=1)
    leave = exit_time or strategy.exit_time
    session = _session(here, strategy)
    if session is None or here.now not in session:
        raise Conflict("the market is shut")
    if leave <= entry.time():
        raise Conflict(f"its exit time {leave:%H:%M} is over: give an exit_time")
    if datetime.combine(here.today, leave, IST) not in session:
        raise Conflict(f"exit_time {leave:%H:%M} is outside the session")
    return entry.time(), leave


def _session(here: Here, strategy: Strategy) -> Any:
    try:
        return TradingCalendar.load().session(here.today, strategy.exchange)
    except CalendarExhausted:
        return None


def _run_answer(here: Here, strategy: Strategy, run: str, entry: time, leave: time) -> dict[str, Any]:
    key = run_key(strategy.strategy_id, here.today, run)
    event = {
        "user_id": here.user_id,
        "basket_id": strategy.basket_id,
        "strategy_id": strategy.strategy_id,
        "entry_time": f"{entry:%H:%M}",
        "exit_time": f"{leave:%H:%M}",
        "weekdays": [Weekday.of(here.today).value],
        "dte": None,
        "scheduled_time": here.now.astimezone(IST).isoformat(),
        "run": run,
    }
    sides = ("ENTRY", "EXIT")
    return {
        "run_key": key,
        "trading_date": here.today.isoformat(),
        "entry_time": event["entry_time"],
        "exit_time": event["exit_time"],
        "executions": {side: here.services.executions.arn(LIFECYCLE, f"{key}-{side}") for side in sides},
        "events": {side: {**event, "transaction_type": side} for side in sides},
    }
