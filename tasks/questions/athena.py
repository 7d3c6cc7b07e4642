"""Athena over the lake's tables, for one user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.questions import MOST_ROWS, NoAnswer, Told
from tasks.questions.scope import scoped

PAUSE = 0.4
"""Seconds between two looks at a query."""

PATIENCE = 22.0
"""Seconds that a query may take: the caller waits at the other end of an HTTP request."""


@dataclass(frozen=True, slots=True)
class Athena:
    """`client` is boto3's for Athena; `tables` are those that say whose each row is."""

    client: Any
    workgroup: str
    database: str
    tables: frozenset[str]
    sleep: Callable[[float], None]

    def ask(self, user_id: str, sql: str, parameters: Sequence[str]) -> Told:
        """The answer.

        Raises
        ------
        NotAllowed
            If the text is not one question over the lake.
        NoAnswer
            With Athena's own words, or because it took too long.
        """
        more = {"ExecutionParameters": [_literal(each) for each in parameters]} if parameters else {}
        started = self.client.start_query_execution(
            QueryString=scoped(sql, user_id, self.tables, dialect="trino"),
            QueryExecutionContext={"Database": self.database},
            WorkGroup=self.workgroup,
            **more,
        )
        query = started["QueryExecutionId"]
        self._wait(query)
        found = self.client.get_query_results(QueryExecutionId=query, MaxResults=MOST_ROWS)
        columns = found["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        rows = [
            [_value(cell, column["Type"]) for cell, column in zip(row["Data"], columns, strict=True)]
            for row in found["ResultSet"]["Rows"][1:]  # the first one repeats the names
        ]
        return Told(columns=[each["Name"] for each in columns], rows=rows, more="NextToken" in found)

    def _wait(self, query: str) -> None:
        waited = 0.0
        while True:
            status = self.client.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return
            if status["State"] in ("FAILED", "CANCELLED"):
                raise NoAnswer(str(status.get("StateChangeReason", status["State"]))[:300])
            if waited >= PATIENCE:
                self.client.stop_query_execution(QueryExecutionId=query)
                raise NoAnswer(f"it took longer than {PATIENCE:.0f} seconds: ask for less time at once")
            self.sleep(PAUSE)
            waited += PAUSE


def _literal(text: str) -> str:
    """A parameter is a piece of SQL for Athena: text in quotes."""
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def _value(cell: Mapping[str, str], type_: str) -> str | int | float | bool | None:
    text = cell.get("VarCharValue")
    if text is None:
        return None
    if type_ in ("tinyint", "smallint", "integer", "bigint"):
        return int(text)
    if type_ in ("double", "float", "real"):
        return float(text)
    return text == "true" if type_ == "boolean" else text
