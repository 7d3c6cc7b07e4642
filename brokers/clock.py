"""One clock for everything: the wall clock on AWS, a clock that can jump on one machine.

Where the environment variable `ALGO_CLOCK` names a file, that file holds the offset in seconds that is added
to the wall clock. Every process of the local platform reads the same file, so that all of them jump at once.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

IST = timezone(timedelta(hours=5, minutes=30), "IST")
"""India has had no daylight saving since 1945, so a fixed offset is exact and needs no time zone data."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, aware and in IST."""


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The wall clock plus the offset in `offset_file`, if there is one."""

    offset_file: Path | None = None

    @classmethod
    def from_environment(cls) -> SystemClock:
        name = os.environ.get("ALGO_CLOCK", "")
        return cls(Path(name) if name else None)

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.offset(), IST)

    def offset(self) -> float:
        """Seconds ahead of the wall clock.

        Raises
        ------
        ValueError
            If the file does not hold a number: a clock that is silently wrong would trade at the wrong time.
        """
        if self.offset_file is None:
            return 0.0
        text = self.offset_file.read_text()
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{self.offset_file}: expected an offset in seconds, found {text!r}") from None


@dataclass(slots=True)
class FixedClock:
    """A clock that stands still until a test moves it."""

    at: datetime

    def now(self) -> datetime:
        return self.at.astimezone(IST)

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
