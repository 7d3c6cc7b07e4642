"""A user's rows of the lake: all of them handed out, or made nobody's.

Erasing comes in an order in which it may be killed at any point and run again: first the register, so that
nothing late brings the person back; then the histories; then file by file, each replaced in one step. At the
end everything is read again, and it raises unless nobody can be found.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.lake.compaction import once, partitions
from tasks.lake.erasures import Erasures
from tasks.lake.parquet import day_of, decode, encode, key, table
from tasks.lake.schemas import EXECUTIONS, KINDS, PARTITION, Kind
from tasks.objects import HISTORIES, REGISTER, Objects

_NAMES = ("user_id", "owner", "account")


class StillThere(Exception):
    """After an erasure somebody can still be found: the message says in which files. Run it again."""


@dataclass(slots=True)
class Erased:
    """What an erasure did: rows by kind that were dropped, and that stay under the pseudonym."""

    pseudonym: str
    accounts: int
    dropped: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    files: int = 0
    histories: int = 0


def accounts_of(user_id: str, objects: Objects) -> list[str]:
    """The broker accounts that the user's rows name."""
    rows = (row for _, row in _rows(objects) if user_id in (row.get("user_id"), row.get("owner")))
    return sorted({str(row["account"]) for row in rows if row.get("account")})


def export(user_id: str, objects: Objects) -> Iterator[tuple[str, bytes]]:
    """Everything that the lake has of a user: a file of JSON lines for each kind, and the histories.

    Yields names and contents. Decimals are text, times ISO 8601 in UTC.
    """
    names = {user_id, *accounts_of(user_id, objects)}
    for kind in KINDS.values():
        lines = [
            json.dumps(row, default=str, sort_keys=True, ensure_ascii=False)
            for found, row in _rows(objects)
            if found is kind and not names.isdisjoint(_named(row))
        ]
        if lines:
            yield f"{kind.name}.jsonl", ("\n".join(lines) + "\n").encode()
    for history in _histories(names, objects):
        content = objects.get(history)
        if content is not None:
            yield history, content


def erase(user_id: str, objects: Objects, *, pseudonym: str) -> Erased:
    """Take a person out of the lake.

    `pseudonym` is what is written in their place, of letters and digits; a run that goes on with an earlier one
    keeps the earlier one's.

    Raises
    ------
    StillThere
        If the user or one of their accounts can still be found afterwards.
    """
    accounts = accounts_of(user_id, objects)
    register = Erasures.load(objects)
    pseudonym = register.of(user_id) or pseudonym
    new = {user_id: pseudonym} | {name: f"{pseudonym}A{n}" for n, name in enumerate(accounts, start=1)}
    names = {name: register.of(name) or stand_in for name, stand_in in new.items()}
    register = register.with_names(names)
    register.save(objects)
    done = Erased(pseudonym, len(accounts))
    _erase_histories(set(names), register, objects, done)
    for kind, _, keys in partitions(objects):
        for each in keys:
            _erase_file(kind, each, register, objects, done)
    objects.forget([REGISTER])
    left = sorted(_found(set(names), objects))
    if left:
        raise StillThere(f"{len(left)} files still name the user: {', '.join(left[:5])}")
    return done


def _erase_file(kind: Kind, name: str, register: Erasures, objects: Objects, done: Erased) -> None:
    rows = decode(kind, objects.get(name) or encode(kind.schema.empty_table())).to_pylist()
    if not any(register.concerns(row) for row in rows):
        return
    kept = []
    for row in rows:
        stays = register.without_names(kind, row) if register.concerns(row) else row
        if register.concerns(row):
            (done.dropped if stays is None else done.kept)[kind.name] += 1
        if stays is not None:
            kept.append(stays)
    target = key(kind.name, day_of(name), (str(row["event_id"]) for row in kept)) if kept else ""
    if kept:
        objects.put(target, encode(once(kind, [table(kind, kept)])))
    objects.delete([name] if name != target else [])
    objects.forget({name, target} - {""})
    done.files += 1


def _erase_histories(names: set[str], register: Erasures, objects: Objects, done: Erased) -> None:
    """Theirs go; in those of the platform's own machines, which name many, they get the pseudonym."""
    theirs = _histories(names, objects)
    objects.delete(theirs)
    objects.forget(theirs)
    done.histories += len(theirs)
    for each in objects.keys(f"{HISTORIES}/"):
        text = gzip.decompress(objects.get(each) or gzip.compress(b"")).decode()
        if any(name in text for name in names):
            objects.put(each, gzip.compress(register.unnamed(text).encode(), mtime=0))
            objects.forget([each])
            done.histories += 1


def _histories(names: set[str], objects: Objects) -> list[str]:
    """The keys of the histories of a user's own executions."""
    rows = (row for kind, row in _rows(objects) if kind is EXECUTIONS and not names.isdisjoint(_named(row)))
    return sorted({str(row["history"]) for row in rows})


def _rows(objects: Objects) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    """Every row of the lake, once, with its trading date."""
    for kind, day, keys in partitions(objects):
        tables = (decode(kind, content) for each in keys if (content := objects.get(each)) is not None)
        for row in once(kind, tables).to_pylist():
            yield kind, {PARTITION: day, **{name: value for name, value in row.items() if value is not None}}


def _named(row: Mapping[str, Any]) -> set[str]:
    return {str(row[name]) for name in _NAMES if row.get(name)}


def _found(names: set[str], objects: Objects) -> Iterator[str]:
    """The files in which one of the names stands anywhere."""
    for kind, _, keys in partitions(objects):
        for each in keys:
            cells = json.dumps(decode(kind, objects.get(each) or b"").to_pylist(), default=str)
            if any(name in cells for name in names):
                yield each
    for each in objects.keys(f"{HISTORIES}/"):
        text = gzip.decompress(objects.get(each) or gzip.compress(b"")).decode()
        if any(name in text for name in names):
            yield each
