"""Moving the platform's one clock: the file that `brokers.clock.SystemClock` reads in every process."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from brokers.clock import SystemClock


@dataclass(frozen=True, slots=True)
class MovableClock:
    """The platform's clock, for the one process that may move it."""

    file: Path

    def now(self) -> datetime:
        return SystemClock(self.file).now()

    def offset(self) -> float:
        return SystemClock(self.file).offset()

    def set_offset(self, seconds: float) -> None:
        """Every process sees the new offset at its next look; nobody ever sees half a file."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.file.with_suffix(".new")
        draft.write_text(repr(seconds))
        os.replace(draft, self.file)

    def set(self, now: datetime) -> None:
        """Let it be `now` (aware), and run on from there."""
        self.set_offset(now.timestamp() - time.time())
