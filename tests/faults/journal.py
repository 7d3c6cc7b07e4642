"""The events and the read-models of a day, from the tables' streams, and whether they tell the truth (I10).

RecordEvents and ProjectEvents are the real ones. Deliveries are what Lambda makes of a stream: in order for
each item, at least once, and now and then the function dies in the middle of a batch, which then comes again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

from tasks import project_events, record_events
from tasks.domain import items
from tasks.runtime import Runtime
from tasks.stores import Stores
from tasks.stores.journal import Recorded
from tasks.stores.memory import memory_stores
from tasks.stores.ports import AccountRun, OrderRow, OrderState, PositionRow
from tests.events.streams import KeptBus, Killed, Unreliable
from tests.faults.schedule import SimulatedClock
from tests.faults.streams import Item
from tests.faults.world import World

BATCHES = (1, 3, 10, 40)
DIES = 0.02
"""Of the calls of a store, while a batch is handled that is to come again."""
STATUS_EVENTS = {
    OrderState.CLAIMED: "OrderHeldBack",
    OrderState.SENDING: "OrderSending",
    OrderState.UNKNOWN: "OrderUnknown",
    OrderState.OPEN: "OrderPlaced",
    OrderState.FILLED: "OrderFilled",
    OrderState.CANCELLED: "OrderCancelled",
    OrderState.REJECTED: "OrderRejected",
    OrderState.MISSED: "OrderMissed",
    OrderState.ABSENT: "OrderAbsent",
}


@dataclass(frozen=True, slots=True)
class Journal:
    """A day's events by aggregate, its read-models, and what the bus was told."""

    stores: Stores
    events: dict[str, list[Recorded]] = field(default_factory=lambda: defaultdict(list))
    told: list[Recorded] = field(default_factory=list)

    def view(self, owner: str, item: str) -> dict[str, Any]:
        return self.stores.views.get(owner, item) or {}


def journal_of(world: World) -> Journal:
    """Deliver the day's changes, each table's in its order, and then the events that they became."""
    dice, bus, stores = Random(len(world.streams.records)), KeptBus(), memory_stores()
    clock = SimulatedClock(world.schedule)
    steady = Runtime(stores, brokers=None, callbacks=None, alarms=world.alarms, clock=clock, bus=bus)  # type: ignore[arg-type]
    dying = replace(steady, stores=replace(stores, events=Unreliable(stores.events, dice, DIES)))
    for table in ("orders", "positions", "runs"):
        arn = f"table/algo-{table}/"
        changes = [record for record in world.streams.records if arn in record["eventSourceARN"]]
        _deliver(record_events, changes, dice, dying, steady)
    written = list(stores.events.everything())
    dice.shuffle(written)
    _deliver(project_events, [_news(event) for event in written], dice, steady, steady)
    journal = Journal(stores, told=bus.told)
    for event in stores.events.everything():
        journal.events[event.aggregate].append(event)
    return journal


def _deliver(function: Any, records: Sequence[Item], dice: Random, first: Runtime, then: Runtime) -> None:
    at = 0
    while at < len(records):
        size = dice.choice(BATCHES)
        batch = {"Records": list(records[at : at + size])}
        if first is not then or dice.random() < 0.2:
            try:
                function.run(batch, first)
            except Killed:
                function.run(batch, then)
            else:
                if dice.random() < 0.1:
                    function.run(batch, then)
        else:
            function.run(batch, then)
        at += size


def _news(event: Recorded) -> Item:
    return {
        "eventSourceARN": "arn:aws:dynamodb:ap-south-1:000000000000:table/algo-events/stream/2026",
        "dynamodb": {"SequenceNumber": "1", "Keys": {"aggregate": {"S": event.aggregate}}},
    }


# --- what must be true of it ---


def untruths(world: World, journal: Journal, run_key: str) -> Iterator[tuple[str, str]]:
    """(account, what is wrong): events against the rows' histories, read-models against the tables."""
    for aggregate, events in journal.events.items():
        if [event.sequence for event in events] != list(range(1, len(events) + 1)):
            yield "", f"the events of {aggregate} are numbered {[event.sequence for event in events]}"
    if {event.event_id for event in journal.told} != {e.event_id for es in journal.events.values() for e in es}:
        yield "", "the bus was told of other events than were written"
    for order_id, history in world.rows.items():
        rows = [row for _, row in history]
        if rows:
            for wrong in _of_order(journal, rows):
                yield rows[-1].account, f"{order_id}: {wrong}"
    for account in world.shape.accounts:
        for wrong in _of_account(world, journal, world.stores.runs.account(run_key, account)):
            yield account, wrong


def _of_order(journal: Journal, rows: list[OrderRow]) -> Iterator[str]:
    last = rows[-1]
    told = Counter(event.type for event in journal.events[f"orders:{last.order_id}"])
    due = Counter(STATUS_EVENTS[two.status] for one, two in pairwise(rows) if one.status is not two.status)
    due["OrderClaimed"] = 1
    due["OrderPlaced"] = 1 if any(row.broker_order_id for row in rows) else due["OrderPlaced"]
    due["OrderRepriced"] = sum(one.modifications != two.modifications for one, two in pairwise(rows))
    for kind in {*due, *STATUS_EVENTS.values()}:
        if told[kind] != due[kind]:
            yield f"{told[kind]} times {kind}, {due[kind]} expected"
    row = journal.view(last.user_id, items.order(last.trading_date, last.order_id))
    yield from _differences(
        row,
        status=last.status,
        filled_quantity=last.filled_quantity,
        average_price=last.average_price,
        broker_order_id=last.broker_order_id,
    )


def _of_account(world: World, journal: Journal, plan: AccountRun | None) -> Iterator[str]:
    if plan is None:
        return
    kinds = Counter(event.type for event in journal.events[f"runs:{plan.run_key}:ACCT#{plan.account}"])
    if kinds["EntryPlanned"] != 1:
        yield f"the entry was planned {kinds['EntryPlanned']} times"
    view = journal.view(plan.user_id, items.run(plan.run_key, plan.account))
    yield from _differences(view, status=plan.phase)
    for leg in plan.legs:
        yield from _of_position(journal, world.stores.positions.get(leg.position_id), leg.position_id)


def _of_position(journal: Journal, row: PositionRow | None, position_id: str) -> Iterator[str]:
    kinds = Counter(event.type for event in journal.events[f"positions:{position_id}"])
    if row is None:
        if kinds:
            yield f"{position_id} has events and no row"
        return
    if row.entry_qty and kinds["PositionOpened"] != 1:
        yield f"{position_id} was opened {kinds['PositionOpened']} times"
    if kinds["PositionClosed"] != int(0 < row.entry_qty <= row.exit_qty):
        yield f"{position_id} was closed {kinds['PositionClosed']} times"
    view = journal.view(row.user_id, items.position(row.trading_date, position_id))
    yield from _differences(view, entry_qty=row.entry_qty, exit_qty=row.exit_qty, realised=row.realised)


def _differences(view: dict[str, Any], **row: object) -> Iterator[str]:
    for name, value in row.items():
        shown = view.get(name)
        same = Decimal(shown) == value if isinstance(value, Decimal) and shown is not None else shown == value
        if not same:
            yield f"the read-model has {name} {shown!r}, the table {value!r}"
