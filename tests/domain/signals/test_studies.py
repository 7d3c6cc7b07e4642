"""Each study against TA-Lib, or where it has none against the definition: 100 seeded series, 1e-6."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from statistics import pstdev

import numpy as np
import numpy.typing as npt
import pytest
import talib

from brokers.model import Bar
from tasks.domain.signals.operands import Operand, SeriesKey, short_form
from tasks.domain.signals.studies import Values, values, warm_up
from tests.domain.signals.series import bars

Array = npt.NDArray[np.float64]
SEEDS = range(100)
BARS = 600
COMPARED = 100
"""The newest bars: what is left of a study's first guess there is less than a millionth."""


def key(text: str, timeframe: int = 5) -> SeriesKey:
    return Operand.model_validate(short_form(text), strict=False).key(timeframe)


def columns(series: list[Bar]) -> dict[str, Array]:
    names = ("open", "high", "low", "close", "volume")
    return {name: np.array([float(getattr(bar, name)) for bar in series]) for name in names}


def supertrend(of: dict[str, Array], length: int, multiplier: float) -> Array:
    """As Olivier Seban defines it, on TA-Lib's ATR: bands that only tighten until a close breaks them."""
    atr = talib.ATR(of["high"], of["low"], of["close"], length)
    middle = (of["high"] + of["low"]) / 2
    upper, lower = middle + multiplier * atr, middle - multiplier * atr
    close, line = of["close"], np.full(len(atr), np.nan)
    up, top, bottom = True, np.nan, np.nan
    for n in range(length, len(close)):
        top = upper[n] if np.isnan(top) or upper[n] < top or close[n - 1] > top else top
        bottom = lower[n] if np.isnan(bottom) or lower[n] > bottom or close[n - 1] < bottom else bottom
        up = close[n] >= bottom if up else close[n] > top
        line[n] = bottom if up else top
    return line


def vwap(series: list[Bar]) -> Array:
    found: list[float] = []
    for _, members in groupby(series, key=lambda bar: bar.start.date()):
        of = columns(list(members))
        typical = (of["high"] + of["low"] + of["close"]) / 3
        found += list(np.cumsum(typical * of["volume"]) / np.cumsum(of["volume"]))
    return np.array(found)


Oracle = Callable[[dict[str, Array]], Array]
ORACLES: dict[str, Oracle] = {
    "sma(20)": lambda of: talib.SMA(of["close"], 20),
    "ema(21)": lambda of: talib.EMA(of["close"], 21),
    "rsi(14)": lambda of: talib.RSI(of["close"], 14),
    "atr(14)": lambda of: talib.ATR(of["high"], of["low"], of["close"], 14),
    "adx(7)": lambda of: talib.ADX(of["high"], of["low"], of["close"], 7),
    "macd": lambda of: talib.MACD(of["close"])[0],
    "macd_signal": lambda of: talib.MACD(of["close"])[1],
    "macd_histogram": lambda of: talib.MACD(of["close"])[2],
    "bb_upper(20, 2)": lambda of: talib.BBANDS(of["close"], 20, 2, 2)[0],
    "bb_middle(20, 2)": lambda of: talib.BBANDS(of["close"], 20, 2, 2)[1],
    "bb_lower(20, 2)": lambda of: talib.BBANDS(of["close"], 20, 2, 2)[2],
    "supertrend(10, 3)": lambda of: supertrend(of, 10, 3),
}


def known(found: Values) -> list[float]:
    return [value for value in found[-COMPARED:] if value is not None]


def newest(found: Array) -> list[float]:
    return [float(value) for value in found[-COMPARED:]]


@pytest.fixture(scope="module", params=SEEDS)
def series(request: pytest.FixtureRequest) -> list[Bar]:
    return bars(request.param, BARS)


def test_every_study_is_the_other_librarys(series: list[Bar]) -> None:
    of = columns(series)
    for text, oracle in ORACLES.items():
        assert known(values(key(text), series)) == pytest.approx(newest(oracle(of)), rel=1e-6, abs=1e-6), text
    assert known(values(key("future.vwap"), series)) == pytest.approx(newest(vwap(series)), rel=1e-6)


@pytest.mark.parametrize("text", ["ema(21)", "rsi(14)", "atr(14)", "macd_signal"])
def test_a_value_that_is_known_hardly_remembers_where_the_bars_began(text: str) -> None:
    """Two histories that differ in what came before agree from the first known value on, to a thousandth."""
    long = bars(7, 900)
    short = long[-warm_up(key(text)) - 1 :]
    spread = pstdev([value for value in values(key(text), long) if value is not None])
    assert values(key(text), short)[-1] == pytest.approx(values(key(text), long)[-1], abs=5e-3 * spread)


@pytest.mark.parametrize("text", [*ORACLES])
def test_with_too_few_bars_a_study_is_unknown(text: str) -> None:
    needed = warm_up(key(text))
    assert values(key(text), bars(1, needed)) == [None] * needed
    assert values(key(text), bars(1, needed + 1))[-1] is not None
    assert values(key(text), []) == []
