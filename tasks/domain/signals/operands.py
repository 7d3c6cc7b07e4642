"""One series of values, as a condition names it: an object, or in short.

``"close"``, ``"ema(21)"``, ``"supertrend(10, 3)"``, ``"premium.vwap"``, ``"rsi(14)@15m"``, ``"close[1]"``:
what of the bar or which study, of the underlying unless `future.` or `premium.` stands before it, on the
strategy's timeframe unless `@15m` says another, that many closed bars ago.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tasks.domain.explain import shown
from tasks.domain.fields import Model

Timeframe = Literal[1, 3, 5, 10, 15, 30, 60]
"""Minutes of a bar, counted from the session's open, as Kite's candles are."""

MAX_LENGTH = 500


class Subject(StrEnum):
    """Whose bars. PREMIUM is the price of all legs together: what selling brings in less what buying costs."""

    UNDERLYING = "underlying"
    FUTURE = "future"
    PREMIUM = "premium"


class Study(StrEnum):
    """What is looked at. The first five are the bar's own."""

    OPEN = "OPEN"
    HIGH = "HIGH"
    LOW = "LOW"
    CLOSE = "CLOSE"
    VOLUME = "VOLUME"
    VWAP = "VWAP"
    SMA = "SMA"
    EMA = "EMA"
    RSI = "RSI"
    ATR = "ATR"
    ADX = "ADX"
    SUPERTREND = "SUPERTREND"
    MACD = "MACD"
    MACD_SIGNAL = "MACD_SIGNAL"
    MACD_HISTOGRAM = "MACD_HISTOGRAM"
    BB_UPPER = "BB_UPPER"
    BB_MIDDLE = "BB_MIDDLE"
    BB_LOWER = "BB_LOWER"
    OR_HIGH = "OR_HIGH"
    OR_LOW = "OR_LOW"
    PREV_HIGH = "PREV_HIGH"
    PREV_LOW = "PREV_LOW"
    PREV_CLOSE = "PREV_CLOSE"
    VIX = "VIX"


_MACD = {"fast": 12, "slow": 26, "signal": 9}
_BANDS = {"length": 20, "multiplier": Decimal(2)}
PARAMETERS: dict[Study, dict[str, Any]] = {
    Study.SMA: {"length": None},
    Study.EMA: {"length": None},
    Study.RSI: {"length": 14},
    Study.ATR: {"length": 14},
    Study.ADX: {"length": 14},
    Study.SUPERTREND: {"length": 10, "multiplier": Decimal(3)},
    Study.MACD: _MACD,
    Study.MACD_SIGNAL: _MACD,
    Study.MACD_HISTOGRAM: _MACD,
    Study.BB_UPPER: _BANDS,
    Study.BB_MIDDLE: _BANDS,
    Study.BB_LOWER: _BANDS,
    Study.OR_HIGH: {"minutes": 15},
    Study.OR_LOW: {"minutes": 15},
}
"""What each study takes, in the order of its short form, with what it is if nobody says: None must be said."""

_NAMES = ("length", "multiplier", "fast", "slow", "signal", "minutes")
_VOLUME = (Study.VOLUME, Study.VWAP)
_SHORT = re.compile(
    r"(?:(?P<on>underlying|future|premium)\.)?(?P<study>[a-z_]+)\s*(?:\((?P<arguments>[^()]*)\))?"
    r"(?:@(?P<timeframe>\d{1,3})m)?(?:\[(?P<shift>\d{1,3})\])?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What two conditions share if they mean the same values, whatever the shift."""

    on: Subject
    study: Study
    timeframe: int
    parameters: tuple[tuple[str, int | Decimal], ...]

    def parameter(self, name: str) -> int | Decimal:
        return dict(self.parameters)[name]

    def whole(self, name: str) -> int:
        return int(self.parameter(name))

    def __str__(self) -> str:
        subject = "" if self.on is Subject.UNDERLYING else f"{self.on}."
        inside = ", ".join(f"{value}" for _, value in self.parameters)
        return f"{subject}{self.study}{f'({inside})' if inside else ''}"


class Operand(Model):
    """`length` is in bars, `minutes` the opening range's, `multiplier` how many ATR or deviations away."""

    series: Study
    length: int | None = Field(default=None, ge=1, le=MAX_LENGTH)
    multiplier: Decimal | None = Field(default=None, gt=0, le=20, strict=False)
    fast: int | None = Field(default=None, ge=1, le=MAX_LENGTH)
    slow: int | None = Field(default=None, ge=2, le=MAX_LENGTH)
    signal: int | None = Field(default=None, ge=1, le=MAX_LENGTH)
    minutes: int | None = Field(default=None, ge=1, le=180)
    on: Subject = Subject.UNDERLYING
    timeframe: Timeframe | None = None
    shift: int = Field(default=0, ge=0, le=100)

    @model_validator(mode="after")
    def _parameters_fit(self) -> Operand:
        takes = PARAMETERS.get(self.series, {})
        for name in _NAMES:
            if getattr(self, name) is not None and name not in takes:
                told = f"takes {' and '.join(takes)}" if takes else "takes no parameters"
                raise ValueError(f"{name} is none of {self.series}: it {told}")
        missing = [name for name in takes if self.parameter(name) is None]
        if missing:
            raise ValueError(f"{missing[0]} is missing: over how many bars is the {self.series}?")
        if "fast" in takes and not self._known("fast") < self._known("slow"):
            raise ValueError(f"fast {self._known('fast')} must be less than slow {self._known('slow')}")
        if self.series in _VOLUME and self.on is Subject.UNDERLYING:
            raise ValueError(f"an index has no volume: use future.{self.series.lower()} or premium's")
        if self.series is Study.VIX and self.on is not Subject.UNDERLYING:
            raise ValueError(f"India VIX is an index of its own: it has no {self.on}")
        return self

    def parameter(self, name: str) -> int | Decimal | None:
        said: int | Decimal | None = getattr(self, name)
        return said if said is not None else PARAMETERS[self.series][name]

    def _known(self, name: str) -> int | Decimal:
        value = self.parameter(name)
        assert value is not None  # noqa: S101  (checked when the document was read)
        return value

    def key(self, timeframe: int) -> SeriesKey:
        """On bars of `timeframe` minutes, if it names no other."""
        takes = PARAMETERS.get(self.series, {})
        known = tuple((name, self._known(name)) for name in takes)
        return SeriesKey(self.on, self.series, self.timeframe or timeframe, known)

    def __str__(self) -> str:
        frame = f"@{self.timeframe}m" if self.timeframe else ""
        return f"{self.key(1)}{frame}{f'[{self.shift}]' if self.shift else ''}"


def short_form(text: str) -> dict[str, Any]:
    """The fields that a short form means. Raises ValueError if it means nothing."""
    found = _SHORT.fullmatch(text.strip())
    if found is None or found["study"].upper() not in tuple(Study):
        raise ValueError(
            f'must be a series such as "close", "ema(21)" or "premium.vwap@5m[1]", not {shown(text)}; '
            f"there are {', '.join(Study)}"
        )
    study = Study(found["study"].upper())
    fields: dict[str, Any] = {"series": study, **_arguments(study, found["arguments"])}
    if found["on"]:
        fields["on"] = found["on"].lower()
    for name in ("timeframe", "shift"):
        if found[name]:
            fields[name] = int(found[name])
    return fields


def _arguments(study: Study, text: str | None) -> dict[str, Any]:
    values = [part.strip() for part in text.split(",")] if text and text.strip() else []
    names = tuple(PARAMETERS.get(study, {}))
    if len(values) > len(names):
        told = f"at most {', '.join(names)}" if names else "nothing"
        raise ValueError(f"{study} takes {told} in its brackets, not {shown(text)}")
    for value in values:
        if not _NUMBER.fullmatch(value):
            raise ValueError(f"{study}: {shown(value)} is not a number")
    return {
        name: value if name == "multiplier" else _whole(study, name, value)
        for name, value in zip(names, values, strict=False)
    }


def _whole(study: Study, name: str, text: str) -> int:
    if "." in text:
        raise ValueError(f"{study}: {name} must be a whole number, not {text}")
    return int(text)


def _operand(value: Any) -> Any:
    if isinstance(value, str):
        return Operand.model_validate(short_form(value), strict=False)
    if isinstance(value, dict):
        return Operand.model_validate_json(json.dumps(value, default=str))
    return value


AnyOperand = Annotated[Operand, BeforeValidator(_operand, json_schema_input_type=Operand | str)]
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?")


def _value(value: Any) -> Any:
    if isinstance(value, str) and _PLAIN.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, str | dict):
        return _operand(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Operand):
        raise ValueError(f"must be a number or a series, not {shown(value)}")
    return value if isinstance(value, Operand) else Decimal(str(value))


def _finite(value: Operand | Decimal) -> Operand | Decimal:
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError(f"must be a number or a series, not {value}")
    return value


Value = Annotated[
    Operand | Decimal,
    BeforeValidator(_value, json_schema_input_type=Operand | str | float),
    AfterValidator(_finite),
]
"""A series, or a number that it is compared with."""
