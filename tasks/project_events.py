"""ProjectEvents: keep the read-models as what their events fold to.

Fed by the `events` table's own stream. What is delivered says only that an aggregate went on: its rows are
folded anew from all their events, so late, doubled and overtaking deliveries come to the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.bootstrap import runtime
from tasks.projection import Key, Sources, fold, rows_of, sources_of
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.journal import ViewRow
from tasks.stores.ports import StoreUnavailable
from tasks.stream import in_order

FUNCTION = Function(
    name="ProjectEvents",
    module="tasks.project_events",
    timeout=60,
    reads=(Table.EVENTS, Table.VIEWS),
    writes=(Table.VIEWS,),
    fed_by=(Table.EVENTS,),
)

_RACES = 20


def project(aggregate: str, rt: Runtime) -> None:
    """Bring every row that this aggregate has a part in up to its events."""
    events = rt.stores.events.read(aggregate)
    if not events:
        return
    for key in rows_of(events):
        _refresh(key, rt)


def _refresh(key: Key, rt: Runtime) -> None:
    """Fold, write, and look whether something was added meanwhile.

    A row of several aggregates could be written from an older one by whoever came in between: whoever writes
    last looks again, so the last to write has seen everything.
    """
    for _ in range(_RACES):
        sources = _read(key, rt)
        row = _row(key, sources)
        if row is None:
            return
        rt.stores.views.put(row)
        if len(sources) == 1 or _row(key, _read(key, rt)) == row:
            return
    raise StoreUnavailable(f"{key.owner} {key.item}: its events went on {_RACES} times while it was written")


def _read(key: Key, rt: Runtime) -> Sources:
    return {aggregate: rt.stores.events.read(aggregate) for aggregate in sources_of(key)}


def _row(key: Key, sources: Sources) -> ViewRow | None:
    sequence = sum(len(events) for events in sources.values())
    return ViewRow(key.owner, key.item, sequence, fold(key, sources)) if sequence else None


def run(event: Mapping[str, Any], rt: Runtime) -> dict[str, Any]:
    """One batch of the stream: each aggregate once, where its last event of the batch stands."""
    records = event.get("Records", ())
    last = {_aggregate(record): record for record in records}

    def handle(record: dict[str, Any]) -> None:
        if last[_aggregate(record)] is record:
            project(_aggregate(record), rt)

    return in_order(event, handle)


def _aggregate(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["Keys"]["aggregate"]["S"])


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return run(event, runtime())
