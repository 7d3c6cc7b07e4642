"""How a leg says which strike it wants: an object, or in short.

``"ATM+1"``, ``58400``, ``"premium >= 120"``, ``"delta ~ 0.3"``, ``"ATM+1.5%"``, ``"ATM-0.5 straddle"``.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tasks.domain.explain import shown
from tasks.domain.fields import Model

_ATM = re.compile(r"ATM(?:\s*([+-]\s*\d{1,3}))?", re.IGNORECASE)
_VALUE = re.compile(r"(premium|delta)\s*(~|≈|>=|≥|<=|≤)\s*(\d*\.\d+|\d+)", re.IGNORECASE)
_AWAY = re.compile(r"ATM\s*([+-])\s*(\d*\.\d+|\d+)\s*(%|straddle)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Compare(StrEnum):
    """How a premium or a delta is met. NEAREST takes the closest either way."""

    NEAREST = "NEAREST"
    AT_LEAST = "AT_LEAST"
    AT_MOST = "AT_MOST"


_SIGNS = {Compare.NEAREST: "≈", Compare.AT_LEAST: "≥", Compare.AT_MOST: "≤"}
_COMPARE = {
    "~": Compare.NEAREST,
    "≈": Compare.NEAREST,
    ">=": Compare.AT_LEAST,
    "≥": Compare.AT_LEAST,
    "<=": Compare.AT_MOST,
    "≤": Compare.AT_MOST,
}


class AtmStrike(Model):
    """The listed strike nearest to spot, or the nth one above (+) or below (-), for calls and puts alike."""

    rule: Literal["ATM"] = "ATM"
    offset: int = Field(default=0, ge=-100, le=100)

    def __str__(self) -> str:
        return f"ATM{self.offset:+d}" if self.offset else "ATM"


class ExactStrike(Model):
    rule: Literal["EXACT"] = "EXACT"
    strike: Decimal = Field(gt=0)

    def __str__(self) -> str:
        return f"strike {self.strike}"


class PremiumStrike(Model):
    """The strike whose last price, in rupees a unit, is nearest to, at least or at most `premium`."""

    rule: Literal["PREMIUM"] = "PREMIUM"
    compare: Compare = Compare.NEAREST
    premium: Decimal = Field(gt=0)

    def __str__(self) -> str:
        return f"premium {_SIGNS[self.compare]} {self.premium}"


class DeltaStrike(Model):
    """The strike whose delta, a put's without its sign, is nearest to, at least or at most `delta`."""

    rule: Literal["DELTA"] = "DELTA"
    compare: Compare = Compare.NEAREST
    delta: Decimal = Field(gt=0, lt=1)

    def __str__(self) -> str:
        return f"delta {_SIGNS[self.compare]} {self.delta}"


class StraddleStrike(Model):
    """The strike nearest to ATM plus `multiple` times the price of the ATM straddle; below ATM if negative."""

    rule: Literal["STRADDLE"] = "STRADDLE"
    multiple: Decimal = Field(ge=-10, le=10)

    def __str__(self) -> str:
        return f"ATM{self.multiple:+} straddle"


class AtmPercentStrike(Model):
    """The strike nearest to ATM plus `percent` of it; below ATM if negative."""

    rule: Literal["ATM_PERCENT"] = "ATM_PERCENT"
    percent: Decimal = Field(ge=-50, le=50)

    def __str__(self) -> str:
        return f"ATM{self.percent:+}%"


AnyStrike = AtmStrike | ExactStrike | PremiumStrike | DeltaStrike | StraddleStrike | AtmPercentStrike
_BY_NAME: dict[str, type[AnyStrike]] = {
    "ATM": AtmStrike,
    "EXACT": ExactStrike,
    "PREMIUM": PremiumStrike,
    "DELTA": DeltaStrike,
    "STRADDLE": StraddleStrike,
    "ATM_PERCENT": AtmPercentStrike,
}


def _rule(value: Any) -> AnyStrike:
    if isinstance(value, AnyStrike):
        return value
    if isinstance(value, dict):
        return _from_fields(value)
    parsed = None if isinstance(value, bool) else _from_text(str(value).strip())
    if parsed is None:
        raise ValueError(
            'must be "ATM", "ATM+1", a strike, "premium ~ 100" (or >=, <=), "delta ~ 0.3", "ATM+1.5%" or '
            f'"ATM-0.5 straddle", not {shown(value)}'
        )
    return parsed


def _from_fields(fields: dict[str, Any]) -> AnyStrike:
    kind = fields.get("rule")
    model = _BY_NAME.get(kind) if isinstance(kind, str) else None
    if model is None:
        *first, last = _BY_NAME
        raise ValueError(f"its `rule` must be {', '.join(first)} or {last}, not {shown(kind)}")
    return model.model_validate(fields, strict=model is AtmStrike)


def _from_text(text: str) -> AnyStrike | None:
    if atm := _ATM.fullmatch(text):
        return AtmStrike(offset=int((atm[1] or "0").replace(" ", "")))
    if value := _VALUE.fullmatch(text):
        compare, number = _COMPARE[value[2]], Decimal(value[3])
        if value[1].lower() == "delta":
            return DeltaStrike(compare=compare, delta=number)
        return PremiumStrike(compare=compare, premium=number)
    if away := _AWAY.fullmatch(text):
        distance = Decimal(f"{away[1]}{away[2]}")
        return AtmPercentStrike(percent=distance) if away[3] == "%" else StraddleStrike(multiple=distance)
    if _NUMBER.fullmatch(text):
        return ExactStrike(strike=Decimal(text))
    return None


StrikeRule = Annotated[AnyStrike, BeforeValidator(_rule, json_schema_input_type=AnyStrike | str | float)]
