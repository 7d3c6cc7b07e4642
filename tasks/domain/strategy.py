"""What a trader wants: when, on which index, which legs.

>>> parse_strategy({"strategy_id": "s", "underlying": "NIFTY", "entry_time": "09:30", "exit_time": "09:15",
...                 "weekdays": ["MON"], "legs": [{"side": "SELL", "right": "CE", "lots": 1, "strike": "ATM"}]})
Traceback (most recent call last):
tasks.domain.errors.InvalidStrategy: strategy 's': exit_time: 09:15 is not after entry_time 09:30; …
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from brokers.model import Exchange, Product, Right, Side
from tasks.domain.chase import Chase, EntryLimit, ExitLimit
from tasks.domain.errors import InvalidStrategy
from tasks.domain.explain import problems, shown
from tasks.domain.fields import AccountId, Dte, Label, Model, StrategyId, TimeOfDay, Weekdays
from tasks.domain.indicators import Indicators
from tasks.domain.payload import Payload, parse_payload
from tasks.domain.stored import content
from tasks.domain.strike_rules import AnyStrike, AtmStrike, Compare, ExactStrike, PremiumStrike, StrikeRule
from tasks.domain.underlyings import UNDERLYINGS, Underlying, underlying

__all__ = [
    "AnyStrike",
    "AtmStrike",
    "Compare",
    "ExactStrike",
    "ExpiryRule",
    "Leg",
    "OnLegReject",
    "Payload",
    "PremiumStrike",
    "Strategy",
    "StrategyDraft",
    "parse_draft",
    "parse_payload",
    "parse_strategy",
]

MAX_LEGS = 20
MAX_LOTS = 1000
MAX_GRACE_SECONDS = 3600


class ExpiryRule(StrEnum):
    """Which of the listed expiries a leg trades; see `tasks.domain.expiries`."""

    NEAREST = "nearest"
    THIS_WEEK = "this_week"
    NEXT_WEEK = "next_week"
    THIS_MONTH = "this_month"
    NEXT_MONTH = "next_month"


class OnLegReject(StrEnum):
    """What becomes of the other legs when one is rejected on the way in."""

    UNWIND = "unwind"
    KEEP = "keep"


def _side_has_default(schema: dict[str, Any]) -> None:
    """A leg without a side takes the strategy's, so an author may leave it out."""
    schema["required"].remove("side")


class Leg(Model):
    """One contract to trade. A future has no strike, an option must have one."""

    model_config = ConfigDict(json_schema_extra=_side_has_default)

    side: Side
    right: Right
    lots: int = Field(ge=1, le=MAX_LOTS)
    expiry: ExpiryRule = ExpiryRule.NEAREST
    strike: StrikeRule | None = Field(default=None, validate_default=True)

    @field_validator("strike", mode="after")
    @classmethod
    def _fits_right(cls, strike: AnyStrike | None, info: ValidationInfo) -> AnyStrike | None:
        right = info.data.get("right")
        if right is Right.FUT and strike is not None:
            raise ValueError("a future has no strike")
        if right in (Right.CE, Right.PE) and strike is None:
            raise ValueError('is missing: say which strike, such as "ATM"')
        return strike


def _known_underlying(name: str) -> str:
    if name not in UNDERLYINGS:
        raise ValueError(f"{shown(name)} is not an index traded here; use {', '.join(UNDERLYINGS)}")
    return name


def _within(last_entry: time, entry_time: time | None, exit_time: time | None) -> None:
    if entry_time is not None and exit_time is not None and not entry_time <= last_entry < exit_time:
        raise ValueError(
            f"last_entry {last_entry:%H:%M} is not between entry_time {entry_time:%H:%M} and exit_time "
            f"{exit_time:%H:%M}"
        )


class StrategyDraft(Model):
    """A strategy as its author writes it. Times are IST, `grace_seconds` is how late an entry may be.

    `transaction_type` is the default side of legs that name none. `accounts` are broker accounts it trades in.
    An NRML position is still squared off at `exit_time`: nothing is held overnight. What is triggered by
    `indicators` enters when they say so, from `entry_time` on.
    """

    name: Label = ""
    underlying: Annotated[
        str, AfterValidator(_known_underlying), Field(json_schema_extra={"enum": list(UNDERLYINGS)})
    ]
    entry_time: TimeOfDay
    exit_time: TimeOfDay
    weekdays: Weekdays
    dte: Dte = ()
    transaction_type: Side | None = None
    product: Product = Product.MIS
    trigger: Literal["time", "indicator"] = "time"
    indicators: Indicators | None = Field(default=None, validate_default=True)
    legs: tuple[Leg, ...] = Field(json_schema_extra={"minItems": 1, "maxItems": MAX_LEGS})
    on_leg_reject: OnLegReject = OnLegReject.UNWIND
    chase: Chase = Chase()
    grace_seconds: int = Field(default=300, ge=0, le=MAX_GRACE_SECONDS)
    accounts: tuple[AccountId, ...] = ()

    @field_validator("exit_time", mode="after")
    @classmethod
    def _exit_after_entry(cls, exit_time: Any, info: ValidationInfo) -> Any:
        entry_time = info.data.get("entry_time")
        if entry_time is not None and exit_time <= entry_time:
            raise ValueError(
                f"{exit_time:%H:%M} is not after entry_time {entry_time:%H:%M}; "
                "a position is closed on the day it was opened"
            )
        return exit_time

    @field_validator("indicators", mode="after")
    @classmethod
    def _indicators_fit(cls, indicators: Indicators | None, info: ValidationInfo) -> Indicators | None:
        trigger = info.data.get("trigger")
        if trigger == "indicator" and indicators is None:
            raise ValueError("is missing: an indicator-based strategy says what it waits for")
        if trigger == "time" and indicators is not None:
            raise ValueError('belongs to trigger "indicator", and this strategy enters by time')
        if indicators is not None and indicators.last_entry is not None:
            _within(indicators.last_entry, info.data.get("entry_time"), info.data.get("exit_time"))
        return indicators

    @field_validator("legs", mode="after")
    @classmethod
    def _some_legs(cls, legs: tuple[Leg, ...], info: ValidationInfo) -> tuple[Leg, ...]:
        if not legs:
            raise ValueError("has no legs, so there is nothing to trade")
        if len(legs) > MAX_LEGS:
            raise ValueError(f"has {len(legs)} legs, at most {MAX_LEGS} are possible")
        indicators = info.data.get("indicators")
        if indicators is not None and indicators.looks_at_premium and any(leg.strike is None for leg in legs):
            raise ValueError("has a future, which has no premium: indicators on the premium need options only")
        return legs

    @field_validator("accounts", mode="after")
    @classmethod
    def _distinct_accounts(cls, accounts: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(accounts)) < len(accounts):
            raise ValueError("names an account twice, which would trade twice in it")
        return accounts


class Strategy(StrategyDraft):
    """A strategy with its place in the catalog. Disabled, it enters nothing; its exits go on."""

    strategy_id: StrategyId
    basket_id: str = Field(default="", max_length=128)
    enabled: bool = True

    @property
    def index(self) -> Underlying:
        return underlying(self.underlying)

    @property
    def exchange(self) -> Exchange:
        return self.index.exchange

    @property
    def expiry_rules(self) -> tuple[ExpiryRule, ...]:
        """The rules its legs use, each once, in their order."""
        return tuple(dict.fromkeys(leg.expiry for leg in self.legs))

    def to_document(self) -> dict[str, Any]:
        """JSON-shaped; `parse_strategy` reads it back to an equal strategy."""
        return self.model_dump(mode="json")


DraftT = TypeVar("DraftT", bound=StrategyDraft)

_KNOWN = (
    *Strategy.model_fields,
    *Leg.model_fields,
    *Chase.model_fields,
    *EntryLimit.model_fields,
    *ExitLimit.model_fields,
)


def parse_draft(document: Mapping[str, Any]) -> StrategyDraft:
    """What an author wrote. Raises `InvalidStrategy`, as `parse_strategy` does."""
    return _parse(StrategyDraft, document, name="")


def parse_strategy(document: Mapping[str, Any]) -> Strategy:
    """The strategy that a JSON-shaped document describes, as its author wrote it or as the catalog keeps it.

    Raises
    ------
    InvalidStrategy
        Its text has one reason for each wrong field, the field's path first.
    """
    name = document.get("strategy_id", "") if isinstance(document, Mapping) else ""
    return _parse(Strategy, content(document), name=str(name)[:24])


def _parse(model: type[DraftT], document: Mapping[str, Any], *, name: str) -> DraftT:
    try:
        return model.model_validate_json(json.dumps(_with_default_sides(document), default=str))
    except ValidationError as error:
        raise InvalidStrategy(problems(error, known=_KNOWN), name=name) from None


def _with_default_sides(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Gives legs without a side the strategy's own. What is malformed stays, to be refused by its path."""
    if not isinstance(document, Mapping) or document.get("transaction_type") is None:
        return document
    legs = document.get("legs")
    if not isinstance(legs, list | tuple):
        return document
    side = {"side": document["transaction_type"]}
    return {**document, "legs": [{**side, **leg} if isinstance(leg, Mapping) else leg for leg in legs]}
