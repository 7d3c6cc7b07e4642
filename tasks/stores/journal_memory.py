"""The journal and the read-models in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from threading import RLock
from typing import Any

from tasks.stores.journal import Head, Recorded, ViewRow


class MemoryEvents:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._heads: dict[str, Head] = {}
        self._events: dict[str, list[Recorded]] = {}

    def head(self, aggregate: str) -> Head:
        with self._lock:
            return self._heads.get(aggregate, Head())

    def append(self, aggregate: str, events: Sequence[Recorded], *, after: Head, position: str) -> bool:
        with self._lock:
            if self.head(aggregate) != after:
                return False
            self._heads[aggregate] = Head(after.last + len(events), position)
            self._events.setdefault(aggregate, []).extend(events)
            return True

    def read(self, aggregate: str) -> Sequence[Recorded]:
        with self._lock:
            return list(self._events.get(aggregate, ()))

    def everything(self) -> Iterator[Recorded]:
        with self._lock:
            found = [event for events in self._events.values() for event in events]
        return iter(found)


class MemoryViews:
    """Documents are kept as text: what goes in is JSON, and nobody shares an object with the store."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._rows: dict[tuple[str, str], tuple[int, str]] = {}

    def get(self, owner: str, item: str) -> dict[str, Any] | None:
        row = self.row(owner, item)
        return row.document if row else None

    def list(self, owner: str, prefix: str) -> Sequence[dict[str, Any]]:
        with self._lock:
            items = sorted(item for (of, item) in self._rows if of == owner and item.startswith(prefix))
        found = (self.get(owner, item) for item in items)
        return [document for document in found if document is not None]

    def row(self, owner: str, item: str) -> ViewRow | None:
        with self._lock:
            found = self._rows.get((owner, item))
        return ViewRow(owner, item, found[0], json.loads(found[1])) if found else None

    def put(self, row: ViewRow) -> bool:
        with self._lock:
            standing = self._rows.get((row.owner, row.item))
            if standing is not None and standing[0] >= row.sequence:
                return False
            self.replace(row)
            return True

    def replace(self, row: ViewRow) -> None:
        text = json.dumps(row.document, allow_nan=False)
        with self._lock:
            self._rows[row.owner, row.item] = (row.sequence, text)

    def forget(self, owner: str, item: str) -> None:
        with self._lock:
            self._rows.pop((owner, item), None)

    def everything(self) -> Iterator[ViewRow]:
        with self._lock:
            rows = [ViewRow(*key, row[0], json.loads(row[1])) for key, row in sorted(self._rows.items())]
        return iter(rows)
