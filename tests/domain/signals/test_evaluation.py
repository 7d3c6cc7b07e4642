"""True, false or unknown, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from brokers.clock import IST
from brokers.model import Bar
from tasks.domain.calendar import Session, TradingCalendar
from tasks.domain.indicators import Indicators
from tasks.domain.signals.book import SeriesBook
from tasks.domain.signals.evaluation import Verdict, evaluate
from tasks.domain.signals.operands import SeriesKey
from tasks.domain.signals.timeframes import last_closed, resampled
from tests.domain.signals.series import LAST_DAY, bars, money

Series = Mapping[str, list[float | None]]


def verdict(condition: Any, series: Series) -> Verdict:
    """`series` by their names, oldest value first."""

    def look(key: SeriesKey, ago: int) -> float | None:
        known = series[str(key)]
        return known[-1 - ago] if ago < len(known) else None

    entry = Indicators.model_validate({"timeframe": 5, "entry": condition}, strict=False).entry
    return evaluate(entry, look, timeframe=5)


@pytest.mark.parametrize(
    ("before", "now", "crosses"),
    [
        ((99, 100), (101, 100), True),
        ((100, 100), (101, 100), True),  # touching it was not being above
        ((101, 100), (102, 100), False),
        ((99, 100), (100, 100), False),  # touching it is not being above
        ((99, 100), (101, 102), False),
        ((99, 100), (101, None), None),
        ((None, 100), (101, 100), None),
        ((None, 100), (99, 100), False),  # whatever it was before, it is not above now
        ((101, 100), (None, 100), False),  # whatever it is now, it was above before
    ],
)
def test_crossing(before: tuple[Any, Any], now: tuple[Any, Any], crosses: bool | None) -> None:
    series = {"CLOSE": [before[0], now[0]], "EMA(3)": [before[1], now[1]]}
    assert verdict("close crosses above ema(3)", series).holds is crosses
    mirrored = {name: [None if v is None else -v for v in values] for name, values in series.items()}
    assert verdict("close crosses below ema(3)", mirrored).holds is crosses


ONE: Series = {"CLOSE": [5.0], "HIGH": [9.0], "LOW": [None]}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("close above 4.99", True),
        ("close above 5", False),
        ("close below 5", False),
        ("close between 5 and 9", True),
        ("close between 1 and high", True),
        ("close between 1 and low", None),
        ({"all": ["close above 1", "close above 2"]}, True),
        ({"all": ["close above 1", "low above 2"]}, None),
        ({"all": ["close above 10", "low above 2"]}, False),
        ({"any": ["close above 1", "low above 2"]}, True),
        ({"any": ["close above 10", "low above 2"]}, None),
        ({"any": ["close above 10", "close above 11"]}, False),
        ({"not": "close above 10"}, True),
        ({"not": "close above 1"}, False),
        ({"not": "low above 1"}, None),
    ],
)
def test_three_values(condition: Any, holds: bool | None) -> None:
    assert verdict(condition, ONE).holds is holds


def test_the_reason_has_the_figures() -> None:
    series: Series = {"CLOSE": [58380.0, 58412.35], "SUPERTREND(10, 3)": [58391.0, 58390.1]}
    assert verdict("close crosses above supertrend", series) == Verdict(
        True,
        "CLOSE 58,412.35 crosses above SUPERTREND(10, 3) 58,390.10, a bar before 58,380.00 to 58,391.00",
    )
    assert verdict({"all": ["close above 1", "low above 2"]}, ONE).why == "LOW (unknown) above 2"
    assert verdict({"all": ["close above 1", "close above 7"]}, ONE).why == "CLOSE 5.00 above 7"


def test_a_shift_looks_further_back() -> None:
    series: Series = {"CLOSE": [3.0, 2.0, 1.0]}
    assert verdict("close[2] above 2.5", series).holds is True
    assert verdict("close[3] above 2.5", series).holds is None


HOURS = TradingCalendar.load().session(LAST_DAY)
assert HOURS is not None
SESSION: Session = HOURS


def at(text: str) -> datetime:
    return datetime.combine(LAST_DAY, time.fromisoformat(text), IST)


def minute_bars(first: str, count: int) -> list[Bar]:
    start = at(first)
    return [
        Bar(start + timedelta(minutes=n), money(n), money(n + 2), money(n - 1), money(n + 1), 10)
        for n in range(count)
    ]


def test_bars_are_counted_from_the_open() -> None:
    hours = resampled(minute_bars("09:15", 375), 60, SESSION, now=at("15:45"))
    assert [f"{bar.start:%H:%M}" for bar in hours] == [
        "09:15", "10:15", "11:15", "12:15", "13:15", "14:15", "15:15",
    ]  # fmt: skip
    first = hours[0]
    assert (int(first.open), int(first.high), int(first.low), int(first.close), first.volume) == (
        0,
        61,
        -1,
        60,
        600,
    )


def test_a_bar_that_still_grows_is_not_there() -> None:
    minutes = minute_bars("09:15", 12)
    assert len(resampled(minutes, 5, SESSION, now=at("09:24"))) == 1
    assert len(resampled(minutes, 5, SESSION, now=at("09:25"))) == 2


def test_what_is_outside_the_session_is_in_no_bar() -> None:
    assert resampled(minute_bars("09:00", 15), 5, SESSION, now=at("09:30")) == []


@pytest.mark.parametrize(
    ("moment", "minutes", "start"),
    [
        ("09:15", 5, None),
        ("09:19", 5, None),
        ("09:20", 5, "09:15"),
        ("10:15", 60, "09:15"),
        ("15:39", 60, "14:15"),
        ("15:40", 60, "15:15"),
        ("18:00", 1, "15:39"),
    ],
)
def test_the_newest_bar_that_is_closed(moment: str, minutes: int, start: str | None) -> None:
    assert last_closed(at(moment), minutes, SESSION) == (at(start) if start else None)


class Source:
    """Hands out bars, and counts how often it was asked."""

    def __init__(self, found: list[Bar]) -> None:
        self.found, self.asked = found, 0

    def __call__(self, symbol: str, timeframe: int) -> list[Bar]:
        self.asked += 1
        return self.found


def look(source: Source, text: str, *, expected: datetime | None) -> float | None:
    entry = Indicators.model_validate({"timeframe": 5, "entry": f"{text} above 0"}, strict=False)
    operand = next(entry.operands)
    book = SeriesBook(source)
    looks = [book.look(lambda _: "NSE:NIFTY 50", lambda _: expected) for _ in range(3)]
    (value,) = {one(operand.key(5), operand.shift) for one in looks}
    assert source.asked == 1
    return value


def test_a_series_is_computed_once_for_all_who_look_at_it() -> None:
    found = bars(3, 60)
    assert look(Source(found), "sma(20)", expected=found[-1].start) is not None


def test_without_the_newest_bar_a_series_is_unknown() -> None:
    found = bars(3, 60)
    assert look(Source(found[:-1]), "sma(20)", expected=found[-1].start) is None
    assert look(Source([]), "sma(20)", expected=found[-1].start) is None


def test_an_opening_range_with_a_hole_is_unknown() -> None:
    today = [bar for bar in bars(3, 77) if bar.start.date() == LAST_DAY]
    full = look(Source(today), "or_high(30)", expected=today[-1].start)
    assert full == max(float(bar.high) for bar in today[:6])
    assert look(Source(today[1:]), "or_high(30)", expected=today[-1].start) is None
    assert look(Source(today[:5]), "or_high(30)", expected=today[4].start) is None


def test_the_day_before_is_the_trading_day_before() -> None:
    found = bars(3, 150)
    yesterday = [bar for bar in found if bar.start.date() < LAST_DAY][-77:]
    assert look(Source(found), "prev_high", expected=found[-1].start) == max(float(b.high) for b in yesterday)
    assert look(Source(found), "prev_close", expected=found[-1].start) == float(yesterday[-1].close)
    only_today = [bar for bar in found if bar.start.date() == LAST_DAY]
    assert look(Source(only_today), "prev_low", expected=found[-1].start) is None
