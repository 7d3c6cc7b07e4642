"""One look at all strategies that wait for a signal, at one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from brokers.errors import BrokerError
from brokers.model import Bar, Instrument, Right
from tasks.domain import items
from tasks.domain.calendar import Session
from tasks.domain.errors import DomainError, StrikeNotListed
from tasks.domain.fields import Weekday
from tasks.domain.indicators import Indicators
from tasks.domain.quotes import quote_key
from tasks.domain.signals.book import SeriesBook
from tasks.domain.signals.conditions import AnyCondition
from tasks.domain.signals.evaluation import Verdict, evaluate
from tasks.domain.signals.operands import SeriesKey, Study, Subject
from tasks.domain.signals.studies import warm_up
from tasks.domain.signals.timeframes import closes_at, last_closed, resampled
from tasks.domain.strategy import Strategy
from tasks.instruments import ChainNotLoaded, chain, expiries, index_ids
from tasks.runtime import Runtime
from tasks.signals.entries import Today, run_of, signalled, todays, write
from tasks.signals.premium import Part, combined, parts_before_entry, parts_of_plan
from tasks.signals.sources import Bars
from tasks.signals.watched import watched
from tasks.stores.ports import AccountRun, Phase

FRESH = timedelta(minutes=1)
"""For which a bar is news. The scan runs each minute."""

EARLY = timedelta(minutes=2)
"""Before the exit's second, as schedules are: the run waits for it."""

KEPT = timedelta(days=7)
VIX_SYMBOL = "NSE:INDIA VIX"
FUTURE, PREMIUM = "FUTURE#", "PREMIUM#"


@dataclass(frozen=True, slots=True)
class Signal:
    """`run` is named by the bar that closed at `closed`."""

    run: str
    closed: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One strategy that waits, and what it has done today."""

    owner: str
    strategy: Strategy
    rules: Indicators
    today: Today

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
        self._parts: dict[str, Sequence[Part]] = {}

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
        return Bars(self.rt, self.account, self.session, self.now, needed=self._needed())

    def entries(self) -> Iterator[tuple[Waiting, Signal]]:
        """What enters now; also what another scan of this minute has found, which starts nothing twice."""
        for one in self.waiting:
            self._note_flat(one)
            closed = self._news(one)
            if closed is None or not self._in_window(one, closed):
                continue
            run = run_of(closed)
            before = one.today.fired(run)
            if before is not None:
                yield one, Signal(run, closed, str(before["why"]))
            elif one.today.why_not(one.rules, self.now) is None:
                verdict = self._judge(one, one.rules.entry, _before_entry(one))
                if verdict.holds and self._write(one, one.today.with_entry(run, at=self.now, why=verdict.why)):
                    yield one, Signal(run, closed, verdict.why)

    def signalled_exits(self) -> Iterator[AccountRun]:
        """Accounts of runs whose exit condition holds."""
        for one in self.waiting:
            if one.rules.exit is None or self._news(one) is None:
                continue
            for plan in one.today.open_plans:
                if plan.phase in (Phase.ENTERING, Phase.OPEN):
                    self._parts[plan.run_key] = parts_of_plan(plan)
                    if self._judge(one, one.rules.exit, f"{PREMIUM}{plan.run_key}").holds:
                        yield plan

    def timed_exits(self) -> Iterator[AccountRun]:
        """One account of each run that signals have opened and time closes, whatever became of its strategy."""
        due = [
            plan
            for plan in self.plans
            if signalled(plan.run_key)
            and plan.phase is not Phase.FLAT
            and self.now < plan.exit_at <= self.now + EARLY
        ]
        yield from {plan.run_key: plan for plan in due}.values()

    def _waiting(self) -> list[Waiting]:
        here = [
            (owner, strategy)
            for owner, strategy in watched(self.rt)
            if Weekday.of(self.day) in strategy.weekdays
        ]
        keys = [(owner, strategy.strategy_id) for owner, strategy in here]
        today = todays(self.rt, keys, self.day, self.plans)
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

    def _note_flat(self, one: Waiting) -> None:
        """The pause between two entries begins when the first is found flat."""
        document = one.today.seen_flat(self.now)
        if document is not None and self._write(one, document):
            one.today.document = document

    def _write(self, one: Waiting, document: dict[str, Any]) -> bool:
        """False if another scan of the same minute was faster: it starts what it has found."""
        return write(self.rt, one.key, one.today, document, expires=self.session.closes + KEPT)

    def _judge(self, one: Waiting, condition: AnyCondition, premium: str) -> Verdict:
        def symbol_of(key: SeriesKey) -> str:
            return _symbol(key, one.strategy, premium)

        look = self.book.look(symbol_of, lambda minutes: last_closed(self.now, minutes, self.session))
        verdict = evaluate(condition, look, timeframe=one.rules.timeframe)
        if verdict.holds is None:
            self.unknown.add(f"{one.strategy.strategy_id}: {verdict.why}")
        return verdict

    def _find(self, symbol: str, timeframe: int) -> Sequence[Bar]:
        """Of what brokers quote, of `FUTURE#NIFTY`, or of `PREMIUM#…`. None where they can't be had now."""
        try:
            if symbol.startswith(PREMIUM):
                minutes = combined(self._legs(symbol), lambda leg: self.bars.find(leg, 1))
                return resampled(minutes, timeframe, self.session, now=self.now)
            found = self.bars.find(self._quoted(symbol), timeframe)
        except (BrokerError, DomainError, ChainNotLoaded) as error:
            self.unknown.add(f"{symbol}: {error}")
            return []
        self.unknown.update(self.bars.troubles)
        return found

    def _quoted(self, symbol: str) -> str:
        """The symbol under which brokers quote it, with its number known."""
        if symbol.startswith(FUTURE):
            contract = self._future(symbol.removeprefix(FUTURE))
            key = quote_key(contract)
            self.bars.ids[key] = contract.id
            self.bars.needed[key] = self.bars.needed.get(symbol, {})
            return key
        if symbol not in self.bars.ids:
            self.bars.ids.update(index_ids(self.rt, self.account, self.day))
        return symbol

    def _future(self, underlying: str) -> Instrument:
        """The future that expires next."""
        for expiry in expiries(self.rt, self.account, underlying, self.day):
            contract = chain(self.rt, underlying, expiry).contract(Right.FUT)
            if contract is not None:
                return contract
        raise StrikeNotListed(f"no future of {underlying} is listed")

    def _legs(self, symbol: str) -> Sequence[Part]:
        name = symbol.removeprefix(PREMIUM)
        if name not in self._parts:
            one = next(one for one in self.waiting if _before_entry(one) == symbol)
            self._parts[name] = parts_before_entry(one.owner, one.strategy, self.account, self.day, self.rt)
        self.bars.ids.update({part.symbol: part.instrument for part in self._parts[name]})
        return self._parts[name]

    def _needed(self) -> dict[str, dict[int, int]]:
        """How many bars of the days before the series of all conditions need, by symbol and timeframe."""
        found: dict[str, dict[int, int]] = defaultdict(dict)
        for one in self.waiting:
            for operand in one.rules.operands:
                key = operand.key(one.rules.timeframe)
                of = found[_symbol(key, one.strategy, PREMIUM)]
                of[key.timeframe] = max(of.get(key.timeframe, 0), warm_up(key) + operand.shift + 2)
        return dict(found)


def _before_entry(one: Waiting) -> str:
    return f"{PREMIUM}{one.owner}#{one.strategy.strategy_id}"


def _symbol(key: SeriesKey, strategy: Strategy, premium: str) -> str:
    if key.study is Study.VIX:
        return VIX_SYMBOL
    match key.on:
        case Subject.UNDERLYING:
            return strategy.index.spot_symbol
        case Subject.FUTURE:
            return f"{FUTURE}{strategy.underlying}"
        case Subject.PREMIUM:
            return premium
