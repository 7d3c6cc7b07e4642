"""Many small files of a kind and trading date become one, proven to hold the same, before the small ones go.

Killed at any point, nothing is lost and no total changes: the compacted file only repeats what the small ones
hold, and the views take each event once. Run again, it does the same again. What arrives meanwhile is in no
list and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from tasks.lake.erasures import Erasures
from tasks.lake.parquet import day_of, decode, encode, folder, key, table
from tasks.lake.schemas import KINDS, Kind
from tasks.lake.views import preferred
from tasks.objects import TABLES, Objects


class NotTheSame(Exception):
    """The compacted file does not hold what the small ones do: nothing was deleted. The message says where."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of one kind and trading date: files before, events after (each once), and the file's key."""

    kind: str
    day: date
    files: int
    rows: int
    key: str


def partitions(objects: Objects, kinds: Mapping[str, Kind] = KINDS) -> Iterator[tuple[Kind, date, list[str]]]:
    """Every kind and trading date that has files, with their keys."""
    for kind in kinds.values():
        days: dict[date, list[str]] = {}
        for each in objects.keys(f"{TABLES}/{kind.name}/"):
            days.setdefault(day_of(each), []).append(each)
        for day, keys in sorted(days.items()):
            yield kind, day, keys


def compact(kind: Kind, day: date, objects: Objects) -> Compacted | None:
    """Make one file of a kind's files of one trading date; None where there is nothing to do.

    Raises
    ------
    NotTheSame
        If what was written, read back, is not what the small files hold. They stay.
    """
    before = objects.keys(folder(kind.name, day))
    if len(before) < 2:
        return None
    erased = Erasures.load(objects)
    source = once(kind, (_read(kind, each, objects) for each in before), erased)
    target = key(kind.name, day, source["event_id"].to_pylist())
    objects.put(target, encode(source))
    _prove(kind, source, _read(kind, target, objects), target)
    objects.delete(each for each in before if each != target)
    return Compacted(kind.name, day, len(before), len(source), target)


def once(kind: Kind, tables: Iterable[pa.Table], erased: Erasures | None = None) -> pa.Table:
    """All rows, each event once, as the view would take it; by event id."""
    found = pa.concat_tables([kind.schema.empty_table(), *tables])
    order = [("event_id", "ascending"), *((name, "descending") for name in preferred(kind))]
    found = found.take(pc.sort_indices(found, sort_keys=order))
    ids = found["event_id"].combine_chunks()
    if len(ids) > 1:
        first = pa.concat_arrays([pa.array([True]), pc.not_equal(ids[1:], ids[:-1])])
        found = found.filter(first)
    return _without_the_erased(kind, found, erased) if erased and erased.pseudonyms else found


def totals(kind: Kind, rows: pa.Table) -> dict[str, object]:
    """What must not change: the number of rows, their ids, and the sum of every number."""
    found: dict[str, object] = {"rows": len(rows), "event_id": rows["event_id"].to_pylist()}
    for each in kind.schema:
        if pa.types.is_decimal(each.type) or pa.types.is_integer(each.type):
            found[each.name] = pc.sum(_wide(rows[each.name])).as_py()
    return found


def _wide(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals of all the digits there are, so that a sum of many does not run out of them."""
    kind = column.type
    return column.cast(pa.decimal128(38, kind.scale)) if pa.types.is_decimal(kind) else column


def _prove(kind: Kind, source: pa.Table, written: pa.Table, target: str) -> None:
    wanted, found = totals(kind, source), totals(kind, written)
    wrong = [name for name, value in wanted.items() if found[name] != value]
    if wrong:
        raise NotTheSame(f"{target}: {', '.join(wrong)} differ from the small files': they stay, look at both")


def _read(kind: Kind, name: str, objects: Objects) -> pa.Table:
    content = objects.get(name)
    if content is None:
        raise NotTheSame(f"{name} was listed and is gone: is another compaction running? Nothing was deleted")
    return decode(kind, content)


def _without_the_erased(kind: Kind, rows: pa.Table, erased: Erasures) -> pa.Table:
    plain: Sequence[dict[str, object]] = rows.to_pylist()
    if not any(erased.concerns(row) for row in plain):
        return rows
    kept = (erased.without_names(kind, row) if erased.concerns(row) else row for row in plain)
    return table(kind, [row for row in kept if row is not None])
