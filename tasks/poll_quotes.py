"""PollOnce: while the feed is blind, ask for the quotes of what has a stop, and watch those.

The feed's own row in `market` says whether it sees. A row that stands still says the same as BLIND: nobody is
there to write it. What it asks for is what the watchers would see as ticks, and what follows is the same, under
the same names: a feed that comes back in the middle does nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from brokers.clock import IST
from brokers.errors import BrokerError, RateLimited
from brokers.model import Exchange, Quote, Tick
from tasks.contracts import Slot
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.feed.following import feeding_account, open_runs
from tasks.feed.sight import Sight
from tasks.feed.watchers import watchers
from tasks.feed.watching import Watcher
from tasks.lambda_task import task
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(
    name="PollOnce",
    module="tasks.poll_quotes",
    timeout=20,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.RUNS, Table.MARKET, Table.CATALOG, Table.POSITIONS, Table.ORDERS),
    writes=(Table.MARKET,),
    broker=True,
    starts=("AccountBasket",),
)

SEES_NOTHING = (Sight.UNSURE, Sight.BLIND)

STANDS_STILL = timedelta(seconds=10)
"""After which the feed's row is nobody's. It is written every two seconds."""

PACE = 1.0
"""Seconds between two quote calls of one account: Kite's limit, shared with FetchChain."""

MAX_SYMBOLS = 500


class Input(BaseModel):
    """`looks` counts from 1 within one execution."""

    looks: int


class Output(Slot):
    """`again`: look once more in a few seconds. `polled` counts quotes, `began` actions."""

    looks: int
    again: bool
    blind: bool
    polled: int
    began: int
    reason: str


LOOKS = 17
"""In one execution, three seconds apart: the next minute's takes over."""


def run(request: Input, rt: Runtime) -> Output:
    return look(request, rt, watchers())


def look(request: Input, rt: Runtime, watching: Sequence[Watcher]) -> Output:
    """One look, with these watchers, which know nothing yet."""
    now = rt.clock.now()
    account = feeding_account(rt.stores.market)
    runs = open_runs(rt, now) if account and _open(now) else ()
    if not runs:
        return _output(request, reason="nothing is open, the market is shut, or no feed was ever started")
    state = rt.stores.feeds.get(account) or {}
    blind, reason = _blind(state, now)
    if not blind:
        return _output(request, reason=reason)
    for watcher in watching:
        watcher.follow(rt, runs)
    symbols = sorted({symbol for watcher in watching for symbol in watcher.symbols()})[:MAX_SYMBOLS]
    if not symbols:
        return _output(request, blind=True, reason=f"{reason}; and nothing is watched")
    if request.looks == 1 and state.get("state") not in SEES_NOTHING:
        # A clock that jumps leaves the row behind for a moment, and a feed may just be changing hands.
        return _output(request, again=True, blind=True, reason=f"{reason}: one more look")
    if state.get("state") not in SEES_NOTHING:
        rt.alarms.count("FeedBlind", account=account)  # nobody else is there to say it
    accounts = [account, *sorted({run.account for run in runs} - {account})]
    quotes = _ask(accounts, symbols, now, rt)
    ticks = [_tick(symbol, quote, now) for symbol, quote in quotes.items()]
    for tick in ticks:
        rt.stores.quotes.put(tick)
    began = sum(_act(watcher, tick, rt) for tick in ticks for watcher in watching)
    return _output(request, again=True, blind=True, polled=len(ticks), began=began, reason=reason)


def _ask(accounts: list[str], symbols: list[str], now: datetime, rt: Runtime) -> Mapping[str, Quote]:
    """From the first account that answers: the one that feeds, or one that has something open.

    Raises
    ------
    BrokerError
        If none does; the state machine looks again.
    """
    error: BrokerError = RateLimited("every account has asked for quotes within this second")
    for account in accounts:
        turn = f"poll {now.isoformat()}"
        if not rt.stores.market.acquire(f"QUOTES#{account}", "TURN", holder=turn, now=now, seconds=PACE):
            continue
        try:
            return rt.brokers.reader(account).quotes(symbols)
        except BrokerError as refused:
            error = refused
    raise error


def _act(watcher: Watcher, tick: Tick, rt: Runtime) -> int:
    actions = watcher.on_tick(tick)
    for action in actions:
        action.perform(rt)
    return len(actions)


def _tick(symbol: str, quote: Quote, now: datetime) -> Tick:
    """A quote call tells the newest there is, at this moment."""
    return Tick(symbol, quote.last, quote.bid, quote.ask, 0, max(quote.at, now.replace(microsecond=0)), now)


def _blind(state: dict[str, Any], now: datetime) -> tuple[bool, str]:
    if not state:
        return True, "the feed has not spoken yet"
    age = now - datetime.fromisoformat(state["at"]).astimezone(IST)
    if age > STANDS_STILL:
        return True, f"the feed has said nothing for {age.total_seconds():.0f} s"
    if state["state"] in SEES_NOTHING:
        return True, f"the feed hears nothing: {state.get('reason') or 'no fresh tick came'}"
    return False, f"the feed says {state['state']}"


def _open(now: datetime) -> bool:
    try:
        session = TradingCalendar.load().session(now.date(), Exchange.NFO)
    except CalendarExhausted:
        return False
    return session is not None and now in session


def _output(
    request: Input, *, reason: str, again: bool = False, blind: bool = False, polled: int = 0, began: int = 0
) -> Output:
    return Output(
        looks=request.looks + 1,
        again=again and request.looks < LOOKS,
        blind=blind,
        polled=polled,
        began=began,
        reason=reason,
    )


handler = task(run, Input)
