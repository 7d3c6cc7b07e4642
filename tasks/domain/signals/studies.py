"""The values of a study on bars, by talipp.

A recursive study, such as an EMA, begins with a guess (a plain mean) whose weight shrinks with every bar.
Until it is below a thousandth the value is *unknown*: a condition on it is neither true nor false. `warm_up`
says how many bars that takes. Figures are floats: they decide, they are never money.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from math import ceil, log

from talipp.indicators import ADX, ATR, BB, EMA, MACD, RSI, SMA, VWAP, SuperTrend
from talipp.ohlcv import OHLCV

from brokers.model import Bar
from tasks.domain.calendar import TradingCalendar
from tasks.domain.signals.operands import SeriesKey, Study

Values = list[float | None]
"""One for each bar; None where it is unknown."""

_FORGOTTEN = log(1000)


def warm_up(key: SeriesKey) -> int:
    """Bars of its timeframe until the study is known; the next one is the first with a value."""
    needed = _WARM_UP.get(key.study)
    return needed(key) if needed else 0


def values(key: SeriesKey, bars: Sequence[Bar]) -> Values:
    """The study's value at the close of each of `bars`: all of the key's timeframe, oldest first."""
    found = _STUDIES[key.study](key, bars)
    unknown = min(warm_up(key), len(found))
    return [None] * unknown + found[unknown:]


def _ema_bars(length: int) -> int:
    """A smoothing of 2 / (length + 1)."""
    return length + ceil(_FORGOTTEN * (length + 1) / 2)


def _wilder_bars(length: int) -> int:
    """A smoothing of 1 / length."""
    return length + ceil(_FORGOTTEN * length)


_WARM_UP: dict[Study, Callable[[SeriesKey], int]] = {
    Study.SMA: lambda key: key.whole("length") - 1,
    Study.EMA: lambda key: _ema_bars(key.whole("length")),
    Study.RSI: lambda key: _wilder_bars(key.whole("length")),
    Study.ATR: lambda key: _wilder_bars(key.whole("length")),
    Study.ADX: lambda key: 2 * _wilder_bars(key.whole("length")),
    Study.SUPERTREND: lambda key: _wilder_bars(key.whole("length")),
    Study.MACD: lambda key: _ema_bars(key.whole("slow")),
    Study.MACD_SIGNAL: lambda key: _ema_bars(key.whole("slow")) + _ema_bars(key.whole("signal")),
    Study.MACD_HISTOGRAM: lambda key: _ema_bars(key.whole("slow")) + _ema_bars(key.whole("signal")),
    Study.BB_UPPER: lambda key: key.whole("length") - 1,
    Study.BB_MIDDLE: lambda key: key.whole("length") - 1,
    Study.BB_LOWER: lambda key: key.whole("length") - 1,
}


def _of_closes(make: Callable[[SeriesKey, list[float]], Sequence[float | None]]) -> Callable[..., Values]:
    def compute(key: SeriesKey, bars: Sequence[Bar]) -> Values:
        return list(make(key, [float(bar.close) for bar in bars]))

    return compute


def _of_bars(make: Callable[[SeriesKey, list[OHLCV]], Sequence[float | None]]) -> Callable[..., Values]:
    def compute(key: SeriesKey, bars: Sequence[Bar]) -> Values:
        return list(make(key, [_candle(bar) for bar in bars]))

    return compute


def _candle(bar: Bar) -> OHLCV:
    return OHLCV(float(bar.open), float(bar.high), float(bar.low), float(bar.close), float(bar.volume))


def _own(field: str) -> Callable[..., Values]:
    return lambda _, bars: [float(getattr(bar, field)) for bar in bars]


def _field(name: str, outputs: Sequence[object]) -> Values:
    """One field of a study's outputs; before its beginning talipp has None in their place."""
    return [None if one is None else getattr(one, name) for one in outputs]


def _macd(name: str) -> Callable[..., Values]:
    def make(key: SeriesKey, closes: list[float]) -> Values:
        study = MACD(key.whole("fast"), key.whole("slow"), key.whole("signal"), input_values=closes)
        return _field(name, study)

    return _of_closes(make)


def _band(name: str) -> Callable[..., Values]:
    def make(key: SeriesKey, closes: list[float]) -> Values:
        return _field(name, BB(key.whole("length"), float(key.parameter("multiplier")), input_values=closes))

    return _of_closes(make)


def _supertrend(key: SeriesKey, candles: list[OHLCV]) -> Values:
    study = SuperTrend(key.whole("length"), float(key.parameter("multiplier")), input_values=candles)
    return _field("value", study)


def _vwap(_: SeriesKey, bars: Sequence[Bar]) -> Values:
    """From each session's open anew."""
    found: Values = []
    for _day, members in groupby(bars, key=_day_of):
        found += list(VWAP(input_values=[_candle(bar) for bar in members]))
    return found


def _opening_range(choose: Callable[[list[float]], float], field: str) -> Callable[..., Values]:
    """The extreme of the session's first minutes: known once they are over, if all are there."""

    def compute(key: SeriesKey, bars: Sequence[Bar]) -> Values:
        whole = key.whole("minutes") // key.timeframe
        found: Values = []
        for day, members in groupby(bars, key=_day_of):
            today = list(members)
            ends = _opens(day) + timedelta(minutes=key.whole("minutes"))
            first = [float(getattr(bar, field)) for bar in today if bar.start < ends]
            known = choose(first) if len(first) == whole else None
            found += [known if bar.start + timedelta(minutes=key.timeframe) >= ends else None for bar in today]
        return found

    return compute


def _opens(day: date) -> datetime:
    session = TradingCalendar.load().session(day)
    assert session is not None, f"bars of {day}, which did not trade"  # noqa: S101
    return session.opens


def _day_before(take: Callable[[list[Bar]], float]) -> Callable[..., Values]:
    """One price of the day before, the same all day long; unknown on the first day there is."""

    def compute(_: SeriesKey, bars: Sequence[Bar]) -> Values:
        found: Values = []
        before: float | None = None
        for _day, members in groupby(bars, key=_day_of):
            today = list(members)
            found += [before] * len(today)
            before = take(today)
        return found

    return compute


def _day_of(bar: Bar) -> date:
    return bar.start.date()


_STUDIES: dict[Study, Callable[[SeriesKey, Sequence[Bar]], Values]] = {
    Study.OPEN: _own("open"),
    Study.HIGH: _own("high"),
    Study.LOW: _own("low"),
    Study.CLOSE: _own("close"),
    Study.VOLUME: _own("volume"),
    Study.VIX: _own("close"),
    Study.VWAP: _vwap,
    Study.SMA: _of_closes(lambda key, closes: list(SMA(key.whole("length"), input_values=closes))),
    Study.EMA: _of_closes(lambda key, closes: list(EMA(key.whole("length"), input_values=closes))),
    Study.RSI: _of_closes(lambda key, closes: list(RSI(key.whole("length"), input_values=closes))),
    Study.ATR: _of_bars(lambda key, candles: list(ATR(key.whole("length"), input_values=candles))),
    Study.ADX: _of_bars(
        lambda key, candles: _field("adx", ADX(key.whole("length"), key.whole("length"), input_values=candles))
    ),
    Study.SUPERTREND: _of_bars(_supertrend),
    Study.MACD: _macd("macd"),
    Study.MACD_SIGNAL: _macd("signal"),
    Study.MACD_HISTOGRAM: _macd("histogram"),
    Study.BB_UPPER: _band("ub"),
    Study.BB_MIDDLE: _band("cb"),
    Study.BB_LOWER: _band("lb"),
    Study.OR_HIGH: _opening_range(max, "high"),
    Study.OR_LOW: _opening_range(min, "low"),
    Study.PREV_HIGH: _day_before(lambda day: max(float(bar.high) for bar in day)),
    Study.PREV_LOW: _day_before(lambda day: min(float(bar.low) for bar in day)),
    Study.PREV_CLOSE: _day_before(lambda day: float(day[-1].close)),
}
