"""One-minute bars as Parquet in S3, for whoever looks back. Nothing that trades reads them.

::

    bars/trading_date=2026-11-23/hour=09/000017.parquet

A file holds the hour's bars that one feed (its fence in the name) has kept, and is written again as the hour
goes on. Where two files hold the same minute of the same symbol, that of the higher fence counts.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from brokers.clock import IST
from brokers.model import Bar

PRICE = pa.decimal128(12, 2)
SCHEMA = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("start", pa.timestamp("s", tz="Asia/Kolkata"), nullable=False),
        *(pa.field(name, PRICE, nullable=False) for name in ("open", "high", "low", "close")),
        pa.field("volume", pa.int64(), nullable=False),
    ]
)


def key(hour: datetime, fence: int) -> str:
    """The object's name."""
    at = hour.astimezone(IST)
    return f"bars/trading_date={at.date().isoformat()}/hour={at:%H}/{fence:06d}.parquet"


def table(bars: Mapping[str, Sequence[Bar]]) -> pa.Table:
    """Bars by symbol as rows, by symbol and time."""
    rows = [(symbol, bar) for symbol in sorted(bars) for bar in bars[symbol]]
    prices = ("open", "high", "low", "close")
    columns: dict[str, list[Any]] = {
        "symbol": [symbol for symbol, _ in rows],
        "start": [bar.start for _, bar in rows],
        **{name: [getattr(bar, name) for _, bar in rows] for name in prices},
        "volume": [bar.volume for _, bar in rows],
    }
    return pa.table(columns, schema=SCHEMA)


@dataclass(frozen=True, slots=True)
class S3Bars:
    """The lake's bucket."""

    client: Any
    bucket: str

    def write(self, hour: datetime, bars: Mapping[str, Sequence[Bar]], *, fence: int) -> None:
        buffer = io.BytesIO()
        pq.write_table(table(bars), buffer, compression="zstd")
        self.client.put_object(Bucket=self.bucket, Key=key(hour, fence), Body=buffer.getvalue())
