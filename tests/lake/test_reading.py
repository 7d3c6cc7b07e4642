"""The lake in DuckDB, from files that were written here by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.lake.reading import open_lake
from tasks.lake.schemas import KINDS, POSITIONS, TEXT, UPDATES, Column, Kind


def _write(root: Path, kind: Kind, day: str, name: str, *rows: dict[str, Any]) -> None:
    folder = root / kind.name / f"trading_date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=kind.schema), folder / f"{name}.parquet")


def _position(sequence: int, realised: str, **more: Any) -> dict[str, Any]:
    return {
        "event_id": f"positions:p1@{sequence}",
        "sequence": sequence,
        "type": "PositionChanged",
        "version": 1,
        "recorded_at": datetime(2026, 11, 23, 4, sequence, tzinfo=UTC),
        "user_id": "asha",
        "position_id": "p1",
        "realised": Decimal(realised),
    } | more


def test_an_empty_lake_has_every_table(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    for name in [*KINDS, "orders", "positions", "runs", "claims"]:
        assert lake.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)  # noqa: S608  (our own names)


def test_an_event_that_lies_in_two_files_counts_once(tmp_path: Path) -> None:
    _write(tmp_path, POSITIONS, "2026-11-23", "a", _position(1, "10.50"), _position(2, "11.25"))
    _write(tmp_path, POSITIONS, "2026-11-23", "b", _position(2, "11.25"))
    lake = open_lake(tmp_path)
    assert lake.execute("SELECT count(*) FROM position_events_files").fetchone() == (3,)
    assert lake.execute("SELECT count(*), sum(realised) FROM position_events").fetchone() == (
        2,
        Decimal("21.75"),
    )
    assert lake.execute("SELECT count(*), sum(realised) FROM positions").fetchone() == (1, Decimal("11.25"))


def test_the_copy_that_knows_more_is_taken(tmp_path: Path) -> None:
    row = {"event_id": "x", "account": "ZA1", "user_id": "", "updated_at": datetime(2026, 11, 23, tzinfo=UTC)}
    _write(tmp_path, UPDATES, "2026-11-23", "a", row)
    _write(tmp_path, UPDATES, "2026-11-23", "b", row | {"user_id": "asha"})
    assert open_lake(tmp_path).execute("SELECT user_id FROM order_updates").fetchall() == [("asha",)]


def test_one_query_reads_files_of_an_older_version_beside_new_ones(tmp_path: Path) -> None:
    newer = POSITIONS.extended(Column("closed_by", TEXT, since={"PositionClosed": 2}))
    _write(tmp_path, POSITIONS, "2026-11-23", "old", _position(1, "1.00"))
    _write(tmp_path, newer, "2026-11-24", "new", _position(1, "2.00", version=2, closed_by="EXIT"))
    query = "SELECT sum(realised), count(closed_by), count(*) FROM position_events"
    lake = open_lake(tmp_path, {**KINDS, newer.name: newer})
    assert lake.execute(query).fetchone() == (Decimal("3.00"), 1, 2)


def test_a_day_is_read_without_the_others(tmp_path: Path) -> None:
    for day in ("2026-11-20", "2026-11-23"):
        _write(tmp_path, POSITIONS, day, "a", _position(1, "1.00"))
    (tmp_path / "position_events" / "trading_date=2026-11-20" / "a.parquet").write_bytes(b"not Parquet")
    query = "SELECT sum(realised) FROM positions WHERE trading_date = DATE '2026-11-23'"
    assert open_lake(tmp_path).execute(query).fetchone() == (Decimal("1.00"),)
