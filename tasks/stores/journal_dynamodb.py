"""The journal and the read-models on DynamoDB.

An event is the item (aggregate, sequence); sequence 0 is the aggregate's head. One transaction writes the
events of a change and moves the head from where it stood, so that they are there all or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tasks.stores import documents
from tasks.stores.journal import Head, Recorded, ViewRow
from tasks.stores.table import DynamoTable, transact, with_condition
from tasks.stores.wire import attribute, attributes

if TYPE_CHECKING:
    from tasks.stores.table import Item


class DynamoEvents:
    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def head(self, aggregate: str) -> Head:
        found = self._table.get_item({"aggregate": attribute(aggregate), "sequence": attribute(0)})
        if found is None:
            return Head()
        return Head(int(str(found["last"]["N"])), str(found["position"]["S"]))

    def append(self, aggregate: str, events: Sequence[Recorded], *, after: Head, position: str) -> bool:
        items: Any = [
            {"Put": self._head(aggregate, after, last=after.last + len(events), position=position)},
            *({"Put": self._event(event)} for event in events),
        ]
        return transact(self._table.client, items, table=self._table.name, pause=self._table.pause)

    def read(self, aggregate: str) -> Sequence[Recorded]:
        found = self._table.query(
            "#aggregate = :aggregate AND #sequence > :head", {"aggregate": aggregate, "head": 0}
        )
        return [_recorded(item) for item in found]

    def everything(self) -> Iterator[Recorded]:
        items = (item for item in self._table.scan() if item["sequence"]["N"] != "0")
        yield from sorted((_recorded(item) for item in items), key=lambda one: (one.aggregate, one.sequence))

    def _head(self, aggregate: str, after: Head, *, last: int, position: str) -> dict[str, Any]:
        item = attributes({"aggregate": aggregate, "sequence": 0, "last": last, "position": position})
        put = {"TableName": self._table.name, "Item": item}
        if after == Head():
            return with_condition(put, "attribute_not_exists(#aggregate)")
        was = {"was_last": after.last, "was_position": after.position}
        return with_condition(put, "#last = :was_last AND #position = :was_position", was)

    def _event(self, event: Recorded) -> dict[str, Any]:
        values = {name: getattr(event, name) for name in Recorded.model_fields if name != "data"}
        item = attributes(values | documents.pack(event.data))
        return with_condition({"TableName": self._table.name, "Item": item}, "attribute_not_exists(#aggregate)")


def _recorded(item: Item) -> Recorded:
    return Recorded(
        aggregate=str(item["aggregate"]["S"]),
        sequence=int(str(item["sequence"]["N"])),
        type=str(item["type"]["S"]),
        version=int(str(item["version"]["N"])),
        at=datetime.fromisoformat(str(item["at"]["S"])),
        user_id=str(item["user_id"]["S"]) if "user_id" in item else "",
        cause=str(item["cause"]["S"]),
        data=documents.unpack(item),
    )


class DynamoViews:
    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def get(self, owner: str, item: str) -> dict[str, Any] | None:
        row = self.row(owner, item)
        return row.document if row else None

    def list(self, owner: str, prefix: str) -> Sequence[dict[str, Any]]:
        condition, values = "#owner = :owner", {"owner": owner}
        if prefix:
            condition, values = f"{condition} AND begins_with(#item, :prefix)", {**values, "prefix": prefix}
        rows = (_row(item) for item in self._table.query(condition, values))
        return [row.document for row in rows if row.document is not None]

    def row(self, owner: str, item: str) -> ViewRow | None:
        found = self._table.get(owner=owner, item=item)
        return _row(found) if found else None

    def put(self, row: ViewRow) -> bool:
        return self._table.put(
            _item(row),
            condition="attribute_not_exists(#owner) OR #sequence < :new",
            values={"new": row.sequence},
        )

    def replace(self, row: ViewRow) -> None:
        self._table.put(_item(row))

    def forget(self, owner: str, item: str) -> None:
        self._table.delete({"owner": owner, "item": item}, condition="attribute_exists(#owner)", values={})

    def everything(self) -> Iterator[ViewRow]:
        return iter(sorted((_row(item) for item in self._table.scan()), key=lambda row: (row.owner, row.item)))


def _item(row: ViewRow) -> dict[str, Any]:
    packed = documents.pack(row.document) if row.document is not None else {}
    return attributes({"owner": row.owner, "item": row.item, "sequence": row.sequence, **packed})


def _row(item: Item) -> ViewRow:
    there = "document" in item or "packed" in item
    return ViewRow(
        str(item["owner"]["S"]),
        str(item["item"]["S"]),
        int(str(item["sequence"]["N"])),
        documents.unpack(item) if there else None,
    )
