"""The lake's writer, what an event takes, a month's P&L: Parquet beside the same rows as JSON lines and CSV.

All three get the same rows in the same batches; the slow part that they share (reading and checking messages)
is given by itself. The query is the same SQL with the same views over one file for each kind and trading date.
"""

from __future__ import annotations

import csv
import io
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from bench._lake_events import month
from tasks.lake.compaction import compact, partitions
from tasks.lake.messages import Landing, landing_of
from tasks.lake.parquet import encode, table
from tasks.lake.reading import open_lake
from tasks.lake.schemas import ORDERS, POSITIONS, Kind
from tasks.lake.views import files_table, views
from tasks.lake.writing import Message, write
from tasks.objects import TABLES, FolderObjects

BATCH = 1000
ASKED = """
SELECT strategy_id, count(*), sum(realised) FROM positions
WHERE trading_date BETWEEN DATE '2026-11-01' AND DATE '2026-12-31' GROUP BY strategy_id ORDER BY strategy_id
"""
_KINDS = {kind.name: kind for kind in (ORDERS, POSITIONS)}


def run() -> list[dict[str, object]]:
    """Events a second, bytes, milliseconds."""
    bodies = list(month())
    with tempfile.TemporaryDirectory(prefix="bench-lake-") as folder:
        return _measure(bodies, Path(folder))


def _measure(bodies: Sequence[str], folder: Path) -> list[dict[str, object]]:
    count = len(bodies)
    objects = FolderObjects(folder / "parquet")
    writing = _seconds(lambda: _write(bodies, objects))
    reading, landings = _timed(lambda: [landing_of(body) for body in bodies])
    small = _size(folder / "parquet")
    compacting = _seconds(lambda: _compact(objects))
    batches = [_grouped(landings[start : start + BATCH]) for start in range(0, count, BATCH)]
    figures = [
        _figure(f"lake: writer, {count:,} events in batches of {BATCH:,}", count / writing, "events/s"),
        _figure("lake: of that, reading and checking messages", count / reading, "events/s"),
        *(
            _figure(f"lake: rows to {name} in batches", count / _encoding(batches, make), "events/s")
            for name, make in _FORMS.items()
        ),
        _figure("lake: compaction with its proof", count / compacting, "events/s"),
        _figure("lake: bytes of an event as Parquet before compaction", small / count, "B"),
    ]
    _write_days(_grouped(landings), folder)
    return [*figures, *_compared(folder, count)]


def _compared(folder: Path, count: int) -> list[dict[str, object]]:
    """One file for each kind and day in each form: how large, and how fast the same question is answered."""
    lakes: dict[str, Callable[[], duckdb.DuckDBPyConnection]] = {
        "Parquet": lambda: open_lake(folder / "parquet" / TABLES, _KINDS),
        "JSON lines": lambda: _open(folder / "json", _json_table),
        "CSV": lambda: _open(folder / "csv", _csv_table),
    }
    places = {"Parquet": "parquet", "JSON lines": "json", "CSV": "csv"}
    answers = {name: _ask(opened) for name, opened in lakes.items()}
    assert len({str(answer) for _, answer in answers.values()}) == 1, "the three answer alike"
    sizes = {name: _size(folder / place) / count for name, place in places.items()}
    return [
        *(
            _figure(f"lake: bytes of an event as {name}, a file a day", size, "B")
            for name, size in sizes.items()
        ),
        *(
            _figure(f"lake: a month's P&L by strategy from {name}", took * 1000, "ms", "opening included")
            for name, (took, _) in answers.items()
        ),
    ]


def _figure(name: str, value: float, unit: str, reference: str = "") -> dict[str, object]:
    rounded = round(value, 1 if value < 1000 else None)
    return {"name": name, "value": rounded, "unit": unit, "reference": reference}


# --- the three forms ---


def _parquet(kind: Kind, rows: Sequence[Mapping[str, Any]]) -> bytes:
    return encode(table(kind, rows))


def _json_lines(_: Kind, rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()


def _csv(kind: Kind, rows: Sequence[Mapping[str, Any]]) -> bytes:
    target = io.StringIO()
    writer = csv.DictWriter(target, kind.schema.names)
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue().encode()


_FORMS = {"Parquet": _parquet, "JSON lines": _json_lines, "CSV": _csv}

Groups = dict[tuple[str, date], list[Mapping[str, Any]]]


def _grouped(landings: Iterable[Landing]) -> Groups:
    found: Groups = defaultdict(list)
    for landing in landings:
        found[landing.kind.name, landing.day].append(landing.row)
    return found


def _encoding(batches: Iterable[Groups], make: Callable[[Kind, Sequence[Mapping[str, Any]]], bytes]) -> float:
    """Seconds to make files of batches, in memory."""

    def encode_all() -> None:
        for batch in batches:
            for (kind, _), rows in batch.items():
                make(_KINDS[kind], rows)

    return _seconds(encode_all)


def _write_days(days: Groups, folder: Path) -> None:
    """The whole month as JSON lines and as CSV: a file for each kind and trading date, as after compaction."""
    for name, make in (("json", _json_lines), ("csv", _csv)):
        for (kind, day), rows in days.items():
            path = folder / name / kind / f"trading_date={day}"
            path.mkdir(parents=True)
            (path / f"all.{name}").write_bytes(make(_KINDS[kind], rows))


def _write(bodies: Sequence[str], objects: FolderObjects) -> None:
    for start in range(0, len(bodies), BATCH):
        some = bodies[start : start + BATCH]
        done = write([Message(str(n), body) for n, body in enumerate(some)], objects)
        assert done.rows == len(some)


def _compact(objects: FolderObjects) -> None:
    for kind, day, _ in list(partitions(objects)):
        compact(kind, day, objects)


def _open(folder: Path, make: Callable[[Path, Kind], str]) -> duckdb.DuckDBPyConnection:
    lake = duckdb.connect()
    for kind in _KINDS.values():
        lake.execute(f"CREATE VIEW {files_table(kind)} AS {make(folder / kind.name, kind)}")
    for name, query in views(_KINDS):
        lake.execute(f"CREATE VIEW {name} AS {query}")
    return lake


def _json_table(folder: Path, kind: Kind) -> str:
    columns = ", ".join(f"{each.name}: '{_sql(each.type)}'" for each in kind.table_schema)
    options = f"format = 'newline_delimited', columns = {{{columns}}}, hive_partitioning = true"
    return f"SELECT * FROM read_json('{folder}/*/*.json', {options})"  # noqa: S608  (a folder of our own)


def _csv_table(folder: Path, kind: Kind) -> str:
    types = ", ".join(f"'{each.name}': '{_sql(each.type)}'" for each in kind.schema)
    parts = "hive_partitioning = true, hive_types = {'trading_date': DATE}"
    options = f"auto_detect = false, header = true, columns = {{{types}}}, {parts}"
    return f"SELECT * FROM read_csv('{folder}/*/*.csv', {options})"  # noqa: S608


def _sql(type_: pa.DataType) -> str:
    if pa.types.is_decimal(type_):
        return f"DECIMAL({type_.precision},{type_.scale})"
    names = {pa.string(): "VARCHAR", pa.int64(): "BIGINT", pa.date32(): "DATE"}
    return names.get(type_, "TIMESTAMPTZ")


# --- measuring ---


def _ask(opened: Callable[[], duckdb.DuckDBPyConnection]) -> tuple[float, Any]:
    """The median of seven, after one that warms the file cache; opening the lake belongs to it."""
    answer = opened().execute(ASKED).fetchall()
    return statistics.median(_seconds(lambda: opened().execute(ASKED).fetchall()) for _ in range(7)), answer


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def _seconds(work: Callable[[], object]) -> float:
    return _timed(work)[0]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
