"""Places where a machine reads: paths into a state's data, and what can be asked of them in a Choice."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from workflows.asl.conditions import Condition
from workflows.asl.expressions import Expression


@dataclass(frozen=True)
class Reference(Expression):
    """A place where a value can be read, and so compared in a Choice."""

    source: str

    @property
    def text(self) -> str:
        return self.source

    def equals(self, value: str | bool | int | float) -> Condition:
        """Equal to a literal. The operator follows the literal's type."""
        return Condition(self, f"{_family(value)}Equals", value)

    def greater_than(self, value: int | float) -> Condition:
        return Condition(self, "NumericGreaterThan", value)

    def less_than(self, value: int | float) -> Condition:
        return Condition(self, "NumericLessThan", value)

    def matches(self, pattern: str) -> Condition:
        """Like `pattern`, where `*` stands for anything."""
        return Condition(self, "StringMatches", pattern)

    def not_after(self, moment: Reference) -> Condition:
        """A timestamp that is at or before the one at `moment`."""
        return Condition(self, "TimestampLessThanEqualsPath", moment)

    def is_present(self, present: bool = True) -> Condition:
        return Condition(self, "IsPresent", present)


@dataclass(frozen=True)
class Path(Reference):
    """A path into the state's own data: `Path("$.run.trading_date")`."""


def _family(value: str | bool | int | float) -> str:
    if isinstance(value, bool):
        return "Boolean"
    return "String" if isinstance(value, str) else "Numeric"


def fields_of(model: type[BaseModel], root: str = "$") -> dict[str, Path]:
    """One path for each field of a pydantic model, below `root`: hands a whole model on, field by field."""
    return {name: Path(f"{root}.{name}") for name in model.model_fields}
