"""FindSignals: which indicator-based strategies enter now, and which positions their exit condition closes.

Asked each minute. A bar that closed within the last minute is looked at, each distinct series computed once
for all strategies. What is found is written down before it is started, and starts a run that is named by its
bar: the same bar can't start two, whoever asks twice. What is unknown, for want of bars, starts nothing.
"""

from __future__ import annotations

from pydantic import BaseModel

from brokers.clock import IST
from tasks.contracts import AccountTask, Slot
from tasks.domain.calendar import TradingCalendar
from tasks.domain.fields import Weekday
from tasks.domain.ids import run_key
from tasks.find_open_accounts import exit_task
from tasks.lambda_task import task
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.runtime import Runtime
from tasks.signals.scan import Scan, Signal, Waiting
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun

FUNCTION = Function(
    name="FindSignals",
    module="tasks.find_signals",
    timeout=50,
    http_timeout=HTTP_TIMEOUT,
    memory=1024,
    reads=(Table.CATALOG, Table.RUNS, Table.MARKET),
    writes=(Table.CATALOG, Table.MARKET),
    broker=True,
)

MAX_AT_ONCE = 100


class Input(BaseModel):
    """Nothing: it looks at the clock."""


class SignalEvent(Slot):
    """StrategyLifecycle's event, with the signal that made it."""

    user_id: str
    basket_id: str
    strategy_id: str
    transaction_type: str
    entry_time: str
    exit_time: str
    weekdays: list[str]
    dte: list[int]
    scheduled_time: str
    run: str
    signal: str


class StartedRun(Slot):
    """An execution of StrategyLifecycle to start under this name."""

    name: str
    event: SignalEvent


class Output(Slot):
    """`unknown` says which strategies could not be judged, and why; at most 20 of them."""

    runs: list[StartedRun]
    exits: list[AccountTask]
    looked_at: int
    series: int
    unknown: list[str]


def run(_request: Input, rt: Runtime) -> Output:
    now = rt.clock.now().astimezone(IST)
    session = TradingCalendar.load().session(now.date())
    if session is None or now not in session:
        return Output(runs=[], exits=[], looked_at=0, series=0, unknown=[])
    scan = Scan(rt, now, session)
    runs = [
        *(_entry(one, signal) for one, signal in scan.entries()),
        *(_timed_exit(plan) for plan in scan.timed_exits()),
    ]
    exits = [exit_task(plan) for plan in scan.signalled_exits()]
    if scan.unknown:
        rt.alarms.count("SignalsUnknown", account=scan.account)
    return Output(
        runs=runs[:MAX_AT_ONCE],
        exits=exits[:MAX_AT_ONCE],
        looked_at=len(scan.waiting),
        series=len(scan.book.computed),
        unknown=sorted(scan.unknown)[:20],
    )


def _entry(one: Waiting, signal: Signal) -> StartedRun:
    key = run_key(one.strategy.strategy_id, signal.closed.date(), signal.run)
    event = SignalEvent(
        user_id=one.owner,
        basket_id=one.strategy.basket_id,
        strategy_id=one.strategy.strategy_id,
        transaction_type="ENTRY",
        entry_time=f"{signal.closed:%H:%M}",
        exit_time=f"{one.strategy.exit_time:%H:%M}",
        weekdays=[day.value for day in one.strategy.weekdays],
        dte=list(one.strategy.dte),
        scheduled_time=signal.closed.isoformat(),
        run=signal.run,
        signal=signal.why,
    )
    return StartedRun(name=f"{key}-ENTRY", event=event)


def _timed_exit(plan: AccountRun) -> StartedRun:
    at = plan.exit_at.astimezone(IST)
    event = SignalEvent(
        user_id=plan.user_id,
        basket_id=plan.basket_id,
        strategy_id=plan.strategy_id,
        transaction_type="EXIT",
        entry_time=f"{at:%H:%M}",
        exit_time=f"{at:%H:%M}",
        weekdays=list(Weekday),
        dte=[],
        scheduled_time=at.isoformat(),
        run=plan.run_key.rpartition("-")[2],
        signal="exit_time",
    )
    return StartedRun(name=f"{plan.run_key}-EXIT", event=event)


handler = task(run, Input)
