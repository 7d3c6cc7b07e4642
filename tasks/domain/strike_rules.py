"""How a leg says which strike it wants: an object, or in short ``"ATM+1"``, ``58400``, ``"premium >= 120"``."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tasks.domain.explain import shown
from tasks.domain.fields import Model

_ATM = re.compile(r"ATM(?:\s*([+-]\s*\d{1,3}))?", re.IGNORECASE)
_PREMIUM = re.compile(r"premium\s*(~|≈|>=|≥|<=|≤)\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Compare(StrEnum):
    """How a premium is met. NEAREST takes the closest either way."""

    NEAREST = "NEAREST"
    AT_LEAST = "AT_LEAST"
    AT_MOST = "AT_MOST"


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
        sign = {Compare.NEAREST: "≈", Compare.AT_LEAST: "≥", Compare.AT_MOST: "≤"}[self.compare]
        return f"premium {sign} {self.premium}"


AnyStrike = AtmStrike | ExactStrike | PremiumStrike


def _rule(value: Any) -> AnyStrike:
    if isinstance(value, AnyStrike):
        return value
    if isinstance(value, dict):
        return _from_fields(value)
    parsed = None if isinstance(value, bool) else _from_text(str(value).strip())
    if parsed is None:
        raise ValueError(
            f'must be "ATM", "ATM+1", a strike, "premium ~ 100", "premium >= 100" or "premium <= 100", '
            f"not {shown(value)}"
        )
    return parsed


def _from_fields(fields: dict[str, Any]) -> AnyStrike:
    kind = fields.get("rule")
    if kind == "ATM":
        return AtmStrike.model_validate(fields)
    if kind == "EXACT":
        return ExactStrike.model_validate(fields, strict=False)
    if kind == "PREMIUM":
        return PremiumStrike.model_validate(fields, strict=False)
    raise ValueError(f"its `rule` must be ATM, EXACT or PREMIUM, not {shown(kind)}")


def _from_text(text: str) -> AnyStrike | None:
    if atm := _ATM.fullmatch(text):
        return AtmStrike(offset=int((atm[1] or "0").replace(" ", "")))
    if premium := _PREMIUM.fullmatch(text):
        return PremiumStrike(compare=_COMPARE[premium[1]], premium=Decimal(premium[2]))
    if _NUMBER.fullmatch(text):
        return ExactStrike(strike=Decimal(text))
    return None


StrikeRule = Annotated[AnyStrike, BeforeValidator(_rule, json_schema_input_type=AnyStrike | str | float)]
