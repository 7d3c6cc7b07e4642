"""The ports to what the feed keeps in `market`: the newest quotes, the day's bars, and who may feed.

As ever, a refused condition is an answer, and throttling and outages raise `StoreUnavailable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from brokers.model import Bar, Tick


class QuoteStore(Protocol):
    """The newest tick of each instrument, by its symbol (`NFO:BANKNIFTY26NOV58400CE`)."""

    def put(self, tick: Tick) -> bool:
        """False if what stands is as new or newer: an older price never replaces a newer one."""

    def get_many(self, symbols: Iterable[str]) -> dict[str, Tick]:
        """By symbol; what nobody ever quoted is left out. How old each is, its `at` says."""


class BarStore(Protocol):
    """The one-minute bars of a day, by symbol. (S3 holds the same as Parquet, for the days that are over.)"""

    def put(self, symbol: str, bars: Sequence[Bar], *, fence: int) -> bool:
        """Write the closed bars of one hour (all of the same), replacing that hour's.

        False if a feed with a higher fence has written that hour.
        """

    def day(self, symbol: str, day: date) -> list[Bar]:
        """What is there so far, oldest first."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who feeds. `fence` rises with every new holder, `beat` with every sign of life of the present one."""

    holder: str
    fence: int
    beat: int
    at: datetime
    """When the holder last gave that sign, by its own clock: for people, never for a decision."""


class LeaseStore(Protocol):
    """One lease by name. Nobody compares clocks: a holder whose `beat` stands still long enough is dead."""

    def get(self, name: str) -> Lease | None: ...

    def take(self, name: str, holder: str, *, standing: Lease | None, at: datetime) -> Lease | None:
        """Become the holder, with the next fence, if the lease is still `standing`. None if it is not."""

    def beat(self, name: str, lease: Lease, *, at: datetime) -> Lease | None:
        """Say that the holder of `lease` lives. None if somebody else has it now: stop at once."""

    def release(self, name: str, lease: Lease, *, at: datetime) -> None:
        """Give it up, so that the next one need not wait. One that is somebody else's stays."""


class FeedStateStore(Protocol):
    """What the feed says of itself, one document by account."""

    def put(self, account: str, document: Mapping[str, Any], *, fence: int) -> bool:
        """False if a feed with a higher fence has spoken."""

    def get(self, account: str) -> dict[str, Any] | None: ...
