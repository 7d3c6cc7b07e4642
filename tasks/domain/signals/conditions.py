"""A condition: a comparison of two series, or all, any or none of several conditions.

::

    all:
      - close crosses above supertrend(10, 3)
      - rsi(14) between 40 and 70
      - not: future.close below future.vwap

A line of text and an object with `left`, `compare` and `right` mean the same. Conditions look at closed bars
only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from tasks.domain.explain import shown
from tasks.domain.fields import Model
from tasks.domain.signals.operands import AnyOperand, Operand, Value

MAX_COMPARISONS = 20
MAX_DEPTH = 5
T = TypeVar("T")


class Compare(StrEnum):
    ABOVE = "above"
    BELOW = "below"
    BETWEEN = "between"
    CROSSES_ABOVE = "crosses_above"
    CROSSES_BELOW = "crosses_below"

    @property
    def crosses(self) -> bool:
        return self in (Compare.CROSSES_ABOVE, Compare.CROSSES_BELOW)

    def __str__(self) -> str:
        return self.value.replace("_", " ")


class Comparison(Model):
    """CROSSES_ABOVE: above on this bar, and not on the one before. BETWEEN has two values, both included."""

    left: AnyOperand
    compare: Compare
    right: Value | None = None
    low: Value | None = None
    high: Value | None = None

    @model_validator(mode="after")
    def _has_its_values(self) -> Comparison:
        if self.compare is Compare.BETWEEN:
            if self.low is None or self.high is None or self.right is not None:
                raise ValueError("between takes `low` and `high`, and no `right`")
        elif self.right is None or self.low is not None or self.high is not None:
            raise ValueError(f"{self.compare} takes `right`, and neither `low` nor `high`")
        return self

    @property
    def values(self) -> tuple[Value, ...]:
        return tuple(value for value in (self.right, self.low, self.high) if value is not None)

    @property
    def operands(self) -> tuple[Operand, ...]:
        return (self.left, *(value for value in self.values if isinstance(value, Operand)))

    def __str__(self) -> str:
        return f"{self.left} {self.compare} {' and '.join(str(value) for value in self.values)}"


def _some(parts: tuple[T, ...]) -> tuple[T, ...]:
    if not parts:
        raise ValueError("names no condition")
    return parts


class AllOf(Model):
    """Every one holds."""

    all: Annotated[tuple[Part, ...], AfterValidator(_some)]

    @property
    def parts(self) -> tuple[AnyCondition, ...]:
        return self.all

    def __str__(self) -> str:
        return f"all of ({'; '.join(str(part) for part in self.all)})"


class AnyOf(Model):
    """At least one holds."""

    any: Annotated[tuple[Part, ...], AfterValidator(_some)]

    @property
    def parts(self) -> tuple[AnyCondition, ...]:
        return self.any

    def __str__(self) -> str:
        return f"any of ({'; '.join(str(part) for part in self.any)})"


class Not(Model):
    """It does not hold. Of what is unknown, nothing is known the other way round either."""

    model_config = ConfigDict(serialize_by_alias=True)

    negated: Part = Field(alias="not")

    @property
    def parts(self) -> tuple[AnyCondition, ...]:
        return (self.negated,)

    def __str__(self) -> str:
        return f"not ({self.negated})"


AnyCondition = Comparison | AllOf | AnyOf | Not

_COMPARISON = re.compile(r"(?P<left>.+?)\s+(?P<compare>(?:crosses )?(?:above|below)|between)\s+(?P<right>.+)")
_SIGNS = (("crosses over", "crosses above"), ("crosses under", "crosses below"))


def _condition(value: Any) -> Any:
    if isinstance(value, str):
        return Comparison.model_validate_json(json.dumps(_short_form(value), default=str))
    if isinstance(value, Model):
        return value
    if not isinstance(value, dict):
        raise ValueError(f'must be a comparison, or an object with "all", "any" or "not", not {shown(value)}')
    kinds: tuple[tuple[str, type[AnyCondition]], ...] = (("all", AllOf), ("any", AnyOf), ("not", Not))
    model = next((model for field, model in kinds if field in value), Comparison)
    return model.model_validate_json(json.dumps(value, default=str))


def _short_form(text: str) -> dict[str, Any]:
    line = " ".join(text.lower().split())
    for theirs, ours in _SIGNS:
        line = line.replace(theirs, ours)
    found = _COMPARISON.fullmatch(line)
    if found is None:
        raise ValueError(
            'must be like "close crosses above ema(21)", "rsi(14) below 30" or "vix between 12 and 18", '
            f"not {shown(text)}"
        )
    fields: dict[str, Any] = {"left": found["left"], "compare": found["compare"].replace(" ", "_")}
    if fields["compare"] != Compare.BETWEEN:
        return {**fields, "right": found["right"]}
    low, separator, high = found["right"].partition(" and ")
    if not separator:
        raise ValueError(f'between needs two values: "between 40 and 70", not {shown(found["right"])}')
    return {**fields, "low": low, "high": high}


Condition = Annotated[AnyCondition, BeforeValidator(_condition, json_schema_input_type=AnyCondition | str)]
Part = Annotated[
    AnyCondition, BeforeValidator(_condition, json_schema_input_type=Comparison | str | dict[str, Any])
]
"""A condition within another. Its schema ends here: editors and fuzzers lose themselves in one without end."""

for _model in (AllOf, AnyOf, Not):
    _model.model_rebuild()


def comparisons(condition: AnyCondition) -> Iterator[Comparison]:
    """Its leaves, from left to right."""
    if isinstance(condition, Comparison):
        yield condition
    else:
        for part in condition.parts:
            yield from comparisons(part)


def depth(condition: AnyCondition) -> int:
    if isinstance(condition, Comparison):
        return 1
    return 1 + max(depth(part) for part in condition.parts)
