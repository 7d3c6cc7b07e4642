"""What can be wrong with a machine, said so that its author can mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: with which state, by which rule, and what to do about it."""

    state: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.state}: {self.message} [{self.rule}]"


class BuildError(Exception):
    """A machine was refused. `problems` holds everything that was found, not just the first."""

    def __init__(self, machine: str, problems: Sequence[Problem]) -> None:
        self.machine = machine
        self.problems = tuple(problems)
        super().__init__(f"{machine} was refused:" + "".join(f"\n  - {problem}" for problem in self.problems))
