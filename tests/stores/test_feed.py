"""What the stores of the feed promise: the newest quotes, the bars, the lease, what it says of itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

from brokers.clock import IST
from brokers.model import Bar, Tick
from tasks.stores import Stores
from tests.stores.rows import AT, DAY, later

CALL = "NFO:BANKNIFTY26NOV58400CE"
LEASE = "FEED#ZA1234"


def a_tick(second: float, last: str = "250.05", *, came: float | None = None, symbol: str = CALL) -> Tick:
    price = Decimal(last)
    received = later(second + 0.2 if came is None else came)
    return Tick(symbol, price, price - 1, None, 300, later(second), received)


def a_bar(hour: int, minute: int, close: str = "250.10") -> Bar:
    start = datetime(2026, 11, 23, hour, minute, tzinfo=IST)
    return Bar(start, Decimal("250"), Decimal("251.5"), Decimal("249.95"), Decimal(close), 60)


def test_the_newest_tick_comes_back_as_it_was(stores: Stores) -> None:
    index = a_tick(1, "58412.35", symbol="NSE:NIFTY BANK")
    assert stores.quotes.put(a_tick(0))
    assert stores.quotes.put(index)
    assert stores.quotes.get_many([CALL, "NSE:NIFTY BANK", "NFO:OTHER"]) == {
        CALL: a_tick(0),
        "NSE:NIFTY BANK": index,
    }


def test_an_older_price_never_replaces_a_newer_one(stores: Stores) -> None:
    assert stores.quotes.put(a_tick(5, "250"))
    assert not stores.quotes.put(a_tick(4, "240", came=9))
    assert not stores.quotes.put(a_tick(5, "250"))
    assert stores.quotes.put(a_tick(5, "251", came=5.3))
    assert stores.quotes.get_many([CALL])[CALL].last == Decimal("251")


def test_of_many_at_once_the_newest_stands(stores: Stores) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: stores.quotes.put(a_tick(n)), [3, 7, 1, 6, 2, 5, 4, 0]))
    assert stores.quotes.get_many([CALL])[CALL].at == later(7)


def test_bars_are_kept_by_the_hour_and_read_by_the_day(stores: Stores) -> None:
    nine, ten = [a_bar(9, 58), a_bar(9, 59)], [a_bar(10, 0)]
    assert stores.bars.put(CALL, nine[:1], fence=1)
    assert stores.bars.put(CALL, ten, fence=1)
    assert stores.bars.put(CALL, nine, fence=1)
    assert stores.bars.day(CALL, DAY) == [*nine, *ten]
    assert stores.bars.day("NSE:NIFTY BANK", DAY) == []


def test_a_feed_that_was_replaced_writes_no_bars(stores: Stores) -> None:
    assert stores.bars.put(CALL, [a_bar(9, 58, "1")], fence=2)
    assert not stores.bars.put(CALL, [a_bar(9, 58, "2")], fence=1)
    assert stores.bars.put(CALL, [a_bar(9, 58, "3")], fence=2)
    assert stores.bars.day(CALL, DAY)[0].close == Decimal("3")


def test_the_lease_has_one_holder_and_a_rising_fence(stores: Stores) -> None:
    one = stores.leases.take(LEASE, "one", standing=None, at=AT)
    assert one is not None
    assert stores.leases.take(LEASE, "two", standing=None, at=AT) is None
    alive = stores.leases.beat(LEASE, one, at=later(1))
    assert alive is not None
    assert stores.leases.take(LEASE, "two", standing=one, at=later(1)) is None, "the holder has lived since"
    two = stores.leases.take(LEASE, "two", standing=alive, at=later(4))
    assert two is not None
    assert two.fence == one.fence + 1
    assert stores.leases.beat(LEASE, alive, at=later(5)) is None
    stores.leases.release(LEASE, alive, at=later(5))
    assert stores.leases.get(LEASE) == two


def test_a_lease_that_was_given_up_has_no_holder_and_keeps_its_fence(stores: Stores) -> None:
    one = stores.leases.take(LEASE, "one", standing=None, at=AT)
    assert one is not None
    stores.leases.release(LEASE, one, at=later(1))
    free = stores.leases.get(LEASE)
    assert free is not None
    assert (free.holder, free.fence) == ("", one.fence)
    two = stores.leases.take(LEASE, "two", standing=free, at=later(1))
    assert two is not None
    assert two.fence == one.fence + 1


def test_of_many_who_take_a_dead_ones_lease_one_gets_it(stores: Stores) -> None:
    dead = stores.leases.take(LEASE, "dead", standing=None, at=AT)
    with ThreadPoolExecutor(8) as pool:
        taken = list(
            pool.map(lambda n: stores.leases.take(LEASE, f"h{n}", standing=dead, at=later(3)), range(8))
        )
    assert [bool(one) for one in sorted(taken, key=bool)] == [False] * 7 + [True]


def test_a_feed_that_was_replaced_says_nothing(stores: Stores) -> None:
    assert stores.feeds.get("ZA1234") is None
    assert stores.feeds.put("ZA1234", {"state": "SEES"}, fence=2)
    assert not stores.feeds.put("ZA1234", {"state": "BLIND"}, fence=1)
    assert stores.feeds.get("ZA1234") == {"state": "SEES"}
