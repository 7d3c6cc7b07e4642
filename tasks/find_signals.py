"""FindSignals: which indicator-based strategies enter now, and which positions their exit condition closes.

Asked each minute. A bar that closed within the last minute is looked at, each distinct series computed once for
all strategies. What is found is written down before it is started, and starts a run that is named by its bar: the
same bar can't start two, whoever asks twice. What is unknown, for want of bars, starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from pydantic import BaseModel

from brokers.clock import IST
from brokers.errors import BrokerError
from brokers.model import Bar, Exchange, InstrumentId, Right
from tasks.contracts import AccountTask, Slot
from tasks.domain import items
from tasks.domain.calendar import Session, TradingCalendar
from tasks.domain.errors import DomainError
from tasks.domain.fields import Weekday
from tasks.domain.ids import run_key
from tasks.domain.indicators import Indicators
from tasks.domain.signals.book import SeriesBook
from tasks.domain.signals.conditions import AnyCondition
from tasks.domain.signals.evaluation import Verdict, evaluate
from tasks.domain.signals.operands import SeriesKey, Study, Subject
from tasks.domain.signals.studies import warm_up
from tasks.domain.signals.timeframes import closes_at, last_closed, resampled
from tasks.domain.strategy import Strategy
from tasks.find_open_accounts import exit_task
from tasks.instruments import chain, expiries, index_ids
from tasks.lambda_task import task
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.runtime import Runtime
from tasks.signals import entries, premium
from tasks.signals.sources import Bars
from tasks.signals.watched import watched
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, Phase

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

FRESH = timedelta(minutes=1)
"""For which a bar is news. The scan runs each minute."""

EARLY = timedelta(minutes=2)
"""Before the exit's second, as schedules are: the run waits for it."""

VIX_SYMBOL = "NSE:INDIA VIX"
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
    found = [*scan.entries(), *scan.timed_exits()]
    exits = list(scan.signalled_exits())
    if scan.unknown:
        rt.alarms.count("SignalsUnknown", account=scan.account)
    return Output(
        runs=found[:MAX_AT_ONCE],
        exits=exits[:MAX_AT_ONCE],
        looked_at=len(scan.waiting),
        series=len(scan.book.computed),
        unknown=sorted(scan.unknown)[:20],
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """One strategy that waits, and what it has done today."""

    owner: str
    strategy: Strategy
    rules: Indicators
    today: entries.Today

    @property
    def key(self) -> tuple[str, str]:
        return self.owner, self.strategy.strategy_id


class Scan:
    """One look at all strategies, at one moment."""

    def __init__(self, rt: Runtime, now: datetime, session: Session) -> None:
        self.rt, self.now, self.session = rt, now, session
        self.unknown: set[str] = set()
        self.plans = rt.stores.runs.accounts_of_day(self.day)
        self.waiting = self._waiting()
        self.book = SeriesBook(self._find)
        self._parts: dict[str, list[premium.Part]] = {}

    @property
    def day(self) -> date:
        return self.session.opens.date()

    @cached_property
    def account(self) -> str:
        """Whose session is asked for history and prices."""
        settings = self.rt.stores.catalog.get(items.PLATFORM, items.SETTINGS) or {}
        accounts = (account for one in self.waiting for account in one.strategy.accounts)
        return str(settings.get("data_account") or next(accounts, ""))

    @cached_property
    def bars(self) -> Bars:
        return Bars(self.rt, self.account, self.session, self.now, self._ids(), self._needed())

    def entries(self) -> Iterator[StartedRun]:
        for one in self.waiting:
            self._note_flat(one)
            closed = self._news(one)
            if closed is None or not self._in_window(one, closed):
                continue
            run = entries.run_of(closed)
            before = one.today.fired(run)
            if before is not None:
                yield self._entry(one, run, closed, str(before["why"]))
                continue
            if one.today.why_not(one.rules, self.now) is not None:
                continue
            verdict = self._judge(one, one.rules.entry, f"PREMIUM#{one.owner}#{one.strategy.strategy_id}")
            if verdict.holds and self._write(one, run, verdict.why):
                yield self._entry(one, run, closed, verdict.why)

    def signalled_exits(self) -> Iterator[AccountTask]:
        for one in self.waiting:
            if one.rules.exit is None or self._news(one) is None:
                continue
            for plan in one.today.open_plans:
                if plan.phase in (Phase.ENTERING, Phase.OPEN):
                    verdict = self._judge(one, one.rules.exit, f"PREMIUM#{plan.run_key}")
                    if verdict.holds:
                        yield exit_task(plan)

    def timed_exits(self) -> Iterator[StartedRun]:
        """Of what signals have opened, whatever became of its strategy since."""
        due = [
            plan
            for plan in self.plans
            if entries.signalled(plan.run_key)
            and plan.phase is not Phase.FLAT
            and self.now < plan.exit_at <= self.now + EARLY
        ]
        for plan in {plan.run_key: plan for plan in due}.values():
            yield self._timed_exit(plan)

    def _waiting(self) -> list[Waiting]:
        here = [
            (owner, strategy)
            for owner, strategy in watched(self.rt)
            if Weekday.of(self.day) in strategy.weekdays
        ]
        keys = [(owner, strategy.strategy_id) for owner, strategy in here]
        today = entries.todays(self.rt, keys, self.day, self.plans)
        return [
            Waiting(owner, strategy, strategy.indicators, today[owner, strategy.strategy_id])
            for owner, strategy in here
            if strategy.indicators is not None
        ]

    def _news(self, one: Waiting) -> datetime | None:
        """When the bar closed that is to be looked at now; None if none has, or it was looked at."""
        start = last_closed(self.now, one.rules.timeframe, self.session)
        closed = None if start is None else closes_at(start, one.rules.timeframe, self.session)
        return closed if closed is not None and self.now - closed < FRESH else None

    def _in_window(self, one: Waiting, closed: datetime) -> bool:
        last = one.rules.last_entry or one.strategy.exit_time
        at = closed.timetz().replace(tzinfo=None)
        return one.strategy.entry_time <= at <= last and at < one.strategy.exit_time

    def _judge(self, one: Waiting, condition: AnyCondition, premium_name: str) -> Verdict:
        def symbol_of(key: SeriesKey) -> str:
            if key.study is Study.VIX:
                return VIX_SYMBOL
            if key.on is Subject.PREMIUM:
                return premium_name
            return one.strategy.index.spot_symbol if key.on is Subject.UNDERLYING else f"FUTURE#{name}"

        name = one.strategy.underlying
        look = self.book.look(symbol_of, lambda minutes: last_closed(self.now, minutes, self.session))
        verdict = evaluate(condition, look, timeframe=one.rules.timeframe)
        if verdict.holds is None:
            self.unknown.add(f"{one.strategy.strategy_id}: {verdict.why}")
        return verdict

    def _find(self, symbol: str, timeframe: int) -> list[Bar]:
        """Of a contract or index, of `FUTURE#NIFTY`, or of `PREMIUM#…`."""
        kind, _, rest = symbol.partition("#")
        try:
            if kind == "PREMIUM":
                return self._premium(rest, timeframe)
            return list(self.bars.find(self._future(rest) if kind == "FUTURE" else symbol, timeframe))
        except (BrokerError, DomainError) as error:
            self.unknown.add(f"{symbol}: {error}")
            return []
