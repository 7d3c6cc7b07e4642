"""The fault matrix: 18 kinds of fault at 12 points of a strategy's day, of which 112 cells can happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FAULTS = {
    "F1": "process killed",
    "F2": "same step again",
    "F3": "same step twice at once",
    "F4": "connect error",
    "F5": "reply lost, broker has it",
    "F6": "reply lost, broker has not",
    "F7": "502 or garbled, broker has it",
    "F8": "rate limit",
    "F9": "rejection",
    "F10": "partial fill, then stall or cancel",
    "F11": "updates late, repeated, out of order",
    "F12": "token expired",
    "F13": "DynamoDB throttles or loses an answer",
    "F14": "late start, clock skew",
    "F15": "book lags",
    "F16": "a human acts outside",
    "F17": "calendar",
    "F18": "instruments missing or changed",
}
POINTS = {
    "P1": "schedule fired",
    "P2": "run claimed",
    "P3": "strikes frozen",
    "P4": "intent written",
    "P5": "request leaving",
    "P6": "reply in flight",
    "P7": "reply not stored",
    "P8": "working",
    "P9": "entries stored",
    "P10": "waiting",
    "P11": "exit orders",
    "P12": "flat",
}
_TABLE = """
F1  ● ● ● ● ● ● ● ● ● ● ● ●
F2  ● ● ● ● ● ● ● ● ● ● ● ●
F3  ● ● ● ● ● ● ● ● ● ● ● ●
F4  · ● ● · ● · · ● · · ● ·
F5  · · · · ● ● · · · · ● ·
F6  · · · · ● ● · · · · ● ·
F7  · · · · ● ● ● · · · ● ·
F8  · · ● · ● · · ● · · ● ●
F9  · · · · ● · ● ● · · ● ·
F10 · · · · · · · ● ● ● ● ·
F11 · · · · · ● ● ● ● ● ● ●
F12 ● · ● · ● · · ● · ● ● ●
F13 ● ● ● ● · · ● ● ● ● ● ●
F14 ● ● ● · · · · · ● ● ● ·
F15 · · · · · ● ● ● · · ● ●
F16 · · · · · · · ● ● ● ● ●
F17 ● ● ● · · · · · · ● ● ·
F18 · · ● ● · · · · · · ● ·
"""


@dataclass(frozen=True, slots=True)
class Cell:
    fault: str
    point: str

    def __str__(self) -> str:
        return f"{self.fault}/{self.point}"

    @classmethod
    def parse(cls, text: str) -> Cell:
        """Raises ValueError for a cell that is not in the matrix."""
        fault, _, point = text.partition("/")
        cell = cls(fault, point)
        if cell not in CELLS:
            raise ValueError(f"no cell {text!r}: like F5/P6")
        return cell


def _cells() -> Iterator[Cell]:
    for line in _TABLE.split("\n"):
        if line:
            fault, *marks = line.split()
            yield from (Cell(fault, point) for point, mark in zip(POINTS, marks, strict=True) if mark == "●")


CELLS = tuple(_cells())
