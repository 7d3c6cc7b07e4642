"""Values that Step Functions computes while a machine runs.

An `Expression` (a path, a place in the context object, an intrinsic function) may stand wherever a literal may
stand in a state's arguments; rendering adds the `.$` to the key that Amazon States Language asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Expression:
    """Something that Step Functions evaluates; `text` is how it is written in a definition."""

    @property
    def text(self) -> str:
        raise NotImplementedError


def placeholder(name: str) -> str:
    """A value that is filled in when the definition is deployed: `${OrdersTable}`."""
    return f"${{{name}}}"


def expressions_in(value: Any) -> Iterator[Expression]:
    """Every expression inside a state's arguments, at any depth, but not inside another expression."""
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from expressions_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from expressions_in(part)
