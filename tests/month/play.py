"""Play the days of a month, and compare the lake with the exchange's books before and after compaction."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tasks import compact_partition, find_small_files, record_events
from tasks.domain.calendar import TradingCalendar
from tasks.lake.reading import open_lake
from tasks.lake.schemas import KINDS
from tasks.runtime import Runtime
from tests.events.streams import Tables, a_runtime
from tests.month.day import Day
from tests.month.desk import Desk, weekdays
from tests.month.ledger import Books, differences, of_lake
from tests.month.pipeline import Pipeline

FIRST = date(2026, 11, 2)
STREAM_BATCH = 100
POISON = '{"type": "OrderTeleported", "version": 1}'
_EVENTS = tuple(kind.name for kind in KINDS.values() if kind.base)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a month. `kills` are the writer's, spread over all of it."""

    days: int = 22
    users: int = 20
    strategies: int = 60
    seed: int = 7
    kills: int = 20
    first: date = FIRST


@dataclass(frozen=True, slots=True)
class Look:
    """The lake at one moment. `wrong` says in words where it is not what the exchange has."""

    wrong: list[str]
    events: int
    """Each once."""
    rows: int
    """Of events in the files, copies and all."""
    updates: int
    files: int
    bytes: int


@dataclass(slots=True)
class Played:
    """What came of it."""

    size: Size
    traded_on: list[date] = field(default_factory=list)
    shut_on: list[date] = field(default_factory=list)
    books: Books = field(default_factory=Books)
    trades: int = 0
    recorded: int = 0
    """Events in the journal."""
    updates: int = 0
    """Words of brokers, each once."""
    lambdas_killed: int = 0
    replies_lost: int = 0
    writer_killed: int = 0
    messages: int = 0
    open_positions: list[str] = field(default_factory=list)
    poison: list[tuple[str, str]] = field(default_factory=list)
    before: Look | None = None
    after: Look | None = None
    """Before and after compaction."""
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))


class Month:
    """Days, one after the other, and the journal that they share."""

    def __init__(self, size: Size, pipeline: Pipeline, say: Callable[[str], None]) -> None:
        self.size, self.pipeline, self._say = size, pipeline, say
        self.desk = Desk.of(size.users, size.strategies, size.seed)
        self.played = Played(size)
        self._journal = a_runtime().stores
        self._said: set[str] = set()
        pipeline.twice = True

    def play(self) -> Played:
        self._introduce()
        calendar = TradingCalendar.load()
        for number, day in enumerate(weekdays(self.size.first)):
            if len(self.played.traded_on) == self.size.days:
                break
            open_ = calendar.session(day.date()) is not None
            (self.played.traded_on if open_ else self.played.shut_on).append(day.date())
            self._day(Day(self.desk, day, self.size.seed * 1000 + number, self._changed, self._told))
        self._finish()
        return self.played

    # --- a day ---

    def _introduce(self) -> None:
        """Everybody's profile, account and strategies: the catalog's events. And a word that nobody knows."""
        tables = Tables()
        records = []
        for person in self.desk.people:
            profile = {"name": person.name, "email": person.email, "version": 1}
            records.append(tables.document(person.user_id, "PROFILE", profile))
            account = {"account": person.account, "broker": "zerodha", "label": person.name}
            records.append(tables.document(person.user_id, f"ACCOUNT#{person.account}", account))
        for trade in self.desk.trades:
            document = trade.document()
            records.append(tables.document(trade.user_id, f"STRATEGY#{trade.strategy_id}", document))
        self._record(records, a_runtime(self._journal, bus=self.pipeline))
        self.pipeline.add(POISON)

    def _day(self, day: Day) -> None:
        self._world, self._seen = day, 0
        self._rt = a_runtime(self._journal, clock=day.clock, bus=self.pipeline)
        played, began = self.played, time.perf_counter()
        with self._timed("trading"):
            day.plan()
            day.run(day.clock_time(15, 45))
            self._changed()
        traded = time.perf_counter()
        with self._timed("pipeline"):
            self._land()
        played.books.add(day.day.date(), day.venue.exchange)
        played.trades += len(day.venue.exchange.trades)
        played.lambdas_killed += day.killed
        played.replies_lost += day.lost
        nets = {account: day.venue.net(account) for account in day.shape.accounts}
        played.open_positions += [f"{day.day:%F} {account} {net}" for account, net in nets.items() if net]
        self._say(
            f"{day.day:%a %d %b}  {len(day.venue.exchange.trades):5} trades"
            f"  {traded - began:5.1f} s to trade, {time.perf_counter() - traded:4.1f} s to land"
        )

    def _land(self, *, last: bool = False) -> None:
        """The day's messages through the queue and the writer, some of whose calls end it.

        The last time each call does, as long as there are kills left over.
        """
        deadly = self.pipeline.deadly
        days_left = 1 if last else max(1, self.size.days - len(self.played.traded_on) + 1)
        deadly.left, deadly.every = -(-(self.size.kills - deadly.kills) // days_left), 1 if last else 4
        self.pipeline.flush()
        self.pipeline.drain()

    def _changed(self) -> None:
        records = self._world.streams.records
        fresh, self._seen = records[self._seen :], len(records)
        self._record([_in_the_month(record, self._world.day.toordinal()) for record in fresh], self._rt)

    def _record(self, records: Sequence[dict[str, Any]], rt: Runtime) -> None:
        for start in range(0, len(records), STREAM_BATCH):
            answer = record_events.run({"Records": records[start : start + STREAM_BATCH]}, rt)
            assert not answer["batchItemFailures"], "every change became its events"

    def _told(self, told: Any) -> None:
        self._said.add(told.model_dump_json(exclude={"user_id", "order_id", "run_key", "broker"}))
        self.pipeline.tell(told)

    # --- the end ---

    def _finish(self) -> None:
        played, pipeline = self.played, self.pipeline
        with self._timed("pipeline"):
            self._land(last=True)  # the second copies of the last day
        played.recorded = sum(1 for _ in self._journal.events.everything())
        played.updates, played.messages = len(self._said), pipeline.sent
        played.writer_killed, played.poison = pipeline.deadly.kills, pipeline.poison()
        with self._timed("asking"):
            played.before = self._look()
        with self._timed("compaction"):
            self._compact()
        played.after = self._look()

    def _compact(self) -> None:
        rt = a_runtime(lake=self.pipeline.objects)
        while found := find_small_files.run(find_small_files.Input(), rt).partitions:
            for partition in found:
                compact_partition.run(partition, rt)

    def _look(self) -> Look:
        lake = open_lake(self.pipeline.place)

        def count(*tables: str) -> int:
            queries = (f"SELECT count(*) FROM {name}" for name in tables)  # noqa: S608  (the catalogue's)
            return sum(int(lake.execute(query).fetchall()[0][0]) for query in queries)

        sizes = self.pipeline.sizes()
        return Look(
            wrong=differences(self.played.books, of_lake(lake)),
            events=count(*_EVENTS),
            rows=count(*(f"{name}_files" for name in _EVENTS)),
            updates=count("order_updates"),
            files=len(sizes),
            bytes=sum(sizes),
        )

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.played.seconds[what] += time.perf_counter() - began


def _in_the_month(record: dict[str, Any], day: int) -> dict[str, Any]:
    """Each day's streams begin anew; an item that lives longer must see its positions rise."""
    told = record["dynamodb"]
    return {**record, "dynamodb": {**told, "SequenceNumber": f"{day}{told['SequenceNumber']}"}}


def play(size: Size, pipeline: Pipeline, say: Callable[[str], None] = lambda line: None) -> Played:
    """Play it. The same size makes the same month."""
    return Month(size, pipeline, say).play()
