"""Hearing, seeing, doing and keeping, each alone."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from brokers.clock import IST
from brokers.model import Bar, Exchange, InstrumentId, Tick
from tasks.feed.doing import Doer
from tasks.feed.hearing import FRESH, Hearing
from tasks.feed.keeping import Keeper
from tasks.feed.lake import S3Bars, key
from tasks.feed.sight import BLIND_AFTER, UNSURE_AFTER, Eye, Sight
from tasks.feed.watching import Action
from tasks.runtime import Runtime
from tasks.stores.ports import AccountRun
from tests.simulator.conftest import eventually
from tests.tasks.world import World

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
CALL, INDEX = "NFO:BANKNIFTY26NOV58400CE", "NSE:NIFTY BANK"
CALL_ID = InstrumentId(Exchange.NFO, "40001")


def tick(second: float, last: str = "250", *, symbol: str = CALL, late: float = 0.2, volume: int = 0) -> Tick:
    at = NOW + timedelta(seconds=second)
    return Tick(symbol, Decimal(last), None, None, volume, at, at + timedelta(seconds=late))


@dataclass
class Act:
    """An action that notes that it was done, and fails as often as it is told to."""

    name: str
    why: str = "because"
    fails: int = 0
    done: list[str] = field(default_factory=list)
    hold: threading.Event | None = None

    def perform(self, rt: Runtime) -> None:
        if self.hold is not None:
            self.hold.wait(5)
        if self.fails:
            self.fails -= 1
            raise OSError("no")
        self.done.append(self.name)


@dataclass
class Level:
    """A watcher of one fixed level: below it, once."""

    level: Decimal
    followed: int = 0
    broken: bool = False

    def follow(self, rt: Runtime, open_runs: Sequence[AccountRun]) -> None:
        self.followed += 1

    def symbols(self) -> frozenset[str]:
        return frozenset({CALL})

    def on_tick(self, tick: Tick) -> Sequence[Action]:
        if self.broken:
            raise ZeroDivisionError
        return [Act(f"stop-{tick.at:%H%M%S}")] if tick.symbol == CALL and tick.last < self.level else []


def hearing(*watchers: Any) -> tuple[Hearing, list[str], list[None]]:
    acts: list[str] = []
    seen: list[None] = []
    made = Hearing(act=lambda action: acts.append(action.name), saw=lambda: seen.append(None))
    made.watch(watchers, lambda watcher: watcher.follow(World.at().rt, ()))
    return made, acts, seen


def test_a_level_is_watched_on_every_tick() -> None:
    heard, acts, seen = hearing(Level(Decimal(240)))
    heard.on_ticks([tick(0, "250"), tick(1, "239.95"), tick(2, "245")])
    assert acts == ["stop-093001"]
    assert len(seen) == 3


def test_late_and_repeated_ticks_change_nothing() -> None:
    heard, acts, _ = hearing(Level(Decimal(240)))
    newest = tick(5, "250")
    heard.on_ticks([newest, tick(4, "100", late=9), newest])
    assert acts == []
    assert heard.newest(CALL) == newest
    assert heard.counts.stale == 2


def test_no_stop_follows_from_what_stood_long_before() -> None:
    """The first tick after a subscription may be of a trade an hour ago."""
    heard, acts, seen = hearing(Level(Decimal(240)))
    heard.on_ticks([tick(0, "100", late=FRESH.total_seconds() + 1)])
    assert (acts, seen) == ([], [])
    assert heard.take_quotes(), "though it is the newest there is"


def test_no_stop_follows_outside_the_session() -> None:
    heard, acts, seen = hearing(Level(Decimal(240)))
    before = datetime(2026, 11, 23, 9, 7, tzinfo=IST)
    heard.on_ticks([replace(tick(0, "100"), at=before, received_at=before)])
    sunday = datetime(2026, 11, 22, 10, 0, tzinfo=IST)
    heard.on_ticks([replace(tick(0, "100", symbol=INDEX), at=sunday, received_at=sunday)])
    assert (acts, seen) == ([], [])


def test_a_watcher_that_breaks_stops_no_other() -> None:
    broken, sound = Level(Decimal(240), broken=True), Level(Decimal(240))
    heard, acts, _ = hearing(broken, sound)
    heard.on_ticks([tick(0, "200")])
    assert acts == ["stop-093000"]
    assert heard.counts.watcher_failures == 1


def test_quotes_are_coalesced() -> None:
    heard, _, _ = hearing()
    heard.on_ticks([tick(n, str(250 + n)) for n in range(5)] + [tick(2, "58000", symbol=INDEX)])
    assert {one.symbol: one.last for one in heard.take_quotes()} == {CALL: 254, INDEX: 58000}
    assert heard.take_quotes() == []


def test_a_bar_is_closed_by_any_later_tick_of_the_stream() -> None:
    heard, _, _ = hearing()
    heard.on_ticks([tick(10, "250"), tick(59, "58000", symbol=INDEX)])
    assert heard.take_bars() == []
    heard.on_ticks([tick(63, "58001", symbol=INDEX)])
    assert {symbol for symbol, _ in heard.take_bars()} == {CALL, INDEX}


def test_the_clock_ends_a_minute_when_nothing_comes_any_more() -> None:
    heard, _, _ = hearing()
    heard.on_ticks([tick(10)])
    heard.end_minutes(NOW + timedelta(seconds=61))
    assert heard.take_bars() == []
    heard.end_minutes(NOW + timedelta(seconds=62))
    assert [symbol for symbol, _ in heard.take_bars()] == [CALL]


# Seeing


def test_silence_means_nothing_while_the_market_is_shut_or_nothing_is_followed() -> None:
    eye = Eye()
    assert eye.look(1_000, market_open=False, following=5) is Sight.SHUT
    assert eye.look(2_000, market_open=True, following=0) is Sight.IDLE


def test_it_is_blind_when_nothing_fresh_comes_and_says_so_within_fifteen_seconds() -> None:
    eye = Eye()
    assert eye.look(100, market_open=True, following=5) is Sight.SEES
    eye.saw(101)
    assert eye.look(101 + UNSURE_AFTER, market_open=True, following=5) is Sight.SEES
    assert eye.look(101 + BLIND_AFTER, market_open=True, following=5) is Sight.UNSURE
    assert eye.look(101 + BLIND_AFTER + 0.5, market_open=True, following=5) is Sight.BLIND
    assert BLIND_AFTER < 15
    eye.saw(120)
    assert eye.look(120.1, market_open=True, following=5) is Sight.SEES


def test_a_night_of_silence_is_no_blindness_at_the_opening() -> None:
    eye = Eye()
    eye.look(100, market_open=True, following=5)
    eye.saw(101)
    eye.look(200, market_open=False, following=5)
    assert eye.look(60_000, market_open=True, following=5) is Sight.SEES
    assert eye.look(60_000 + BLIND_AFTER + 1, market_open=True, following=5) is Sight.BLIND


# Doing


def doer(world: World, may_act: bool = True) -> Doer:
    return Doer(world.rt, lambda: may_act)


def test_an_action_is_done_once_however_often_it_is_called_for() -> None:
    does, act = doer(World.at()), Act("X")
    for _ in range(5):
        does.do(act)
    assert eventually(lambda: does.busy == 0)
    does.do(act)
    does.stop()
    assert act.done == ["X"]


def test_it_is_tried_until_it_succeeds_and_a_person_is_called() -> None:
    world = World.at()
    does, act = doer(world), Act("X", fails=3)
    does.do(act)
    assert does.busy == 1
    assert eventually(lambda: act.done == ["X"], within=6)
    does.stop()
    assert world.alarms.raised == ["StopNotSent"]


def test_one_that_hangs_holds_up_no_other() -> None:
    hold = threading.Event()
    does, slow, quick = doer(World.at()), Act("S", hold=hold), Act("Q")
    does.do(slow)
    does.do(quick)
    assert eventually(lambda: quick.done == ["Q"])
    hold.set()
    does.stop()


def test_who_may_not_act_begins_nothing() -> None:
    does, act = doer(World.at(), may_act=False), Act("X")
    does.do(act)
    does.stop()
    assert act.done == []


def test_who_loses_the_lease_tries_no_more_and_may_begin_again_with_it() -> None:
    leads = [True]
    does, act = Doer(World.at().rt, lambda: leads[0]), Act("X", fails=1)
    does.do(act)
    leads[0] = False
    assert eventually(lambda: does.busy == 0)
    assert act.done == []
    leads[0] = True
    does.do(act)
    assert eventually(lambda: act.done == ["X"])
    does.stop()


# Keeping


def bar(minute: int, close: str = "250", hour: int = 9) -> Bar:
    price = Decimal(close)
    return Bar(datetime(2026, 11, 23, hour, minute, tzinfo=IST), price, price, price, price, 30)


@pytest.fixture
def world() -> World:
    return World.at(NOW)


def keeper(world: World, lake: Any = None, fence: int = 1) -> Keeper:
    return Keeper(world.rt, "ZA1234", lambda: fence, lambda: 1_000.0, lake)


def test_bars_go_into_their_hours_beside_those_of_an_earlier_feed(world: World) -> None:
    world.stores.bars.put(CALL, [bar(15), bar(16)], fence=1)
    keeper(world, fence=2).keep_bars([(CALL, bar(17)), (CALL, bar(0, hour=10))])
    assert world.stores.bars.day(CALL, NOW.date()) == [bar(15), bar(16), bar(17), bar(0, hour=10)]


def test_what_was_missed_comes_from_history_which_has_the_last_word(world: World) -> None:
    world.broker.history[CALL_ID, 1] = [bar(n, "99") for n in range(15, 30)]
    keeps = keeper(world)
    keeps.follow({CALL: CALL_ID})
    keeps.keep_bars([(CALL, bar(29, "250"))])
    keeps.catch_up()
    assert keeps.behind == 0
    kept = world.stores.bars.day(CALL, NOW.date())
    assert [one.start.minute for one in kept] == list(range(15, 30))
    assert {one.close for one in kept} == {Decimal(99)}


def test_history_is_asked_for_a_few_at_a_time(world: World) -> None:
    keeps = keeper(world)
    keeps.follow({f"NFO:X{n}": InstrumentId(Exchange.NFO, str(n)) for n in range(7)})
    keeps.catch_up()
    assert keeps.behind == 5
    world.expire_token()
    keeps.catch_up()
    assert keeps.behind == 3, "one without history is not asked for ever"


class Bucket:
    """S3, as far as it is needed."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.objects[Key] = Body


def test_the_lake_has_the_same_bars(world: World, tmp_path: Any) -> None:
    bucket = Bucket()
    keeps = keeper(world, S3Bars(bucket, "lake"), fence=17)
    keeps.keep_bars([(CALL, bar(17)), (CALL, bar(16)), (INDEX, bar(17, "58400.35"))])
    keeps.keep_in_lake(now=True)
    name = "bars/trading_date=2026-11-23/hour=09/000017.parquet"
    assert list(bucket.objects) == [name] == [key(bar(0).start, 17)]
    (tmp_path / "bars.parquet").write_bytes(bucket.objects[name])
    rows = pq.read_table(tmp_path / "bars.parquet").to_pylist()
    assert [(row["symbol"], row["start"].astimezone(IST).minute) for row in rows] == [
        (CALL, 16),
        (CALL, 17),
        (INDEX, 17),
    ]
    assert rows[2]["close"] == Decimal("58400.35")
    bucket.objects.clear()
    keeps.keep_in_lake(now=True)
    assert not bucket.objects, "nothing has changed"


def test_a_quote_that_can_t_be_written_stops_no_other(world: World) -> None:
    class Broken:
        def put(self, one: Tick) -> bool:
            if one.symbol == CALL:
                raise OSError("no")
            return world.stores.quotes.put(one)

        def get_many(self, symbols: Iterable[str]) -> dict[str, Tick]:
            return world.stores.quotes.get_many(symbols)

    rt = replace(world.rt, stores=replace(world.stores, quotes=Broken()))
    Keeper(rt, "ZA1234", lambda: 1, lambda: 0.0).keep_quotes([tick(0), tick(0, symbol=INDEX)])
    assert list(world.stores.quotes.get_many([CALL, INDEX])) == [INDEX]
