"""The feed as a whole, in rounds that the test calls: two instances, one market, stores in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from brokers.clock import IST, FixedClock
from brokers.model import BrokerOrder, InstrumentId, OrderStatus, Side, Tick
from tasks.domain import items
from tasks.feed.doing import Doer
from tasks.feed.following import Following
from tasks.feed.keeping import Keeper
from tasks.feed.leading import BEAT_EVERY, TAKE_OVER, Leading
from tasks.feed.service import CALL_EVERY, STRIDE, WATCHED_STRIDE, Feed
from tasks.feed.session import Session
from tasks.feed.sight import BLIND_AFTER
from tasks.order_update import OrderUpdate
from tasks.stores.bundle import Stores
from tasks.stores.feed_dynamodb import feed_name
from tests.feed.fixed import CALL, FixedLevels, Started, a_run, lifted
from tests.simulator.conftest import eventually
from tests.tasks.world import ACCOUNT, World, strategy

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
INDEX = "NSE:NIFTY BANK"


@dataclass
class FakeStream:
    """What the feed has opened."""

    secret: Mapping[str, str]
    wanted: dict[str, InstrumentId] = field(default_factory=dict)
    connected: bool = False

    def connect(self) -> None:
        self.connected = True

    def follow(self, wanted: Mapping[str, InstrumentId]) -> None:
        self.wanted = dict(wanted)

    def close(self) -> None:
        self.connected = False


@dataclass
class Site:
    """What both instances share, and what the test moves."""

    world: World = field(default_factory=lambda: World.at(NOW))
    seconds: float = 100.0
    token: str = "monday"
    streams: list[FakeStream] = field(default_factory=list)
    updates: list[OrderUpdate] = field(default_factory=list)
    started: Started = field(default_factory=Started)

    @property
    def stores(self) -> Stores:
        return self.world.stores

    @property
    def clock(self) -> FixedClock:
        return self.world.clock

    def feed(self, holder: str, *watchers: FixedLevels) -> Feed:
        rt = lifted(self.world.rt, self.started)
        leading = Leading(self.stores.leases, feed_name(ACCOUNT), holder, self.clock, self.stopwatch)
        return Feed(
            account=ACCOUNT,
            rt=rt,
            leading=leading,
            session=Session(self._secret, self._open, self.stopwatch),
            watchers=watchers,
            tell_order=self.updates.append,
            stopwatch=self.stopwatch,
            keeper=Keeper(rt, ACCOUNT, lambda: leading.fence, self.stopwatch),
            doer=Doer(rt, lambda: leading.leads),
            following=Following(rt, ACCOUNT, self.stopwatch),
        )

    def stopwatch(self) -> float:
        return self.seconds

    def pass_time(self, seconds: float, *feeds: Feed, each: Callable[[], None] = lambda: None) -> None:
        """Let it pass for these; the others are dead or asleep."""
        end = self.seconds + seconds
        while self.seconds < end:
            self.seconds += BEAT_EVERY
            self.clock.advance(BEAT_EVERY)
            each()
            for feed in feeds:
                feed.beat()
                feed.tend()
                feed.follow()
                feed.keep()

    def tick(self, last: str, symbol: str = CALL, ago: float = 0.2) -> Tick:
        now = self.clock.now()
        return Tick(symbol, Decimal(last), None, None, 0, now - timedelta(seconds=ago), now)

    def _secret(self) -> dict[str, str] | None:
        return {"broker": "zerodha", "access_token": self.token} if self.token else None

    def _open(self, secret: Mapping[str, str]) -> FakeStream:
        self.streams.append(FakeStream(secret))
        return self.streams[-1]


@pytest.fixture
def site() -> Site:
    made = Site()
    made.stores.catalog.put("user-1", "STRATEGY#straddle", strategy())
    return made


def test_it_follows_what_strategies_name_and_what_is_open(site: Site) -> None:
    feed = site.feed("one")
    site.pass_time(1, feed)
    [stream] = site.streams
    assert set(stream.wanted) == {INDEX}
    site.stores.runs.plan_account(a_run())
    site.pass_time(1, feed)
    assert set(stream.wanted) == {INDEX, CALL, "NFO:BANKNIFTY26NOV58400PE"}
    assert stream.wanted[CALL].token == "40001"


def test_a_disabled_strategy_is_not_followed(site: Site) -> None:
    site.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(enabled=False))
    feed = site.feed("one")
    site.pass_time(1, feed)
    assert site.streams[0].wanted == {}


def test_one_acts_and_the_other_waits_until_it_is_dead(site: Site) -> None:
    one, two = site.feed("one"), site.feed("two")
    site.pass_time(3, one, two)
    assert [stream.connected for stream in site.streams] == [True]
    site.pass_time(TAKE_OVER + 1.5, two)
    assert len(site.streams) == 2
    one.on_ticks([site.tick("1")])
    site.pass_time(0.5, one, two)
    assert [stream.connected for stream in site.streams] == [False, True]
    assert site.stores.feeds.get(ACCOUNT)["holder"] == "two"  # type: ignore[index]


def test_who_stops_as_one_should_is_followed_at_once(site: Site) -> None:
    one, two = site.feed("one"), site.feed("two")
    site.pass_time(2, one, two)
    one.stop()
    site.pass_time(0.5, two)
    assert site.streams[-1].connected
    assert two.leading.fence == 2


def test_a_level_that_is_reached_starts_the_exit_once(site: Site) -> None:
    feed = site.feed("one", FixedLevels({CALL: Decimal(300)}))
    site.stores.runs.plan_account(a_run())
    site.pass_time(1, feed)
    feed.on_ticks([site.tick("299.95"), site.tick("300.05", ago=0.1), site.tick("310", ago=0)])
    assert eventually(lambda: feed.busy == 0)
    [(machine, name, document)] = site.started.executions
    assert (machine, name) == ("AccountBasket", "straddle-20261123-S-ZA1234-EXIT")
    assert document["side"] == "EXIT"


def test_two_feeds_converge_on_one_execution(site: Site) -> None:
    site.stores.runs.plan_account(a_run())
    one = site.feed("one", FixedLevels({CALL: Decimal(300)}))
    site.pass_time(1, one)
    one.on_ticks([site.tick("305")])
    assert eventually(lambda: bool(site.started.executions))
    two = site.feed("two", FixedLevels({CALL: Decimal(300)}))
    site.pass_time(TAKE_OVER + 1, two)
    two.on_ticks([site.tick("306")])
    assert eventually(lambda: len(site.started.calls) == 2)
    assert len(site.started.executions) == 1


def test_a_feed_that_lost_the_lease_does_nothing_with_what_it_still_hears(site: Site) -> None:
    site.stores.runs.plan_account(a_run())
    feed = site.feed("one", FixedLevels({CALL: Decimal(300)}))
    site.pass_time(1, feed)
    site.seconds += 2.5  # asleep: no beat was written
    feed.on_ticks([site.tick("305")])
    feed.on_order(an_order())
    assert (site.started.calls, site.updates) == ([], [])


def an_order() -> BrokerOrder:
    price = Decimal("250")
    return BrokerOrder(
        "B1", "N1", "BANKNIFTY26NOV58400CE", Side.SELL, 30, 30, price, price, OrderStatus.FILLED, "", NOW
    )


def test_an_order_update_takes_the_way_of_postbacks(site: Site) -> None:
    feed = site.feed("one")
    site.pass_time(1, feed)
    feed.on_order(an_order())
    assert site.updates == [OrderUpdate.of(ACCOUNT, an_order())]


def test_quotes_and_bars_are_kept(site: Site) -> None:
    feed = site.feed("one")
    site.pass_time(1, feed)
    site.pass_time(125, feed, each=lambda: feed.on_ticks([site.tick("58400", INDEX)]))
    newest = site.stores.quotes.get_many([INDEX])[INDEX]
    assert timedelta(0) <= site.clock.now() - newest.at < timedelta(seconds=2)
    bars = site.stores.bars.day(INDEX, NOW.date())
    assert [bar.start.minute for bar in bars] == [30, 31]


def test_it_says_when_it_is_blind_and_calls_for_polling(site: Site) -> None:
    feed = site.feed("one")
    site.pass_time(2, feed, each=lambda: feed.on_ticks([site.tick("58400", INDEX)]))
    assert site.stores.feeds.get(ACCOUNT)["state"] == "SEES"  # type: ignore[index]
    site.pass_time(BLIND_AFTER + 1, feed)
    state = site.stores.feeds.get(ACCOUNT)
    assert state is not None
    assert (state["state"], state["connections"]) == ("BLIND", 0)
    assert site.world.alarms.raised == ["FeedBlind"]
    assert [machine for machine, _, _ in site.started.executions] == ["PollQuotes"]
    assert site.stores.catalog.get(items.PLATFORM, items.feed(ACCOUNT))["state"] == "BLIND"  # type: ignore[index]
    site.pass_time(CALL_EVERY + 1, feed)
    assert len(site.started.executions) == 2
    site.pass_time(1, feed, each=lambda: feed.on_ticks([site.tick("58400", INDEX)]))
    assert site.stores.catalog.get(items.PLATFORM, items.feed(ACCOUNT))["state"] == "SEES"  # type: ignore[index]


def test_a_quiet_evening_is_not_blindness(site: Site) -> None:
    site.clock.at = NOW.replace(hour=15, minute=39, second=50)
    feed = site.feed("one")
    site.pass_time(9, feed, each=lambda: feed.on_ticks([site.tick("58400", INDEX)]))
    site.pass_time(120, feed)
    assert site.stores.feeds.get(ACCOUNT)["state"] == "SHUT"  # type: ignore[index]
    assert site.world.alarms.raised == []
    [last] = site.stores.bars.day(INDEX, NOW.date())
    assert last.start.minute == 39, "the clock has ended the day's last minute"


def test_a_session_that_ends_at_six_and_a_login_at_ten_to_nine_need_no_restart(site: Site) -> None:
    feed = site.feed("one")
    site.clock.at = NOW.replace(hour=5, minute=59)
    site.pass_time(60, feed)
    [night] = site.streams
    feed.on_down("connection 1: 403", refused=True)
    site.pass_time(3, feed)
    assert not night.connected
    assert feed.state()["waits_for_login"]
    assert len(site.streams) == 1, "the token that was refused is not tried again"
    site.clock.at = NOW.replace(hour=8, minute=50)
    site.token = "tuesday"
    site.pass_time(3, feed)
    assert site.streams[-1].secret["access_token"] == "tuesday"
    assert site.streams[-1].connected
    assert set(site.streams[-1].wanted) == {INDEX}


def test_without_a_session_at_the_opening_it_is_blind(site: Site) -> None:
    site.token = ""
    feed = site.feed("one")
    site.pass_time(BLIND_AFTER + 2, feed)
    assert site.world.alarms.raised == ["FeedBlind"]


def test_a_clock_that_jumps_is_told_how_far(site: Site) -> None:
    feed = site.feed("one")
    assert feed.pace() == {"stride": None}, "it doesn't lead"
    site.pass_time(1, feed)
    assert feed.pace()["stride"] == STRIDE
    site.stores.runs.plan_account(a_run())
    watched = site.feed("two", FixedLevels({CALL: Decimal(300)}))
    feed.stop()
    site.pass_time(1, watched)
    assert watched.pace()["stride"] == WATCHED_STRIDE
    site.clock.at = datetime(2026, 11, 24, 10, 0, tzinfo=IST)
    assert watched.pace() == {"stride": None}, "a holiday"


def test_an_outage_of_the_tables_ends_nothing(site: Site) -> None:
    """Rounds that fail are rounds that come again: see `__main__`."""
    feed = site.feed("one")
    site.pass_time(1, feed)
    site.world.expire_token()
    site.stores.market.put("INDICES", "IDS", {"trading_date": "2026-11-20", "tokens": {}})
    with pytest.raises(Exception, match="log in"):
        feed.follow()
    site.world.log_in()
    feed.follow()
    assert set(site.streams[0].wanted) == {INDEX}


def test_threads_do_not_get_into_each_others_way(site: Site) -> None:
    """Ticks at full speed while everything else goes round."""
    feed = site.feed("one", FixedLevels({CALL: Decimal(10_000)}))
    site.stores.runs.plan_account(a_run())
    site.pass_time(1, feed)
    stop = threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            feed.on_ticks([site.tick("250"), site.tick("58400", INDEX)])

    threads = [threading.Thread(target=hammer) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(200):
            feed.beat()
            feed.tend()
            feed.follow()
            feed.keep()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert feed.hearing.counts.watcher_failures == 0
    assert feed.hearing.counts.ticks > 1_000
