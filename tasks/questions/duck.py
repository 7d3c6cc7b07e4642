"""DuckDB over the lake's files, for one user: it is given that user's rows and no others, and no way out.

The text is narrowed as well (`scope.py`), as Athena needs it. Either alone would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow.compute as pc

from tasks.lake.reading import Place, dataset
from tasks.lake.schemas import KINDS
from tasks.lake.views import files_table, views
from tasks.questions import MOST_ROWS, NoAnswer, Told
from tasks.questions.scope import scoped

OWNED = {kind.name: kind for kind in KINDS.values() if "user_id" in kind.schema.names}
"""Kinds that say whose each row is. What does not can't be asked."""

TABLES = frozenset(name for name, _ in views(OWNED))


@dataclass(frozen=True, slots=True)
class Duck:
    place: Place

    def ask(self, user_id: str, sql: str, parameters: Sequence[str]) -> Told:
        """The answer.

        Raises
        ------
        NotAllowed
            If the text is not one question over the lake.
        NoAnswer
            With DuckDB's own words, where it can't answer.
        """
        text = scoped(sql, user_id, TABLES, dialect="duckdb")
        with own_lake(self.place, user_id) as lake:
            try:
                cursor = lake.execute(text, list(parameters))
                rows = cursor.fetchmany(MOST_ROWS + 1)
                columns = [str(column[0]) for column in cursor.description or ()]
            except duckdb.Error as error:
                raise NoAnswer(str(error).splitlines()[0][:300]) from None
        plain = [[_plain(value) for value in row] for row in rows[:MOST_ROWS]]
        return Told(columns=columns, rows=plain, more=len(rows) > MOST_ROWS)


def own_lake(place: Place, user_id: str) -> duckdb.DuckDBPyConnection:
    """The lake's tables and views with one user's rows in them, and DuckDB shut off from everything else."""
    files, root = place.open()
    lake = duckdb.connect(config={"python_enable_replacements": False, "threads": 2})
    lake.execute("SET TimeZone = 'UTC'")
    for kind in OWNED.values():
        rows = dataset(files, f"{root}/{kind.name}", kind).filter(pc.field("user_id") == user_id)
        lake.register(files_table(kind), rows)
    for name, query in views(OWNED):
        lake.execute(f"CREATE VIEW {name} AS {query}")
    lake.execute("SET enable_external_access = false")
    lake.execute("SET lock_configuration = true")
    return lake


def _plain(value: Any) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value)
