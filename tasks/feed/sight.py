"""Does the feed see the market? A quiet market is no dead socket, and a socket that is alive may bring nothing.

While the market is open an index ticks every second. So where something is followed and nothing fresh came for
`UNSURE_AFTER`, quotes are polled for what has a stop, whatever the connections say; after `BLIND_AFTER` it is
said aloud. While the market is shut, silence means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

UNSURE_AFTER = 2.5
"""Seconds without a fresh tick after which polling begins: a stop is owed within five."""

BLIND_AFTER = 8.0
"""Seconds without a fresh tick after which people are told: well within 15 s, and not for every hiccup."""


class Sight(StrEnum):
    """How it goes."""

    SHUT = "SHUT"  # the market is
    IDLE = "IDLE"  # nothing is followed
    SEES = "SEES"
    UNSURE = "UNSURE"  # for a moment: polling has begun, nobody is called yet
    BLIND = "BLIND"


@dataclass(slots=True)
class Eye:
    """Judges by the stopwatch's seconds."""

    _since: float | None = None
    _fresh_at: float | None = None

    def saw(self, now: float) -> None:
        """A fresh tick came."""
        self._fresh_at = now

    def look(self, now: float, *, market_open: bool, following: int) -> Sight:
        """How it goes now. Seeing is owed from the moment the market is open and something is followed."""
        if not market_open or not following:
            self._since = None
            return Sight.IDLE if market_open else Sight.SHUT
        if self._since is None:
            self._since = now
        silent = now - max(self._since, self._fresh_at or self._since)
        if silent > BLIND_AFTER:
            return Sight.BLIND
        return Sight.UNSURE if silent > UNSURE_AFTER else Sight.SEES

    def age(self, now: float) -> float | None:
        """Seconds since the last fresh tick."""
        return None if self._fresh_at is None else now - self._fresh_at
