"""What the feed keeps, in memory: the same answers as on DynamoDB."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from threading import RLock
from typing import Any

from brokers.clock import IST
from brokers.model import Bar, Tick
from tasks.stores.feed_ports import Lease


class MemoryQuotes:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._newest: dict[str, Tick] = {}

    def put(self, tick: Tick) -> bool:
        with self._lock:
            standing = self._newest.get(tick.symbol)
            if standing is not None and not tick.supersedes(standing):
                return False
            self._newest[tick.symbol] = tick
            return True

    def get_many(self, symbols: Iterable[str]) -> dict[str, Tick]:
        with self._lock:
            return {symbol: self._newest[symbol] for symbol in symbols if symbol in self._newest}


class MemoryBars:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._hours: dict[tuple[str, date, int], tuple[int, tuple[Bar, ...]]] = {}

    def put(self, symbol: str, bars: Sequence[Bar], *, fence: int) -> bool:
        start = bars[0].start.astimezone(IST)
        key = (symbol, start.date(), start.hour)
        with self._lock:
            if key in self._hours and self._hours[key][0] > fence:
                return False
            self._hours[key] = (fence, tuple(sorted(bars, key=lambda bar: bar.start)))
            return True

    def day(self, symbol: str, day: date) -> list[Bar]:
        with self._lock:
            hours = sorted(key for key in self._hours if key[:2] == (symbol, day))
            return [bar for key in hours for bar in self._hours[key][1]]


class MemoryLeases:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._leases: dict[str, Lease] = {}

    def get(self, name: str) -> Lease | None:
        with self._lock:
            return self._leases.get(name)

    def take(self, name: str, holder: str, *, standing: Lease | None, at: datetime) -> Lease | None:
        with self._lock:
            present = self._leases.get(name)
            if _mark(present) != _mark(standing):
                return None
            self._leases[name] = Lease(holder, (standing.fence if standing else 0) + 1, 0, at)
            return self._leases[name]

    def beat(self, name: str, lease: Lease, *, at: datetime) -> Lease | None:
        with self._lock:
            if not self._held(name, lease):
                return None
            self._leases[name] = Lease(lease.holder, lease.fence, lease.beat + 1, at)
            return self._leases[name]

    def release(self, name: str, lease: Lease, *, at: datetime) -> None:
        with self._lock:
            if self._held(name, lease):
                self._leases[name] = Lease("", lease.fence, lease.beat + 1, at)

    def _held(self, name: str, lease: Lease) -> bool:
        present = self._leases.get(name)
        return present is not None and (present.holder, present.fence) == (lease.holder, lease.fence)


def _mark(lease: Lease | None) -> tuple[int, int] | None:
    return (lease.fence, lease.beat) if lease else None


class MemoryFeedStates:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._states: dict[str, tuple[int, str]] = {}

    def put(self, account: str, document: Mapping[str, Any], *, fence: int) -> bool:
        text = json.dumps(document, allow_nan=False)
        with self._lock:
            if account in self._states and self._states[account][0] > fence:
                return False
            self._states[account] = (fence, text)
            return True

    def get(self, account: str) -> dict[str, Any] | None:
        with self._lock:
            found = self._states.get(account)
        return json.loads(found[1]) if found else None
