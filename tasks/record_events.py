"""RecordEvents: every change of a table becomes events, written once, and then told on the bus.

A stream delivers a change at least once. The head of an aggregate knows the stream position it has come to, and
moves in the transaction that writes the events: so each change is recorded exactly once, whenever this is
killed. The bus is told after that, at least once: whoever listens goes by (aggregate, sequence), forward only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.bootstrap import runtime
from tasks.domain.changes import Change, aggregate_of, events_of, user_of
from tasks.domain.events import DomainEvent
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.journal import Head, Recorded
from tasks.stores.ports import StoreUnavailable
from tasks.stream import change_of, in_order, position_of

FUNCTION = Function(
    name="RecordEvents",
    module="tasks.record_events",
    timeout=60,
    reads=(Table.EVENTS,),
    writes=(Table.EVENTS,),
    fed_by=(Table.CATALOG, Table.ORDERS, Table.POSITIONS, Table.RUNS),
    publishes=True,
)

_RACES = 20


def record(change: Change, position: str, rt: Runtime) -> tuple[Recorded, ...]:
    """Write the events of one change, unless they are, and tell the bus. Returns what was told.

    Raises
    ------
    StoreUnavailable
        If the table gives no answer: the change comes again.
    """
    happened = events_of(change)
    if not happened:
        return ()
    told = _write(change, happened, position, rt)
    if told:
        rt.bus.put(told)
    return told


def _write(change: Change, happened: Sequence[DomainEvent], position: str, rt: Runtime) -> tuple[Recorded, ...]:
    aggregate, store = aggregate_of(change), rt.stores.events
    for _ in range(_RACES):
        head = store.head(aggregate)
        if head.position >= position:
            return _written_before(aggregate, position, rt)
        events = _recorded(change, happened, head, position, rt)
        if store.append(aggregate, events, after=head, position=position):
            return events
    raise StoreUnavailable(f"{aggregate}: its head moved {_RACES} times while it was written")


def _written_before(aggregate: str, position: str, rt: Runtime) -> tuple[Recorded, ...]:
    """Delivered again: perhaps because this was killed before the bus knew, so the bus is told again."""
    return tuple(event for event in rt.stores.events.read(aggregate) if event.cause == position)


def _recorded(
    change: Change, happened: Sequence[DomainEvent], head: Head, position: str, rt: Runtime
) -> tuple[Recorded, ...]:
    at, user, aggregate = rt.clock.now(), user_of(change), aggregate_of(change)
    return tuple(
        Recorded(
            aggregate=aggregate,
            sequence=sequence,
            type=event.name(),
            version=event.version,
            at=at,
            user_id=user,
            cause=position,
            data=event.model_dump(mode="json"),
        )
        for sequence, event in enumerate(happened, start=head.last + 1)
    )


def run(event: Mapping[str, Any], rt: Runtime) -> dict[str, Any]:
    """One batch of a stream."""
    return in_order(event, lambda one: _handle(one, rt))


def _handle(one: dict[str, Any], rt: Runtime) -> None:
    record(change_of(one), position_of(one), rt)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return run(event, runtime())
