"""When an indicator-based strategy would enter and leave. Checked and stored; no machine evaluates it yet.

A condition compares two operands on closed candles: ``{"left": {"indicator": "EMA", "length": 9}, "compare":
"crosses_above", "right": {"indicator": "EMA", "length": 21}}``; a number may stand on the right.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from tasks.domain.fields import Model

MAX_CONDITIONS = 10


class Source(StrEnum):
    """Whose candles are looked at."""

    SPOT = "spot"
    FUTURE = "future"


class Series(StrEnum):
    """One value of a candle."""

    OPEN = "OPEN"
    HIGH = "HIGH"
    LOW = "LOW"
    CLOSE = "CLOSE"
    VOLUME = "VOLUME"


class Study(StrEnum):
    """An indicator over `length` candles."""

    SMA = "SMA"
    EMA = "EMA"
    RSI = "RSI"
    ATR = "ATR"
    ADX = "ADX"
    VWAP = "VWAP"
    SUPERTREND = "SUPERTREND"


class Comparison(StrEnum):
    ABOVE = "above"
    BELOW = "below"
    CROSSES_ABOVE = "crosses_above"
    CROSSES_BELOW = "crosses_below"


class Price(Model):
    """A candle's own value, `shift` candles ago."""

    series: Series
    shift: int = Field(default=0, ge=0, le=100)


class Indicator(Model):
    """`multiplier` is SUPERTREND's; VWAP counts from the session's open and has no length."""

    indicator: Study
    length: int | None = Field(default=None, ge=1, le=500, validate_default=True)
    multiplier: Decimal | None = Field(default=None, gt=0, le=20, strict=False, validate_default=True)
    shift: int = Field(default=0, ge=0, le=100)

    @field_validator("length", mode="after")
    @classmethod
    def _length_fits(cls, length: int | None, info: ValidationInfo) -> int | None:
        study = info.data.get("indicator")
        if study is Study.VWAP and length is not None:
            raise ValueError("VWAP counts from the session's open and takes no length")
        if study not in (None, Study.VWAP) and length is None:
            raise ValueError(f"is missing: over how many candles is the {study}?")
        return length

    @field_validator("multiplier", mode="after")
    @classmethod
    def _multiplier_fits(cls, multiplier: Decimal | None, info: ValidationInfo) -> Decimal | None:
        study = info.data.get("indicator")
        if study is Study.SUPERTREND and multiplier is None:
            raise ValueError("is missing: how many ATR away is the SUPERTREND?")
        if study not in (None, Study.SUPERTREND) and multiplier is not None:
            raise ValueError(f"only SUPERTREND takes a multiplier, not {study}")
        return multiplier


Operand = Price | Indicator


class Condition(Model):
    left: Operand
    compare: Comparison
    right: Operand | Annotated[Decimal, Field(strict=False)]


class Rule(Model):
    """`match` says whether all or any of the conditions must hold."""

    match: Literal["all", "any"] = "all"
    conditions: tuple[Condition, ...] = Field(min_length=1, max_length=MAX_CONDITIONS)


class Indicators(Model):
    """Evaluated when a candle of `timeframe` minutes closes, between the strategy's entry and exit times."""

    timeframe: Literal[1, 3, 5, 10, 15, 30, 60]
    source: Source = Source.SPOT
    entry: Rule
    exit: Rule | None = None
