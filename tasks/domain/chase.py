"""How an order that rests is chased: how often, how far from its first price, and what then.

An entry may be left where it rests, or given up. An exit never stops: its limit holds for a while, in which a
person is called, and then it follows the market again.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum

from pydantic import Field, ValidationInfo, field_validator

from brokers.model import Side
from tasks.domain.fields import Model
from tasks.domain.pricing import on_tick

EVERY = 5
"""Seconds between two looks at an order that rests: the least there can be between two of its prices."""

MAX_EVERY = 60
MAX_PATIENCE = 600


class AtLimit(StrEnum):
    """What becomes of an entry whose limit the market has left behind."""

    LEAVE = "leave"
    GIVE_UP = "give_up"


class _Limit(Model):
    """How far from its first price an order may go: in points (rupees a unit), or in percent of that price."""

    points: Decimal | None = Field(default=None, gt=0, le=100_000)
    percent: Decimal | None = Field(default=None, gt=0, le=500, validate_default=True)

    @field_validator("percent", mode="after")
    @classmethod
    def _one_of_both(cls, percent: Decimal | None, info: ValidationInfo) -> Decimal | None:
        if "points" in info.data and (percent is None) == (info.data["points"] is None):
            raise ValueError("say either points or percent")
        return percent

    def furthest(self, first: Decimal, side: Side, tick: Decimal) -> Decimal:
        """The last price the order may have, on the tick: the highest of a BUY, the lowest of a SELL."""
        room = self.points if self.points is not None else first * (self.percent or Decimal(0)) / 100
        if side is Side.BUY:
            return max(on_tick(first + room, tick, ROUND_FLOOR), first)
        return max(min(on_tick(first - room, tick, ROUND_CEILING), first), tick)


class EntryLimit(_Limit):
    """Of an entry. Left, it rests at its limit until its window is over; given up, it is cancelled there."""

    then: AtLimit = AtLimit.LEAVE


class ExitLimit(_Limit):
    """Of an exit's first orders. For so many seconds it rests at its limit, and a person is called."""

    patience_seconds: int = Field(default=60, ge=5, le=MAX_PATIENCE)


class Chase(Model):
    """Without limits an order follows the market until it is filled."""

    every_seconds: int = Field(default=EVERY, ge=EVERY, le=MAX_EVERY)
    entry: EntryLimit | None = None
    exit: ExitLimit | None = None

    @classmethod
    def of(cls, text: str) -> Chase:
        """From its JSON text, as a plan keeps it; empty for plans from before there was a choice."""
        return cls.model_validate_json(text) if text else cls()
