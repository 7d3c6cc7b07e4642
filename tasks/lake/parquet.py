"""Rows of a kind as a Parquet file and back. The same rows make the same bytes.

A file's name is the digest of the ids of its events: writing a batch again replaces the file by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.lake.schemas import PARTITION, Kind
from tasks.objects import TABLES

Row = Mapping[str, Any]


class WrongRow(ValueError):
    """A row does not fit its kind's columns; the message says which value and why."""


def folder(kind: str, day: date) -> str:
    """Where a kind's files of one trading date lie."""
    return f"{TABLES}/{kind}/{PARTITION}={day:%Y-%m-%d}/"


def key(kind: str, day: date, ids: Iterable[str]) -> str:
    """The key of the file that holds exactly the events `ids`."""
    digest = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
    return f"{folder(kind, day)}{digest[:32]}.parquet"


def day_of(key: str) -> date:
    """The trading date in a file's key."""
    return date.fromisoformat(key.partition(f"{PARTITION}=")[2].partition("/")[0])


def table(kind: Kind, rows: Sequence[Row]) -> pa.Table:
    """Rows as a table, by event id.

    Raises
    ------
    WrongRow
        If a value is not of its column's type.
    """
    ordered = sorted(rows, key=lambda row: str(row["event_id"]))
    try:
        return pa.Table.from_pylist(ordered, schema=kind.schema)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise WrongRow(f"{kind.name}: {error}") from None


def encode(rows: pa.Table) -> bytes:
    """A table as a file."""
    target = BytesIO()
    # Columns that repeat themselves are dictionaries, the others are packed by zstd.
    pq.write_table(rows, target, compression="zstd", compression_level=6, write_statistics=True)
    return target.getvalue()


def decode(kind: Kind, content: bytes) -> pa.Table:
    """A file as a table of the columns that the catalogue has now; those it is too old for are empty."""
    found = pq.read_table(BytesIO(content))
    columns = [
        found[each.name].cast(each.type) if each.name in found.column_names else pa.nulls(len(found), each.type)
        for each in kind.schema
    ]
    return pa.table(columns, schema=kind.schema)
