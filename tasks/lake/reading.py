"""The lake in DuckDB: its tables by name, from a folder or from S3.

    lake = open_lake("/data/lake")
    lake.execute("SELECT sum(realised) FROM positions WHERE trading_date = DATE '2026-11-23'").fetchone()

The names and the SQL are those of Athena: `{kind}` has each event once, `orders`, `positions`, `runs` and
`claims` what each has come to, `{kind}_files` what lies in the files. Times are UTC without
the mark of a zone: `recorded_at + INTERVAL '330' MINUTE` is Indian time, in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs

from tasks.lake.schemas import DATE, KINDS, PARTITION, Kind
from tasks.lake.views import files_table, views


@dataclass(frozen=True, slots=True)
class Place:
    """Where the lake's files are.

    Parameters
    ----------
    root
        A folder, or `s3://bucket/prefix`: what holds a folder of each kind.
    endpoint
        Of an S3 that is not AWS's, such as `http://127.0.0.1:4566`.
    region
        Of the bucket.
    key, secret
        Credentials; empty to find them as every AWS client does.
    """

    root: str
    endpoint: str = ""
    region: str = "ap-south-1"
    key: str = ""
    secret: str = ""

    def open(self) -> tuple[pafs.FileSystem, str]:
        """The file system, and the root's path in it."""
        if not self.root.startswith("s3://"):
            return pafs.LocalFileSystem(), str(Path(self.root).resolve())
        options: dict[str, Any] = {"region": self.region}
        if self.endpoint:
            parts = urlsplit(self.endpoint)
            options |= {"endpoint_override": parts.netloc, "scheme": parts.scheme}
        if self.key:
            options |= {"access_key": self.key, "secret_key": self.secret}
        return pafs.S3FileSystem(**options), self.root.removeprefix("s3://").rstrip("/")


def open_lake(place: Place | Path | str, kinds: Mapping[str, Kind] = KINDS) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with every table and view of the lake, as its files are now.

    Open it anew to see what was written since. A kind without files is an empty table.
    """
    where = place if isinstance(place, Place) else Place(str(place))
    files, root = where.open()
    lake = duckdb.connect()
    lake.execute("SET TimeZone = 'UTC'")
    for kind in kinds.values():
        lake.register(files_table(kind), dataset(files, f"{root}/{kind.name}", kind))
    for name, query in views(kinds):
        lake.execute(f"CREATE VIEW {name} AS {query}")
    return lake


def dataset(files: pafs.FileSystem, folder: str, kind: Kind) -> ds.Dataset:
    """A kind's files as one table of the schema that the catalogue has now.

    Times lose the mark of their zone, and are UTC: so Athena has them too, and DuckDB needs no further package.
    """
    schema = pa.schema([(each.name, _without_zone(each.type)) for each in kind.table_schema])
    if files.get_file_info(folder).type is not pafs.FileType.Directory:
        return ds.dataset(schema.empty_table())
    return ds.dataset(
        folder,
        filesystem=files,
        format="parquet",
        schema=schema,
        partitioning=ds.partitioning(pa.schema([(PARTITION, DATE)]), flavor="hive"),
    )


def _without_zone(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp(kind.unit) if pa.types.is_timestamp(kind) else kind
