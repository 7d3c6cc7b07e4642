"""What a Choice state asks.

Conditions are usually made by a path's own methods (`Path("$.run.side").equals("EXIT")`); `Condition` takes any
of the language's comparison operators.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workflows.asl.expressions import Expression

_ORDERED = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
_COMPARISONS = frozenset(
    f"{family}{order}{path}"
    for family in ("String", "Numeric", "Timestamp")
    for order in _ORDERED
    for path in ("", "Path")
) | {"BooleanEquals", "BooleanEqualsPath", "StringMatches"}
_TESTS = frozenset({"IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp"})
OPERATORS = _COMPARISONS | _TESTS


@dataclass(frozen=True)
class Condition:
    """`variable` compared by `operator` with a literal, or (operators that end in Path) with another place."""

    variable: Expression
    operator: str
    value: str | bool | int | float | Expression


@dataclass(frozen=True)
class AllOf:
    parts: tuple[Test, ...]


@dataclass(frozen=True)
class AnyOf:
    parts: tuple[Test, ...]


@dataclass(frozen=True)
class Negation:
    part: Test


Test = Condition | AllOf | AnyOf | Negation


@dataclass(frozen=True)
class When:
    """One arm of a Choice: if `test` holds, go to the state called `next`."""

    test: Test
    next: str


def all_of(*parts: Test) -> AllOf:
    return AllOf(parts)


def any_of(*parts: Test) -> AnyOf:
    return AnyOf(parts)


def negate(part: Test) -> Negation:
    return Negation(part)


def conditions_in(test: Test) -> Iterator[Condition]:
    """The comparisons a test is made of."""
    if isinstance(test, Condition):
        yield test
    elif isinstance(test, Negation):
        yield from conditions_in(test.part)
    else:
        for part in test.parts:
            yield from conditions_in(part)
