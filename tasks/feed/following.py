"""What the feed follows: indices of enabled strategies, contracts that are open, and what a watcher asks for.

It follows changes by itself: what is open is looked at every time, the catalog once a minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from brokers.clock import IST
from brokers.model import InstrumentId
from tasks.domain.underlyings import UNDERLYINGS
from tasks.feed.watching import Watcher
from tasks.instruments import index_ids
from tasks.runtime import Runtime
from tasks.stores.ports import AccountRun, MarketStore

VIX = "NSE:INDIA VIX"
FEED, FEEDING = "FEED", "ACCOUNT"
"""The `market` item that says whose session feeds."""

CATALOG_EVERY = 60.0
"""Seconds between two looks at all strategies: a scan."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """Symbols as brokers quote them. `unknown` is asked for by a watcher, and no instrument is known for it."""

    open_runs: tuple[AccountRun, ...]
    wanted: Mapping[str, InstrumentId]
    unknown: frozenset[str] = frozenset()

    @property
    def contracts(self) -> frozenset[str]:
        """What is open."""
        return frozenset(_contracts(self.open_runs))


def open_runs(rt: Runtime, now: datetime) -> tuple[AccountRun, ...]:
    """Every account of today that is not FLAT."""
    end_of_day = datetime.combine(now.date(), time.max, IST) + timedelta(seconds=1)
    return tuple(rt.stores.runs.due_exits(now.date(), before=end_of_day))


def feeding_account(market: MarketStore) -> str:
    """Whose session the feed uses, "" if none was ever started."""
    return str((market.get(FEED, FEEDING) or {}).get("account", ""))


def _contracts(runs: Iterable[AccountRun]) -> dict[str, InstrumentId]:
    return {
        f"{leg.exchange}:{leg.symbol}": InstrumentId(leg.exchange, leg.exchange_token)
        for run in runs
        for leg in run.legs
    }


@dataclass(slots=True)
class Following:
    """Remembers what changes seldom.

    Parameters
    ----------
    account
        Whose session tells the indices' numbers.
    """

    rt: Runtime
    account: str
    stopwatch: Callable[[], float]
    _named: frozenset[str] = frozenset()
    _named_at: float | None = field(default=None)

    def plan(self, watchers: Iterable[Watcher]) -> Plan:
        """What is to be followed now. `BrokerError` where the day's indices can't be had."""
        now = self.rt.clock.now()
        runs = open_runs(self.rt, now)
        known = _contracts(runs)
        indices = index_ids(self.rt, self.account, now.date())
        named = self._underlyings() | {run.underlying for run in runs}
        spots = {UNDERLYINGS[name].spot_symbol for name in named if name in UNDERLYINGS}
        asked = {symbol for watcher in watchers for symbol in watcher.symbols()}
        wanted = {symbol: indices[symbol] for symbol in sorted(spots | asked | {VIX}) if symbol in indices}
        return Plan(runs, wanted | known, frozenset(asked - wanted.keys() - known.keys()))

    def _underlyings(self) -> frozenset[str]:
        """Those that any enabled strategy names."""
        now = self.stopwatch()
        if self._named_at is None or now - self._named_at >= CATALOG_EVERY:
            documents = (document for _, _, document in self.rt.stores.catalog.everything("STRATEGY#"))
            self._named = frozenset(
                str(document["underlying"])
                for document in documents
                if document.get("enabled", True) and document.get("underlying")
            )
            self._named_at = now
        return self._named
