"""The tables' streams: every change of an order, a position or a run, in DynamoDB's form and in its order.

A machine's own write is in the stream as the machine has written it; a store's write changes of the item what
it changed of the row, as an UpdateItem does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tasks.stores.bundle import Stores
from tasks.stores.ports import OrderRow, Outside, PositionRow, Row, RunStore
from tasks.stores.wire import attributes, to_item

Item = dict[str, Any]
READS = ("get", "by_", "account", "accounts", "exit_rounds", "due_exits")
KEYS = {"orders": ("order_id",), "positions": ("position_id",), "runs": ("run_key", "item")}


@dataclass(slots=True)
class Streams:
    """What has changed so far, oldest first."""

    records: list[Item] = field(default_factory=list)
    _items: dict[tuple[str, ...], Item] = field(default_factory=dict)
    _rows: dict[tuple[str, ...], Row] = field(default_factory=dict)

    def put(self, table: str, item: Item) -> None:
        """An item was written as a whole."""
        self._write(table, item)

    def update(self, table: str, key: Item, changed: Item) -> None:
        """Some attributes of an item were set."""
        place = (table, *(value["S"] for value in key.values()))
        self._write(table, {**self._items.get(place, key), **changed})

    def row(self, table: str, key: Item, row: Row) -> None:
        """A store has written `row`, or has left it as it was."""
        place = (table, *(value["S"] for value in key.values()))
        before, self._rows[place] = self._rows.get(place), row
        if before is None:
            self._write(table, to_item(row) | key)
            return
        names = () if before is row else type(row).model_fields
        changed = {name: new for name in names if (new := getattr(row, name)) != getattr(before, name)}
        if changed:
            kept = {name: form for name, form in self._items[place].items() if name not in changed}
            self._write(table, kept | attributes(_as_stored(changed)))

    def seen(self, table: str, key: Item, row: Row) -> None:
        """`row` is how a store reads what a machine has just written: no change of its own."""
        self._rows[table, *(value["S"] for value in key.values())] = row

    def _write(self, table: str, item: Item) -> None:
        names = KEYS[table]
        place = (table, *(item[name]["S"] for name in names))
        told: Item = {
            "SequenceNumber": f"{len(self.records) + 1:021d}",
            "Keys": {name: item[name] for name in names},
            "NewImage": item,
        }
        old = self._items.get(place)
        if old == item:
            return  # DynamoDB's streams tell of no write that changes nothing
        if old is not None:
            told["OldImage"] = old
        self._items[place] = item
        arn = f"arn:aws:dynamodb:ap-south-1:000000000000:table/algo-{table}/stream/2026"
        self.records.append({"eventSourceARN": arn, "dynamodb": told})


def _as_stored(changed: dict[str, Any]) -> dict[str, Any]:
    """The legs that are being closed are an attribute each."""
    closing = {f"closing_L{leg}": True for leg in changed.pop("closing", ())}
    return changed | closing


Look = Callable[..., None]


def watched(stores: Stores, streams: Streams, remember: Callable[[str], None]) -> Stores:
    """`stores`, of which every write of an order, a position or a run is in the streams.

    `remember` hears of every order that was written.
    """

    def order(written: str | OrderRow, *_: Any, **__: Any) -> None:
        order_id = written if isinstance(written, str) else written.order_id
        row = stores.orders.get(order_id)
        if row is not None:
            streams.row("orders", {"order_id": {"S": order_id}}, row)
        remember(order_id)

    def position(row: PositionRow, **_: Any) -> None:
        standing = stores.positions.get(row.position_id)
        if standing is not None:
            streams.row("positions", {"position_id": {"S": row.position_id}}, standing)

    return Stores(
        **{name: getattr(stores, name) for name in Stores.__dataclass_fields__}
        | {
            "orders": Watched(stores.orders, lambda method: order),
            "positions": Watched(stores.positions, lambda method: position),
            "runs": Watched(stores.runs, _of_runs(stores.runs, streams).__getitem__),
        }
    )


def _of_runs(runs: RunStore, streams: Streams) -> dict[str, Look]:
    def account(run_key: str, account: str, *_: Any, **__: Any) -> None:
        row = runs.account(run_key, account)
        if row is not None:
            streams.row("runs", {"run_key": {"S": run_key}, "item": {"S": f"ACCT#{account}"}}, row)

    def plan(row: Any) -> None:
        account(row.run_key, row.account)

    def round_(planned: Any) -> None:
        for row in runs.exit_rounds(planned.run_key, planned.account):
            item = f"ROUND#{row.account}#L{row.leg:02d}#{row.round:02d}"
            streams.row("runs", {"run_key": {"S": row.run_key}, "item": {"S": item}}, row)

    told: dict[tuple[str, str], int] = {}

    def outside(seen: Outside) -> None:
        item = f"OUTSIDE#{seen.trading_date}#{seen.product}#{seen.symbol}"
        if seen.traded > told.get((seen.account, item), 0):
            told[seen.account, item] = seen.traded
            streams.row("runs", {"run_key": {"S": f"OUTSIDE#{seen.account}"}, "item": {"S": item}}, seen)

    return {
        "plan_account": plan,
        "set_phase": account,
        "close_legs": account,
        "postpone_exit": account,
        "plan_exit_round": round_,
        "note_outside": outside,
    }


class Watched:
    """One store; after every call that is no read, what `look(method)` gives hears of its arguments."""

    def __init__(self, store: Any, look: Callable[[str], Look]) -> None:
        self._store = store
        self._look = look

    def __getattr__(self, method: str) -> Any:
        target = getattr(self._store, method)
        if method.startswith(READS):
            return target
        look = self._look(method)

        def call(*args: Any, **named: Any) -> Any:
            answer = target(*args, **named)
            look(*args, **named)
            return answer

        setattr(self, method, call)
        return call
