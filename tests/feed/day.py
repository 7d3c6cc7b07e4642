"""A day of the feed on simulated time: killed every minute, silent for five, and every stop still in time.

    python -m tests.feed.day [--seed 7] [--minutes 385]

Prices are the simulator's, a second at a time. Two instances share the lease; each minute the one that leads is
gone without a word, and comes back some seconds later as one that waits. PollQuotes is run as its machine runs
it. The oracle knows every price. A stop is owed from the first second in which its level was reached and a feed
heard it, or from which the price stayed there for five seconds, whether anybody heard it or not. What was
touched for less while nobody heard is counted apart: for that there is the stop order that rests at the broker.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from brokers.clock import IST, FixedClock
from brokers.errors import RateLimited
from brokers.model import Exchange, InstrumentId, Quote, Tick
from brokers.simulator.instruments import Contract
from brokers.simulator.market import Market
from brokers.simulator.underlyings import underlyings
from brokers.simulator.world import World as Exchanges
from brokers.simulator.world import build_world
from tasks import poll_quotes
from tasks.feed.following import Following
from tasks.feed.keeping import Keeper
from tasks.feed.leading import Leading
from tasks.feed.service import Feed
from tasks.feed.session import Session
from tasks.feed.watching import Action
from tasks.runtime import Runtime
from tasks.stores.feed_dynamodb import feed_name
from tasks.stores.ports import AccountRun, Phase
from tests.feed.fixed import FixedLevels, a_run, lifted
from tests.tasks.world import ACCOUNT, World, strategy

OPENS = datetime(2026, 11, 23, 9, 15, tzinfo=IST)
STEP = 0.25
"""Seconds of simulated time in one turn."""

DEAD_FOR = 5.0
"""Until an instance that was killed is there again."""

SILENT_FOR = 5 * 60
"""Seconds for which the connection stands and nothing comes."""

DEAF_AFTER = 3.0
"""Seconds until the stream (`brokers.zerodha.ticker`) replaces a connection on which nothing comes."""

OWED = timedelta(seconds=5)
INDEX = "NSE:NIFTY BANK"
STOPS = 40


@dataclass(slots=True)
class Stop:
    """One run with a stop on one contract, and what became of it."""

    contract: Contract
    level: Decimal
    run: AccountRun
    reached: datetime | None = None
    begun: datetime | None = None
    starts: int = 0


@dataclass
class Line:
    """A stream, as the feed sees one: a second after it was opened it brings what stands."""

    day: Day
    feed: Feed | None = None
    wanted: Mapping[str, InstrumentId] = field(default_factory=dict)
    open: bool = False

    def connect(self) -> None:
        self.open = True

    def follow(self, wanted: Mapping[str, InstrumentId]) -> None:
        self.wanted = dict(wanted)

    def close(self) -> None:
        self.open = False


@dataclass
class Prompt:
    """Does actions in the same thread: `Doer` without its own, failing as the chance has it."""

    day: Day
    rt: Runtime
    waiting: dict[str, Action] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    busy: int = 0

    def do(self, action: Action) -> None:
        if action.name not in self.done:
            self.waiting.setdefault(action.name, action)

    def round(self) -> None:
        for name, action in list(self.waiting.items()):
            if self.day.chance.random() < 0.1:
                continue  # Step Functions throttles
            action.perform(self.rt)
            self.done.add(name)
            del self.waiting[name]

    def stop(self) -> None:
        """Nothing to end."""


@dataclass
class Day:
    """Everything."""

    seed: int
    minutes: int
    polls_quotes: bool = True
    world: World = field(init=False)
    exchanges: Exchanges = field(init=False)
    stops: list[Stop] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    polls: list[tuple[float, int]] = field(default_factory=list)
    chance: random.Random = field(init=False)
    seconds: float = 0.0
    kills: int = 0
    polled: int = 0
    blind_for: float = 0.0
    silent_from: int = 0
    heard: set[int] = field(default_factory=set)
    touched_unheard: int = 0
    executions: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.world = World.at(OPENS)
        self.exchanges = build_world(FixedClock(OPENS), [], seed=self.seed)
        self.world.stores.catalog.put("user-1", "STRATEGY#straddle", strategy())
        self.silent_from = self._most_telling_silence()
        self._choose_stops()

    @property
    def market(self) -> Market:
        return self.exchanges.market

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    @property
    def levels(self) -> dict[str, Decimal]:
        return {stop.contract.key: stop.level for stop in self.stops}

    # What the feeds are made of

    def feed(self, holder: str) -> tuple[Feed, Prompt]:
        rt = lifted(self.world.rt, self)
        leading = Leading(rt.stores.leases, feed_name(ACCOUNT), holder, self.world.clock, self.stopwatch)
        prompt = Prompt(self, rt)
        line = Line(self)
        feed = Feed(
            account=ACCOUNT,
            rt=rt,
            leading=leading,
            session=Session(lambda: {"broker": "zerodha", "access_token": "t"}, lambda _: line, self.stopwatch),
            watchers=(FixedLevels(self.levels),),
            tell_order=lambda _: None,
            stopwatch=self.stopwatch,
            keeper=Keeper(rt, ACCOUNT, lambda: leading.fence, self.stopwatch),
            doer=prompt,  # type: ignore[arg-type]
            following=Following(rt, ACCOUNT, self.stopwatch),
        )
        line.feed = feed
        self.lines.append(line)
        return feed, prompt

    def stopwatch(self) -> float:
        return self.seconds

    def start(self, machine: str, name: str, document: dict[str, object]) -> tuple[str, str]:
        """Step Functions: a name that is there is not started again."""
        if machine == "PollQuotes":
            self.polls.append((self.seconds + self.chance.uniform(0.2, 1.2), 1))  # a cold start
            return name, "STARTED"
        stop = next(stop for stop in self.stops if name == f"{stop.run.run_key}-{ACCOUNT}-EXIT")
        stop.starts += 1
        if name in self.executions:
            return name, "RUNNING"
        self.executions[name] = stop.begun = self.now
        return name, "STARTED"

    def arn(self, machine: str, name: str) -> str:
        return f"{machine}:{name}"

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """The broker answers from anywhere, whatever its stream does."""
        known = {stop.contract.key: stop.contract for stop in self.stops}
        return {
            symbol: Quote(symbol, self.market.last(known[symbol], self.now), None, None, self.now)
            for symbol in symbols
            if symbol in known
        }

    # How time passes

    def play(self) -> None:
        instances: list[tuple[Feed, Prompt] | None] = [self.feed("feed-0"), self.feed("feed-1")]
        back_at = [0.0, 0.0]
        kill_at = self.chance.uniform(5, 60)
        turns = int(self.minutes * 60 / STEP)
        second = -1
        for turn in range(turns):
            self.seconds = turn * STEP
            self.world.clock.at = OPENS + timedelta(seconds=self.seconds)
            for n in (0, 1):
                if instances[n] is None and self.seconds >= back_at[n]:
                    instances[n] = self.feed(f"feed-{n}-{turn}")
            if self.seconds >= kill_at:
                kill_at = (self.seconds // 60 + 1) * 60 + self.chance.uniform(0, 60)
                leader = next((n for n in (0, 1) if (one := instances[n]) and one[0].leading.leads), None)
                if leader is not None:
                    self._kill(instances, leader)
                    back_at[leader] = self.seconds + DEAD_FOR
            for one in instances:
                if one is not None:
                    self._round(one, turn)
            if int(self.seconds) != second:
                second = int(self.seconds)
                self._tick()
                if second % 60 == 0:
                    self.polls.append((self.seconds, 1))  # the timetable
            self._poll()
            self._close_what_was_begun()
            alive = [one[0] for one in instances if one is not None]
            assert sum(feed.leading.leads for feed in alive) <= 1, "two feeds act at once"

    def _kill(self, instances: list[tuple[Feed, Prompt] | None], n: int) -> None:
        """As `kill -9`: what it knew is gone, and the broker cuts its connection."""
        one = instances[n]
        assert one is not None
        for line in self.lines:
            if line.feed is one[0]:
                line.close()
        instances[n] = None
        self.kills += 1

    def _round(self, one: tuple[Feed, Prompt], turn: int) -> None:
        feed, prompt = one
        if turn % 2 == 0:
            feed.beat()
        feed.tend()
        if turn % 8 == 0:
            feed.follow()
        if turn % 4 == 0:
            feed.keep()
        prompt.round()

    def _tick(self) -> None:
        if self.silent_from <= self.seconds < self.silent_from + SILENT_FOR:
            self.blind_for += 1
            return
        for line in self.lines:
            if line.open and line.feed is not None:
                if line.feed.leading.leads:
                    self.heard.add(int(self.seconds))
                line.feed.on_ticks([self._tick_of(symbol) for symbol in line.wanted])
        self.lines = [line for line in self.lines if line.open or line.feed is not None][-8:]

    def _tick_of(self, symbol: str) -> Tick:
        at = self.now.replace(microsecond=0)
        if symbol == INDEX:
            last = self.market.index_price(underlyings()["BANKNIFTY"].index, at)
        else:
            last = self.market.last(self._by_key[symbol], at)
        return Tick(symbol, last, None, None, 0, at, self.now + timedelta(milliseconds=150))

    def _poll(self) -> None:
        """PollQuotes' machine: look, wait three seconds, look again."""
        due, self.polls = (
            [p for p in self.polls if p[0] <= self.seconds],
            [p for p in self.polls if p[0] > self.seconds],
        )
        rt = lifted(replace(self.world.rt, brokers=self), self)  # type: ignore[arg-type]
        if not self.polls_quotes:
            return
        for _, looks in due:
            try:
                output = poll_quotes.look(poll_quotes.Input(looks=looks), rt, [FixedLevels(self.levels)])
            except RateLimited:  # somebody else asks in this second: the machine's Retry
                self.polls.append((self.seconds + 3.0, looks))
                continue
            self.polled += output.polled > 0
            if output.again:
                self.polls.append((self.seconds + 3.0, output.looks))

    def reader(self, account: str) -> Day:
        return self

    def _close_what_was_begun(self) -> None:
        for stop in self.stops:
            if stop.begun is not None and self.now - stop.begun > timedelta(seconds=2):
                self.world.stores.runs.set_phase(stop.run.run_key, ACCOUNT, Phase.FLAT)

    # Stops and what is owed

    def _choose_stops(self) -> None:
        listed = [
            c for c in self.exchanges.listing(OPENS).contracts if c.underlying == "BANKNIFTY" and c.is_option
        ]
        first = min(c.expiry for c in listed)
        spot = self.market.walk.spot("BANKNIFTY", OPENS)
        near = sorted((c for c in listed if c.expiry == first), key=lambda c: abs(float(c.strike) - spot))
        self._by_key = {c.key: c for c in near[:STOPS]}
        for n, contract in enumerate(near[:STOPS]):
            level = self._level(contract, in_silence=n % 2 == 0)
            run = a_run(f"s{n}", ACCOUNT)
            leg = run.legs[0].model_copy(
                update={
                    "symbol": contract.symbol,
                    "exchange": Exchange(contract.exchange),
                    "exchange_token": str(contract.exchange_token),
                }
            )
            run = run.model_copy(update={"legs": (leg,)})
            self.world.stores.runs.plan_account(run)
            self.stops.append(Stop(contract, level, run))

    def _most_telling_silence(self) -> int:
        """Seconds after the opening: where the index goes furthest beyond all before, and stops are reached."""
        end = timedelta(seconds=60 * self.minutes)
        spots = self.market.walk.spots("BANKNIFTY", OPENS, OPENS + end)

        def beyond(start: int) -> float:
            before, during = spots[:start], spots[start + 30 : start + SILENT_FOR - 30]
            return max(max(during) - max(before), min(before) - min(during))

        return max(range(120, 60 * self.minutes - SILENT_FOR, 60), key=beyond)

    def _level(self, contract: Contract, *, in_silence: bool) -> Decimal:
        """One that may be reached some time of the day; every other one first in the silence, if it can be."""
        if in_silence:
            before = self._highest(contract, 0, self.silent_from)
            silent = self._highest(contract, self.silent_from + 30, self.silent_from + SILENT_FOR - 30)
            if silent > before:
                return silent
        somewhen = OPENS + timedelta(seconds=self.chance.uniform(60, 60 * self.minutes - 60))
        return max(self._on_tick(contract, 1.05), self.market.last(contract, somewhen) + contract.tick)

    def _on_tick(self, contract: Contract, factor: float) -> Decimal:
        """So many times the opening price."""
        return self.market.last(contract, OPENS) * Decimal(factor) // contract.tick * contract.tick

    def _highest(self, contract: Contract, start: int, end: int) -> Decimal:
        return max(self.market.last(contract, OPENS + timedelta(seconds=n)) for n in range(start, end))

    def judge(self) -> list[str]:
        """What is wrong, in words; empty if nothing is."""
        wrong: list[str] = []
        # A feed must be there first, and what is reached in the last seconds has no time left.
        first, last = 5, self.minutes * 60 - int(OWED.total_seconds()) - 1
        for stop in self.stops:
            stop.reached = self._owed(stop, first, last)
            name = f"{stop.contract.symbol} at {stop.level}"
            if stop.reached is not None and stop.begun is None:
                wrong.append(f"{name}: reached at {stop.reached:%H:%M:%S} and missed")
            elif stop.reached is not None and stop.begun is not None and stop.begun - stop.reached > OWED:
                late = (stop.begun - stop.reached).total_seconds()
                wrong.append(f"{name}: reached at {stop.reached:%H:%M:%S}, begun {late:.1f} s later")
            if stop.begun is not None and not self._touched(stop, stop.begun):
                wrong.append(f"{name}: not reached, and begun at {stop.begun:%H:%M:%S}")
        if len(self.executions) != sum(stop.begun is not None for stop in self.stops):
            wrong.append("an exit was begun twice")
        return wrong

    def _owed(self, stop: Stop, first: int, last: int) -> datetime | None:
        since: int | None = None
        for n in range(first, last):
            at = OPENS + timedelta(seconds=n)
            if self.market.last(stop.contract, at) < stop.level:
                self.touched_unheard += since is not None
                since = None
                continue
            since = n if since is None else since
            if n in self.heard or n - since >= OWED.total_seconds():
                return at if n in self.heard else OPENS + timedelta(seconds=since)
        return None

    def _touched(self, stop: Stop, begun: datetime) -> bool:
        """The level was reached in the seconds before, whether heard as a tick or polled."""
        return any(
            self.market.last(stop.contract, begun - timedelta(seconds=n)) >= stop.level for n in range(8)
        )

    def delays(self) -> list[float]:
        """Seconds from the level to the exit, of the stops that were reached."""
        both = ((stop.begun, stop.reached) for stop in self.stops)
        return sorted(max((b - r).total_seconds(), 0.0) for b, r in both if b and r)


def play(seed: int, minutes: int, *, polls_quotes: bool = True) -> tuple[Day, list[str]]:
    """One day, and what is wrong with it."""
    day = Day(seed, minutes, polls_quotes)
    day.play()
    return day, day.judge()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.feed.day", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=1, help="so many seeds, from --seed on")
    parser.add_argument("--minutes", type=int, default=385, help="of the session")
    options = parser.parse_args(arguments)
    bad = 0
    for seed in range(options.seed, options.seed + options.days):
        began = time.perf_counter()
        day, wrong = play(seed, options.minutes)
        delays = day.delays()
        slowest = f"{delays[-1]:.2f}" if delays else "-"
        half = f"{delays[len(delays) // 2]:.2f}" if delays else "-"
        print(
            f"seed {seed}: {options.minutes} minutes, the feed killed {day.kills} times, silent for "
            f"{day.blind_for:.0f} s, {day.polled} polls; {len(delays)} of {len(day.stops)} stops reached, "
            f"{day.touched_unheard} touched while nobody heard, "
            f"exit begun after {half} s (median), {slowest} s (longest); "
            f"{len(day.executions)} executions from {sum(stop.starts for stop in day.stops)} starts; "
            f"{time.perf_counter() - began:.0f} s"
        )
        for line in wrong:
            print(f"  WRONG {line}")
        bad += bool(wrong)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
