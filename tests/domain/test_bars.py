"""One-minute bars from ticks."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

from brokers.clock import IST
from brokers.model import Bar, Tick
from tasks.domain.bars import BarBuilder, bars_document, bars_from, merged, minute_of

OPENS = datetime(2026, 11, 23, 9, 15, tzinfo=IST)
CALL = "NFO:BANKNIFTY26NOV58400CE"


def tick(second: float, last: str, volume: int = 0, symbol: str = CALL) -> Tick:
    at = OPENS + timedelta(seconds=second)
    return Tick(symbol, Decimal(last), None, None, volume, at, at)


def flat(minute: int, price: str) -> Bar:
    value = Decimal(price)
    return Bar(OPENS + timedelta(minutes=minute), value, value, value, value, minute)


def test_a_minute_is_closed_by_the_first_tick_of_a_later_one() -> None:
    builder = BarBuilder()
    made = [builder.take(tick(*one)) for one in [(0, "250", 30), (20, "255", 90), (59.9, "249", 120)]]
    assert made == [None, None, None]
    assert builder.take(tick(60, "251", 150)) == Bar(
        OPENS, Decimal(250), Decimal(255), Decimal(249), Decimal(249), 90
    )


def test_the_volume_between_two_bars_belongs_to_the_later() -> None:
    builder = BarBuilder()
    builder.take(tick(59, "250", 120))
    builder.take(tick(61, "250", 180))
    done = builder.take(tick(120, "250", 200))
    assert done is not None
    assert done.volume == 60


def test_a_late_tick_changes_nothing_that_is_closed() -> None:
    builder = BarBuilder()
    builder.take(tick(0, "250"))
    builder.take(tick(60, "251"))
    assert builder.take(tick(30, "900")) is None
    assert builder.close_before(OPENS + timedelta(minutes=2))[CALL].high == Decimal(251)
    assert builder.take(tick(70, "900")) is None
    assert builder.close_before(OPENS + timedelta(minutes=9)) == {}


def test_time_closes_what_no_tick_does() -> None:
    builder = BarBuilder()
    builder.take(tick(0, "250"))
    builder.take(tick(0, "58400", symbol="NSE:NIFTY BANK"))
    assert builder.close_before(OPENS + timedelta(seconds=59)) == {}
    assert set(builder.close_before(OPENS + timedelta(seconds=60))) == {CALL, "NSE:NIFTY BANK"}


def test_a_new_day_counts_its_volume_from_zero() -> None:
    builder = BarBuilder()
    builder.take(tick(0, "250", 9_000))
    builder.close_before(OPENS + timedelta(minutes=1))
    builder.take(tick(86_400, "260", 30))
    assert builder.close_before(OPENS + timedelta(days=1, minutes=1))[CALL].volume == 30


def test_bars_say_of_every_minute_what_its_ticks_say() -> None:
    dice = random.Random(7)
    prices = [Decimal(25_000 + dice.randrange(-500, 500)) / 20 for _ in range(1_200)]
    builder = BarBuilder()
    bars = [bar for n, price in enumerate(prices) if (bar := builder.take(tick(n, str(price), n)))]
    bars += builder.close_before(OPENS + timedelta(hours=1)).values()
    assert len(bars) == 20
    for n, bar in enumerate(bars):
        minute = prices[60 * n : 60 * n + 60]
        assert (bar.open, bar.high, bar.low, bar.close) == (minute[0], max(minute), min(minute), minute[-1])
        assert bar.start == minute_of(OPENS + timedelta(minutes=n))


def test_bars_come_back_from_their_document() -> None:
    bars = [flat(n, "1.05") for n in range(3)]
    assert bars_from(bars_document(reversed(bars))) == bars


def test_of_two_bars_of_a_minute_the_newer_counts() -> None:
    old = [flat(n, "1") for n in (0, 1)]
    new = [flat(n, "2") for n in (1, 2)]
    assert [bar.close for bar in merged(old, new)] == [1, 2, 2]
