"""What a broker's stream of ticks and order updates promises, whichever broker it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from brokers.model import BrokerOrder, InstrumentId, Tick


class StreamListener(Protocol):
    """Who hears a stream. Called on the stream's own thread: be quick, and never raise."""

    def on_up(self) -> None:
        """A connection stands."""

    def on_down(self, reason: str, *, refused: bool) -> None:
        """A connection is gone. `refused`: the session is over, and only a login helps; else it comes back."""

    def on_ticks(self, ticks: Sequence[Tick]) -> None: ...

    def on_order(self, order: BrokerOrder) -> None:
        """An order of the account changed, as a postback would say it."""


class Stream(Protocol):
    """One session's stream. It connects again by itself, until it is closed or the session is refused."""

    def connect(self) -> None: ...

    def follow(self, wanted: Mapping[str, InstrumentId]) -> None:
        """Send ticks of exactly these, by the symbol they are to be told under. Returns at once.

        Raises
        ------
        TooManyInstruments
            If the broker gives no account so many. Those that were followed before still are.
        """

    def close(self) -> None:
        """For good. Returns at once."""


class TooManyInstruments(ValueError):
    """More than one account may follow."""
