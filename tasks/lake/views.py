"""The views that people query, as SQL that DuckDB and Athena both take.

A kind's files are the table `{kind}_files`. An event may lie in two of them: after a crash between the write
and the queue's delete, or between the compacted file and the removal of the small ones. The view `{kind}` takes
each event once, so its totals are right at any moment. Copies are the same but for what was not known yet when
the first was written; the fuller one is taken.

Partitions are cut by `trading_date`, as it is among the columns of each PARTITION BY.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tasks.lake.schemas import KINDS, PARTITION, Kind


def files_table(kind: Kind) -> str:
    """The table over a kind's files, copies and all."""
    return f"{kind.name}_files"


def once(kind: Kind) -> str:
    """Each row of a kind once."""
    names = ", ".join(kind.table_schema.names)
    best = ", ".join(f"{name} DESC NULLS LAST" for name in preferred(kind))
    return (
        f"SELECT {names} FROM (SELECT *, row_number() OVER ("  # noqa: S608  (names of the catalogue)
        f"PARTITION BY {PARTITION}, event_id ORDER BY {best}) AS copy_number "
        f"FROM {files_table(kind)}) AS copies WHERE copy_number = 1"
    )


def preferred(kind: Kind) -> tuple[str, ...]:
    """Of two copies, the one with the higher values in these columns is taken."""
    return tuple(name for name in ("version", "user_id") if name in kind.schema.names)


def newest(kind: Kind) -> str:
    """What each thing of a kind has come to: its newest event."""
    names, thing = ", ".join(kind.table_schema.names), ", ".join(kind.thing)
    return (
        f"SELECT {names} FROM (SELECT *, row_number() OVER ("  # noqa: S608
        f"PARTITION BY {PARTITION}, {thing} ORDER BY sequence DESC) AS age "
        f"FROM {kind.name}) AS states WHERE age = 1"
    )


def views(kinds: Mapping[str, Kind] = KINDS) -> Iterator[tuple[str, str]]:
    """Each view's name and query, in an order in which they can be made."""
    for kind in kinds.values():
        yield kind.name, once(kind)
        if kind.state:
            yield kind.state, newest(kind)
