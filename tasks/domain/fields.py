"""The small types that strategies and events share: times of day, weekdays, days to expiry, ids."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, time
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from tasks.domain.explain import shown

MAX_DTE = 366
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


class Model(BaseModel):
    """Frozen, strict, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Weekday(StrEnum):
    """Saturday and Sunday are here because the exchange opens on some, for a Union Budget."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"

    @classmethod
    def of(cls, day: date) -> Weekday:
        return tuple(cls)[day.weekday()]


def _time(value: Any) -> time:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError(f'must be a time of day like "09:30" in IST, not {shown(value)}')
    return time.fromisoformat(value)


def _weekdays(value: Any) -> tuple[Weekday, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f'must be a list like ["MON", "WED"], not {shown(value)}')
    if not value:
        raise ValueError("names no weekday, so it would never trade")
    unknown = [day for day in value if day not in tuple(Weekday)]
    if unknown:
        raise ValueError(f"{shown(unknown[0])} is not a weekday; use {', '.join(Weekday)}")
    return tuple(day for day in Weekday if day in value)


def _dte(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    days = value if isinstance(value, list | tuple) else [value]
    for day in days:
        if type(day) is not int or not 0 <= day <= MAX_DTE:
            raise ValueError(
                f"must be a whole number of days to expiry (0 is expiry day), a list of them, or null for "
                f"any, not {shown(day)}"
            )
    return tuple(sorted(set(days)))


def _matching(pattern: str, words: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"must be {words}, not {shown(text)}")
        return text

    return check


def _plain(text: str) -> str:
    """Text for people: no control characters, no markup. ZWJ and ZWNJ stay, Indian scripts need them."""
    for char in text:
        if char not in _ALLOWED and unicodedata.category(char) in _NOT_TEXT:
            raise ValueError(f"holds the character U+{ord(char):04X}, which is not text")
    if found := _MARKUP.search(text):
        raise ValueError(f"holds markup ({shown(found[0])}): write plain text")
    return text


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("must be one line")
    if text != text.strip():
        raise ValueError("begins or ends with a blank")
    return text


def distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is named twice."""
    if len(set(values)) < len(values):
        twice = next(value for n, value in enumerate(values) if value in values[:n])
        raise ValueError(f"names {shown(twice)} twice")
    return values


_ALLOWED = "\n\u200c\u200d"
_NOT_TEXT = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_MARKUP = re.compile(r"<\s*[A-Za-z/!?]|javascript\s*:|&#", re.IGNORECASE)

Label = Annotated[str, Field(max_length=80), AfterValidator(_plain), AfterValidator(_one_line)]
"""A name people give: one line of plain text, at most 80 characters."""

Description = Annotated[str, Field(max_length=2000), AfterValidator(_plain)]
"""Plain text of several lines, at most 2,000 characters."""

TimeOfDay = Annotated[
    time,
    PlainValidator(_time),
    PlainSerializer(lambda value: f"{value:%H:%M}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["09:30"]}),
]
"""IST, to the minute: "09:30"."""

Weekdays = Annotated[
    tuple[Weekday, ...],
    PlainValidator(_weekdays),
    PlainSerializer(lambda days: [day.value for day in days], return_type=list[str]),
    WithJsonSchema(
        {"type": "array", "minItems": 1, "items": {"type": "string", "enum": [day.value for day in Weekday]}}
    ),
]
"""In the week's order, each once."""

_DAYS = {"type": "integer", "minimum": 0, "maximum": MAX_DTE}
Dte = Annotated[
    tuple[int, ...],
    PlainValidator(_dte),
    PlainSerializer(list, return_type=list[int]),
    WithJsonSchema({"anyOf": [_DAYS, {"type": "array", "items": _DAYS}, {"type": "null"}]}),
]
"""Days to expiry on which to trade; empty means any."""

Name = Annotated[str, AfterValidator(_matching(r"[A-Za-z0-9._:@-]{1,128}", "letters, digits and . _ : @ -"))]
MaybeName = Annotated[
    str, AfterValidator(_matching(r"[A-Za-z0-9._:@-]{0,128}", "letters, digits and . _ : @ -, or nothing"))
]
StrategyId = Annotated[
    str,
    AfterValidator(_matching(r"[a-z0-9-]{1,24}", "1 to 24 lower-case letters, digits and hyphens")),
    Field(json_schema_extra={"pattern": "^[a-z0-9-]{1,24}$"}),
]
BasketId = Annotated[
    str,
    AfterValidator(_matching(r"[a-z0-9-]{1,32}", "1 to 32 lower-case letters, digits and hyphens")),
    Field(json_schema_extra={"pattern": "^[a-z0-9-]{1,32}$"}),
]
AccountId = Annotated[
    str,
    AfterValidator(_matching(r"[A-Z0-9]{2,12}", "2 to 12 capital letters and digits, such as ZA1234")),
    Field(json_schema_extra={"pattern": "^[A-Z0-9]{2,12}$"}),
]
RunId = Annotated[
    str,
    AfterValidator(
        _matching(
            r"S|M[1-9]\d{0,3}|I[0-2]\d[0-5]\d",
            "S for the schedule, M1 to M9999 by hand, or I0935 for a signal of the bar that closed then",
        )
    ),
]
"""Strategy and account ids are short because an execution's name, at most 80 characters, holds both."""
