"""Run now: a strategy of mine, or a published one, in my own accounts or in everybody's.

A published strategy run by its subscriber trades in that subscriber's accounts alone. Only an admin, who says
`everybody`, runs it for all who take part: one run then, with one AccountBasket for each account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from brokers.clock import IST
from tasks.api.answers import StartedRun
from tasks.api.current import Asking, routes
from tasks.api.documents import Document, accounts_stand
from tasks.api.here import Here
from tasks.api.kill import must_not_be_halted
from tasks.api.parameters import Key, RunBody, RunIn, StrategyPath
from tasks.api.problems import Conflict, NotFound
from tasks.api.transaction import Effect, perform
from tasks.domain import items
from tasks.domain.basket import BasketKind
from tasks.domain.calendar import Session, TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.domain.fields import Weekday
from tasks.domain.ids import run_key
from tasks.domain.stored import stored, version_of
from tasks.domain.strategy import Strategy, parse_strategy
from tasks.stores.ports import Change

router = routes()

LIFECYCLE = "StrategyLifecycle"

MOST_RUNS = 99
"""By hand, of one strategy on one day by one person. All of its people together have M1 to M9999."""

_SHORT_GRACE = 120
_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Run:
    """What is to run. `owner` is whose catalog the strategy is in, `only_for` "" or the one who trades."""

    owner: str
    strategy: Strategy
    only_for: str = ""
    checks: tuple[Change, ...] = ()


@router.post("/strategies/<strategy_id>/run", summary="Run now", tags=["running"], status_code=202)
def run_now(here: Asking, strategy_id: StrategyPath, key: Key, body: RunIn = None) -> StartedRun:
    """Enters at once and exits at the strategy's time, or at the time you give.

    Mine, or a published one that I follow: then in my own accounts. An admin may run a published one for
    `everybody` who takes part.
    """
    asked = body or RunBody()
    said = asked.model_dump(mode="json") if body else None
    answer = perform(here, lambda: _started(here, strategy_id, asked), key=key, body=said)
    for side, event in answer["events"].items():
        here.services.executions.start(LIFECYCLE, f"{answer['run_key']}-{side}", event)
    return StartedRun.model_validate(answer)


def _started(here: Here, strategy_id: str, asked: RunBody) -> Effect:
    what = _run(here, strategy_id, everybody=asked.everybody)
    must_not_be_halted(here, what.strategy.accounts)
    entry, leave = _times(here, what.strategy, asked.exit_time)
    number, counted = _counted(here, what, entry, leave)
    return Effect([counted, *what.checks], _answer(here, what, f"M{number}", entry, leave))


def _run(here: Here, strategy_id: str, *, everybody: bool) -> _Run:
    """Raises `NotFound`, `Forbidden`, or `Conflict` where it can't trade."""
    item = items.strategy(strategy_id)
    own = here.stores.catalog.get(here.user_id, item)
    if own is not None and not _is_draft(here, own):
        if everybody:
            raise Conflict("it trades in your own accounts alone: leave everybody out")
        return _own(here, own)
    published = here.stores.catalog.get(items.MARKETPLACE, item)
    if published is not None:
        return _published(here, published, everybody=everybody)
    if own is not None:
        raise Conflict("a basket for the marketplace trades for nobody until it is published: publish it")
    raise NotFound("you have no such strategy")


def _is_draft(here: Here, strategy: Document) -> bool:
    basket = here.stores.catalog.get(here.user_id, items.basket(str(strategy.get("basket_id", "")))) or {}
    return basket.get("kind") == BasketKind.MARKETPLACE


def _own(here: Here, document: Document) -> _Run:
    strategy = parse_strategy(document)
    if not strategy.enabled:
        raise Conflict("it is disabled: enable it first")
    if not strategy.accounts:
        raise Conflict("it names no broker account to trade in")
    accounts_stand(here, strategy.accounts)
    return _Run(here.user_id, strategy)


def _published(here: Here, document: Document, *, everybody: bool) -> _Run:
    strategy = parse_strategy(document)
    if everybody:
        here.must_be_admin()
    if not strategy.enabled:
        raise Conflict("it was withdrawn from the marketplace")
    standing = _stands(items.MARKETPLACE, items.strategy(strategy.strategy_id), document)
    if everybody:
        return _Run(items.MARKETPLACE, strategy, checks=(standing,))
    following = _following(here, document, strategy)
    return _Run(items.MARKETPLACE, strategy, only_for=here.user_id, checks=(standing, *following))


def _following(here: Here, document: Mapping[str, Any], strategy: Strategy) -> tuple[Change, ...]:
    """That the caller takes part: as its subscriber, or as the publisher with accounts of their own.

    Raises
    ------
    Conflict
        If they do not.
    """
    item = items.subscription(strategy.basket_id)
    subscription = here.stores.catalog.get(here.user_id, item)
    if subscription is not None and not subscription["paused"]:
        return (_stands(here.user_id, item, subscription),)
    if document.get("publisher") == here.user_id and strategy.accounts:
        return ()
    if subscription is not None:
        raise Conflict("your subscription is paused: resume it first")
    raise Conflict("none of your accounts takes part in it: subscribe first")


def _stands(owner: str, item: str, document: Mapping[str, Any]) -> Change:
    return Change(owner, item, None, version_of(document), only_check=True)


def _times(here: Here, strategy: Strategy, exit_time: time | None) -> tuple[datetime, datetime]:
    """Entry at this minute (or the next, where a short grace would be over), and the exit after it.

    Raises
    ------
    Conflict
        If the market is shut, or the exit's time is over.
    """
    now = here.now.astimezone(IST).replace(second=0, microsecond=0)
    entry = now if strategy.grace_seconds >= _SHORT_GRACE else now + timedelta(minutes=1)
    leave = datetime.combine(here.today, exit_time or strategy.exit_time, IST)
    session = _session(here, strategy)
    if session is None or here.now not in session:
        raise Conflict("the market is shut")
    if leave <= entry:
        raise Conflict(f"its exit time {leave:%H:%M} is over: give an exit_time")
    if leave not in session:
        raise Conflict(f"exit_time {leave:%H:%M} is outside the session")
    return entry, leave


def _session(here: Here, strategy: Strategy) -> Session | None:
    try:
        return TradingCalendar.load().session(here.today, strategy.exchange)
    except CalendarExhausted:
        return None


def _counted(here: Here, what: _Run, entry: datetime, leave: datetime) -> tuple[int, Change]:
    """The run's number, and the counter with it. A square-off finds there what still waits for its entry.

    Raises
    ------
    Conflict
        If this person has had all there are today.
    """
    item = items.manual_runs(what.strategy.strategy_id, here.today)
    before = here.stores.catalog.get(what.owner, item) or {}
    number, by = version_of(before or None) + 1, dict(before.get("by", {}))
    by[here.user_id] = int(by.get(here.user_id, 0)) + 1
    if by[here.user_id] > MOST_RUNS:
        raise Conflict(f"you ran it by hand {MOST_RUNS} times today, which is all there is")
    until = min(entry + timedelta(seconds=what.strategy.grace_seconds), leave)
    waiting = [
        one for one in before.get("waiting", ()) if datetime.fromisoformat(one["entry_until"]) >= here.now
    ]
    mine = {
        "run": f"M{number}",
        "only_for": what.only_for,
        "entry_until": until.isoformat(),
        "exit_at": leave.isoformat(),
    }
    fields = {"strategy_id": what.strategy.strategy_id, "by": by, "waiting": [*waiting, mine]}
    document = stored(fields, before=before or None, at=here.now)
    return number, Change(what.owner, item, document, version_of(before or None), expires_at=here.now + _KEPT)


def _answer(here: Here, what: _Run, run: str, entry: datetime, leave: datetime) -> dict[str, Any]:
    strategy = what.strategy
    key = run_key(strategy.strategy_id, here.today, run)
    event = {
        "user_id": what.owner,
        "basket_id": strategy.basket_id,
        "strategy_id": strategy.strategy_id,
        "entry_time": f"{entry:%H:%M}",
        "exit_time": f"{leave:%H:%M}",
        "weekdays": [Weekday.of(here.today).value],
        "dte": None,
        "scheduled_time": here.now.astimezone(IST).isoformat(),
        "run": run,
        **({"only_for": what.only_for} if what.only_for else {}),
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
