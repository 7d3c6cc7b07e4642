"""Crossings: every place where a task begins or ends, or touches a table or a broker. Faults are put there.

A crossing has the step that makes it (`PlaceOrder`), the operation (`broker.place`; empty where the step itself
begins or ends), the side of the day, and whether the operation is about to take effect or has just done so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

When = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Step:
    """Who crosses: a task, or a call of the machine's own. `side` is N on the way in, X on the way out."""

    name: str
    side: str
    account: str
    subject: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, self.account, self.subject)))


@dataclass(frozen=True, slots=True)
class Crossing:
    step: Step
    operation: str
    when: When

    def __str__(self) -> str:
        what = self.operation or ("start" if self.when == "before" else "end")
        return f"{self.step} · {self.when + ' ' if self.operation else ''}{what}"


Action = Callable[[Crossing], None]


@dataclass(frozen=True, slots=True)
class Where:
    """Which crossings are meant. Names are the shell's patterns; empty means any."""

    steps: tuple[str, ...] = ("*",)
    operations: tuple[str, ...] = ("*",)
    when: tuple[When, ...] = ("before", "after")
    side: str = ""
    account: str = ""

    def meets(self, crossing: Crossing) -> bool:
        step = crossing.step
        return (
            crossing.when in self.when
            and (not self.side or step.side == self.side)
            and (not self.account or step.account in (self.account, ""))
            and _any_of(self.steps, step.name)
            and _any_of(self.operations, crossing.operation)
        )


@cache
def _any_of(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(slots=True)
class Strike:
    """A fault, armed: lets `skip` crossings pass, then strikes `times`, no earlier than `since`."""

    what: str
    where: tuple[Where, ...]
    action: Action
    skip: int = 0
    times: int = 1
    since: float = 0.0
    until: float = float("inf")
    hits: int = field(default=0)
    seen: int = field(default=0)
    struck: set[str] = field(default_factory=set)
    """Whose crossings it struck; the empty name stands for a step of all accounts."""

    def strikes(self, crossing: Crossing, now: float) -> bool:
        if self.hits >= self.times or not self.since <= now < self.until:
            return False
        for where in self.where:
            if where.meets(crossing):
                break
        else:
            return False
        self.seen += 1
        if self.seen <= self.skip:
            return False
        self.hits += 1
        self.struck.add(crossing.step.account)
        return True
