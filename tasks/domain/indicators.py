"""What an indicator-based strategy waits for, and how often it may enter.

Between the strategy's `entry_time` and `last_entry` the entry condition is looked at whenever a bar closes;
from an entry until the strategy's `exit_time`, which closes what is still open, the exit condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from tasks.domain.fields import Model, TimeOfDay
from tasks.domain.signals.conditions import (
    MAX_COMPARISONS,
    MAX_DEPTH,
    AnyCondition,
    Condition,
    comparisons,
    depth,
)
from tasks.domain.signals.contradictions import never_true
from tasks.domain.signals.operands import Operand, Study, Subject, Timeframe
from tasks.domain.signals.upgrade import upgraded

MAX_ENTRIES = 20
MAX_PAUSE = 375


def _can_be_true(condition: AnyCondition) -> AnyCondition:
    if (leaves := sum(1 for _ in comparisons(condition))) > MAX_COMPARISONS:
        raise ValueError(f"has {leaves} comparisons, at most {MAX_COMPARISONS} are possible")
    if (levels := depth(condition)) > MAX_DEPTH:
        raise ValueError(f"is {levels} levels deep, at most {MAX_DEPTH} are possible")
    if why := never_true(condition):
        raise ValueError(f"can't be true: {why}")
    return condition


Waited = Annotated[Condition, AfterValidator(_can_be_true)]


class Indicators(Model):
    """`timeframe` is the bars' length in minutes for every series that names no other.

    At most `max_entries` a day, `pause_minutes` after the exit of the one before. Without `last_entry` it may
    enter until its exit time; without `exit` only time, stops and targets end a position.
    """

    timeframe: Timeframe
    entry: Waited
    exit: Waited | None = None
    last_entry: TimeOfDay | None = None
    max_entries: int = Field(default=1, ge=1, le=MAX_ENTRIES)
    pause_minutes: int = Field(default=0, ge=0, le=MAX_PAUSE)

    @model_validator(mode="before")
    @classmethod
    def _of_today(cls, document: Any) -> Any:
        return upgraded(document)

    @model_validator(mode="after")
    def _whole_bars(self) -> Indicators:
        for operand in self.operands:
            if operand.series not in (Study.OR_HIGH, Study.OR_LOW):
                continue
            key = operand.key(self.timeframe)
            if key.whole("minutes") % key.timeframe:
                raise ValueError(
                    f"{operand}: {key.whole('minutes')} minutes are not whole bars of {key.timeframe} minutes; "
                    "name a timeframe that divides them"
                )
        return self

    @property
    def operands(self) -> Iterator[Operand]:
        for condition in (self.entry, self.exit):
            if condition is not None:
                for one in comparisons(condition):
                    yield from one.operands

    @property
    def looks_at_premium(self) -> bool:
        return any(operand.on is Subject.PREMIUM for operand in self.operands)
