"""Every distinct series once, however many conditions look at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from brokers.model import Bar
from tasks.domain.signals.evaluation import Look
from tasks.domain.signals.operands import SeriesKey
from tasks.domain.signals.studies import Values, values

FindBars = Callable[[str, int], Sequence[Bar]]
"""The closed bars of a symbol (or of a premium's name) on so many minutes, oldest first."""


@dataclass(slots=True)
class SeriesBook:
    """Computes a series when it is first looked at. One book serves one scan: it doesn't age."""

    find_bars: FindBars
    computed: dict[tuple[str, SeriesKey], tuple[Sequence[Bar], Values]] = field(default_factory=dict)

    def look(self, symbol_of: Callable[[SeriesKey], str], expected: Callable[[int], datetime | None]) -> Look:
        """How one strategy looks: `symbol_of` says whose bars a series means to it.

        `expected` is the start of the newest bar that should be closed by now, by timeframe. Where that bar is
        missing, its market being blind or not traded, the series is unknown.
        """

        def at(key: SeriesKey, ago: int) -> float | None:
            bars, found = self._series(symbol_of(key), key)
            if not bars or bars[-1].start != expected(key.timeframe) or ago >= len(found):
                return None
            return found[-1 - ago]

        return at

    def _series(self, symbol: str, key: SeriesKey) -> tuple[Sequence[Bar], Values]:
        known = self.computed.get((symbol, key))
        if known is None:
            bars = self.find_bars(symbol, key.timeframe)
            known = self.computed[symbol, key] = (bars, values(key, bars))
        return known
