"""A user's SQL, so that it sees the user's own rows: one SELECT over the lake's tables, each narrowed to it.

The text is parsed, never searched: every table in it is replaced by that table's rows of the user, wherever it
stands, and whatever is not plainly a question is refused. The same text then goes to DuckDB and to Athena.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

DIALECT = "trino"
"""Athena's. DuckDB takes what both know, and sqlglot says the rest its way."""

MAX_SQL = 10_000


class NotAllowed(ValueError):
    """The SQL is not one question over the lake; the message says what to change."""


def scoped(sql: str, user_id: str, tables: Iterable[str], *, dialect: str) -> str:
    """The question as `dialect` takes it, over this user's rows alone.

    Raises
    ------
    NotAllowed
    """
    known = frozenset(tables)
    tree = _question(sql)
    ctes = _named_inside(tree, known)
    for table in list(tree.find_all(exp.Table)):
        name = _table_name(table, known, ctes)
        if name in known:
            table.replace(_own(table, name, user_id))
    return tree.sql(dialect=dialect)


def _question(sql: str) -> exp.Query:
    if len(sql) > MAX_SQL:
        raise NotAllowed(f"the SQL has more than {MAX_SQL} characters")
    try:
        statements = sqlglot.parse(sql, read=DIALECT)
    except (SqlglotError, RecursionError) as error:
        raise NotAllowed(f"that is no SQL: {str(error).splitlines()[0][:200]}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise NotAllowed("ask with one SELECT")
    tree = statements[0]
    for node in tree.walk():
        if isinstance(node, _REFUSED):
            raise NotAllowed(f"{node.key.upper()} is no question: ask with one SELECT")
        if isinstance(node, exp.Anonymous):
            raise NotAllowed(f"the function {node.name} is not known here")
        if isinstance(node, exp.Func) and node.sql_name().lower().startswith("read_"):
            raise NotAllowed(f"{node.sql_name()} reads files: name a table of the lake")
    return tree


_REFUSED = (exp.DML, exp.DDL, exp.Command, exp.Into, exp.Set, exp.Pragma, exp.Use, exp.Lateral)


def _named_inside(tree: exp.Query, known: frozenset[str]) -> frozenset[str]:
    """The names of the WITH clauses. None may stand for a table of the lake, or for what lies beneath one."""
    names = frozenset(str(cte.alias).lower() for cte in tree.find_all(exp.CTE))
    for name in names:
        if name in known or name.endswith("_files"):
            raise NotAllowed(f"{name} is a table of the lake: give the WITH clause another name")
    return names


def _table_name(table: exp.Table, known: frozenset[str], ctes: frozenset[str]) -> str:
    if table.args.get("db") or table.args.get("catalog") or not isinstance(table.this, exp.Identifier):
        raise NotAllowed(
            f"{table.sql(dialect=DIALECT)[:100]}: name a table of the lake: {', '.join(sorted(known))}"
        )
    name = str(table.name).lower()
    if name not in known and name not in ctes:
        raise NotAllowed(f"there is no table {name[:100]} in the lake: {', '.join(sorted(known))}")
    return name


def _own(table: exp.Table, name: str, user_id: str) -> exp.Expression:
    """The table's rows of the user, under the name that the rest of the question knows it by."""
    rows = (
        exp.select("*")
        .from_(exp.to_table(name))
        .where(exp.EQ(this=exp.column("user_id"), expression=exp.Literal.string(user_id)))
    )
    return rows.subquery(alias=table.alias or name)
