"""Kite's rate limits: by calendar second and minute of the server's clock; refused requests count too."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from brokers.simulator.replies import KiteError

WINDOWS = {"second": "%Y%m%d%H%M%S", "minute": "%Y%m%d%H%M", "day": "%Y%m%d"}
LIMITS: dict[str, tuple[tuple[str, int], ...]] = {
    "order": (("second", 10), ("minute", 400), ("day", 5000)),
    "quote": (("second", 1),),
    "historical": (("second", 3),),
    "other": (("second", 10),),
}
"""Requests per window: orders (place, modify and cancel together) per account, the rest per API key."""


class RateLimits:
    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._day = ""

    def count(self, kind: str, who: str, at: datetime) -> None:
        """Count one request of `who`.

        Raises
        ------
        KiteError
            429, when a window is full.
        """
        self._forget_yesterday(at)
        over = ""
        for window, allowed in LIMITS[kind]:
            key = (kind, who, f"{at:{WINDOWS[window]}}")
            self._seen[key] += 1
            if self._seen[key] > allowed:
                over = window
        if over:
            raise KiteError(429, "NetworkException", "Too many requests")

    def _forget_yesterday(self, at: datetime) -> None:
        day = f"{at:%Y%m%d}"
        if day != self._day:
            self._seen.clear()
            self._day = day

    def reset(self) -> None:
        self._seen.clear()
