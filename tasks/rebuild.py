"""`python -m tasks.rebuild`: fold every read-model anew from the journal, to the same bytes.

Run while nothing changes, or just after: what is recorded meanwhile is folded by ProjectEvents as ever. With
`--check` nothing is written, and the exit code says whether what stands is what the events say.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import dataclass

from tasks.projection import Key, fold, rows_of, sources_of
from tasks.stores import Stores
from tasks.stores.journal import Recorded, ViewRow


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found: how many rows there are, and which were not what the events say."""

    events: int
    rows: int
    wrong: tuple[Key, ...]


def rebuild(stores: Stores, *, write: bool = True) -> Rebuilt:
    """Fold all events, compare with what stands, and, with `write`, make it so."""
    wanted, count = _folded(stores)
    standing = {Key(row.owner, row.item): row for row in stores.views.everything()}
    wrong = [key for key, row in wanted.items() if not _same(standing.get(key), row)]
    left_over = [key for key in standing if key not in wanted]
    if write:
        for key in wrong:
            stores.views.replace(wanted[key])
        for key in left_over:
            stores.views.forget(key.owner, key.item)
    return Rebuilt(count, len(wanted), tuple(sorted([*wrong, *left_over], key=str)))


def _folded(stores: Stores) -> tuple[dict[Key, ViewRow], int]:
    events: dict[str, list[Recorded]] = defaultdict(list)
    for event in stores.events.everything():
        events[event.aggregate].append(event)
    keys = {key for recorded in events.values() for key in rows_of(recorded)}
    rows = {key: _row(key, events) for key in keys}
    return rows, sum(map(len, events.values()))


def _row(key: Key, events: dict[str, list[Recorded]]) -> ViewRow:
    sources = {aggregate: events.get(aggregate, []) for aggregate in sources_of(key)}
    return ViewRow(key.owner, key.item, sum(map(len, sources.values())), fold(key, sources))


def _same(standing: ViewRow | None, wanted: ViewRow) -> bool:
    """To the byte: also the order of the fields."""
    if standing is None or standing.sequence != wanted.sequence:
        return False
    return json.dumps(standing.document) == json.dumps(wanted.document)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.rebuild", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    chosen = parser.parse_args(arguments)
    done = rebuild(_stores(), write=not chosen.check)
    for key in done.wrong:
        sys.stdout.write(f"{'differs' if chosen.check else 'rebuilt'}: {key.owner} {key.item}\n")
    sys.stdout.write(f"{done.events} events, {done.rows} rows, {len(done.wrong)} not as the events say\n")
    return 1 if chosen.check and done.wrong else 0


def _stores() -> Stores:
    import boto3  # noqa: PLC0415  (tests rebuild without AWS)

    from tasks.stores.dynamodb import from_environment  # noqa: PLC0415

    return from_environment(boto3.client("dynamodb"))


if __name__ == "__main__":
    sys.exit(main())
