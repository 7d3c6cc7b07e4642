"""Everything the endpoint must not forget, in one SQLite file: machines, executions, and what happened to each.

An execution is kept as its input, the seed of its chance and the list of what happened to it: the interpreter
makes the rest of it again, to the last event. Nothing is ever acted on or answered before it is written.

The file is in WAL mode. With `synchronous=NORMAL` a commit is one write to the operating system, so whatever
was committed survives the end of the process, `kill -9` included; only a power cut may take the last moments
with it. `power_safe` asks for `synchronous=FULL`, an fsync at each commit, which survives that too.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from localstack.stepfunctions import happenings
from workflows.asl.interpreter import Execution, Happening

log = logging.getLogger(__name__)

FILE = "stepfunctions.sqlite3"
VERSION = 1
"""Of the tables below; a file of another version is refused, not guessed at."""

_TABLES = """
CREATE TABLE revisions (
    id TEXT PRIMARY KEY, arn TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, definition TEXT NOT NULL,
    role_arn TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL
);
CREATE TABLE machines (arn TEXT PRIMARY KEY, revision TEXT NOT NULL, tags TEXT NOT NULL);
CREATE TABLE executions (
    number INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, name TEXT NOT NULL, machine_arn TEXT NOT NULL,
    revision TEXT NOT NULL, input TEXT NOT NULL, seed TEXT NOT NULL, began REAL NOT NULL,
    started_at REAL NOT NULL, status TEXT NOT NULL, stopped_at REAL, redrive_count INTEGER NOT NULL DEFAULT 0,
    redriven_at REAL, redrive_token TEXT
);
CREATE INDEX executions_of_machine ON executions (machine_arn, number);
CREATE INDEX executions_by_status ON executions (status, stopped_at);
CREATE TABLE happenings (
    execution INTEGER NOT NULL, sequence INTEGER NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL,
    subject TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (execution, sequence)
) WITHOUT ROWID;
CREATE TABLE tokens (digest BLOB PRIMARY KEY, execution INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE express (arn TEXT PRIMARY KEY, name TEXT NOT NULL, revision TEXT NOT NULL, input TEXT NOT NULL);
"""

RUNNING = "RUNNING"
EXIT_CODE = 74
"""EX_IOERR: the journal can't be written any more."""


class JournalUnusable(RuntimeError):
    """The file is in use by another endpoint, or not one of ours."""


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """One revision of a machine: what an execution runs and keeps running."""

    id: str
    arn: str
    name: str
    type: str
    definition: str
    role_arn: str
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """One execution. Times are seconds since the epoch; `began` is `started_at` before it was cut to ms."""

    number: int
    arn: str
    name: str
    machine_arn: str
    revision: str
    input: str
    seed: str
    began: float
    started_at: float
    status: str
    stopped_at: float | None
    redrive_count: int
    redriven_at: float | None
    redrive_token: str | None


@dataclass(frozen=True, slots=True)
class ExpressRow:
    """An asynchronous Express execution that has not ended: after a restart it runs again from its start."""

    arn: str
    name: str
    revision: str
    input: str


_COLUMNS = ", ".join(ExecutionRow.__dataclass_fields__)


class Journal:
    """The file, or with no folder a database in memory that ends with the process."""

    def __init__(self, folder: Path | None = None, *, power_safe: bool = False) -> None:
        """Raises JournalUnusable."""
        self._db = sqlite3.connect(_file(folder), isolation_level=None, check_same_thread=False)
        try:
            self._open(power_safe=power_safe)
        except sqlite3.DatabaseError as wrong:
            self._db.close()
            raise JournalUnusable(f"{folder}: {wrong}; does another endpoint use it?") from wrong
        self._next: int = 1 + self._one("SELECT coalesce(max(number), 0) FROM executions")

    def _open(self, *, power_safe: bool) -> None:
        self._db.execute("PRAGMA busy_timeout = 1000")
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
        self._db.execute("BEGIN IMMEDIATE")  # takes the lock, so that a second endpoint fails now and not later
        version = self._one("PRAGMA user_version")
        if version == 0:
            for statement in _TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION:
            raise sqlite3.DatabaseError(f"its tables are of version {version}, not {VERSION}")
        self._db.execute("COMMIT")

    def _one(self, query: str, *values: object) -> Any:
        row = self._db.execute(query, values).fetchone()
        return row[0] if row else None

    def _write(self, statement: str, *values: object) -> None:
        try:
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(statement, values)
        except sqlite3.OperationalError as wrong:
            _stop(wrong)

    @property
    def dirty(self) -> bool:
        """Something was written and not yet committed."""
        return self._db.in_transaction

    def commit(self) -> None:
        """What was written is safe from now on."""
        try:
            if self._db.in_transaction:
                self._db.execute("COMMIT")
        except sqlite3.OperationalError as wrong:
            _stop(wrong)

    def close(self) -> None:
        self.commit()
        self._db.close()

    # --- machines ---

    def keep_machine(self, revision: RevisionRow, tags: dict[str, str]) -> None:
        row = revision
        self._write(
            "INSERT OR IGNORE INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row.id, row.arn, row.name, row.type, row.definition, row.role_arn, row.created_at, row.updated_at,
        )  # fmt: skip
        self._write(
            "INSERT INTO machines VALUES (?, ?, ?) ON CONFLICT (arn) "
            "DO UPDATE SET revision = excluded.revision, tags = excluded.tags",
            row.arn,
            row.id,
            json.dumps(tags),
        )

    def drop_machine(self, arn: str) -> None:
        """Its revisions stay, for the executions that run or ran them."""
        self._write("DELETE FROM machines WHERE arn = ?", arn)

    def machines(self) -> list[tuple[RevisionRow, dict[str, str]]]:
        """Every machine's newest revision and its tags, in the order they were made."""
        rows = self._db.execute(
            "SELECT r.*, m.tags FROM machines m JOIN revisions r ON r.id = m.revision ORDER BY m.rowid"
        )
        return [(RevisionRow(*row[:-1]), json.loads(row[-1])) for row in rows]

    def revision(self, id_: str) -> RevisionRow:
        return RevisionRow(*self._db.execute("SELECT * FROM revisions WHERE id = ?", (id_,)).fetchone())

    # --- executions ---

    def number(self) -> int:
        """A new execution's number: executions are numbered in the order they start."""
        self._next += 1
        return self._next - 1

    def begin(self, row: ExecutionRow) -> None:
        values = [getattr(row, name) for name in ExecutionRow.__dataclass_fields__]
        marks = ", ".join("?" * len(values))
        self._write(f"INSERT INTO executions VALUES ({marks})", *values)  # noqa: S608  (marks are only marks)

    def happened(self, number: int, sequence: int, at: float, what: Happening) -> None:
        kind, subject, body = happenings.written(what)
        self._write(
            "INSERT INTO happenings VALUES (?, ?, ?, ?, ?, ?)", number, sequence, at, kind, subject, body
        )

    def happenings(self, number: int) -> Iterator[tuple[float, Happening]]:
        """What happened to an execution, and when, in order."""
        rows = self._db.execute(
            "SELECT at, kind, subject, body FROM happenings WHERE execution = ? ORDER BY sequence", (number,)
        )
        for at, kind, subject, body in rows:
            yield at, happenings.read(kind, subject, body)

    def status(self, number: int, execution: Execution, redrive_token: str | None) -> None:
        """How the execution stands, for those who list it."""
        self._write(
            "UPDATE executions SET status = ?, stopped_at = ?, redrive_count = ?, redriven_at = ?, "
            "redrive_token = ? WHERE number = ?",
            execution.status.value,
            execution.stopped_at,
            execution.redrive_count,
            execution.redriven_at,
            redrive_token,
            number,
        )

    def execution(self, arn: str) -> ExecutionRow | None:
        row = self._db.execute(f"SELECT {_COLUMNS} FROM executions WHERE arn = ?", (arn,)).fetchone()  # noqa: S608
        return None if row is None else ExecutionRow(*row)

    def running(self) -> list[ExecutionRow]:
        query = f"SELECT {_COLUMNS} FROM executions WHERE status = ? ORDER BY number"  # noqa: S608
        return [ExecutionRow(*row) for row in self._db.execute(query, (RUNNING,))]

    def listed(
        self, machine_arn: str, status: str | None, redriven: bool | None, before: int | None, limit: int
    ) -> list[ExecutionRow]:
        """Newest first, those with a number below `before`."""
        conditions, values = ["machine_arn = ?"], list[object]([machine_arn])
        if status is not None:
            conditions.append("status = ?")
            values.append(status)
        if redriven is not None:
            conditions.append("redrive_count > 0" if redriven else "redrive_count = 0")
        if before is not None:
            conditions.append("number < ?")
            values.append(before)
        query = (
            f"SELECT {_COLUMNS} FROM executions WHERE {' AND '.join(conditions)} "  # noqa: S608
            "ORDER BY number DESC LIMIT ?"
        )
        return [ExecutionRow(*row) for row in self._db.execute(query, (*values, limit))]

    # --- Express ---

    def begin_express(self, row: ExpressRow) -> None:
        self._write("INSERT INTO express VALUES (?, ?, ?, ?)", row.arn, row.name, row.revision, row.input)

    def end_express(self, arn: str) -> None:
        self._write("DELETE FROM express WHERE arn = ?", arn)

    def express(self) -> list[ExpressRow]:
        return [ExpressRow(*row) for row in self._db.execute("SELECT * FROM express ORDER BY rowid")]

    # --- tokens: only a digest of each, so that a token that is over is told from one that never was ---

    def issued(self, token: str, number: int) -> None:
        self._write("INSERT OR IGNORE INTO tokens VALUES (?, ?)", _digest(token), number)

    def was_issued(self, token: str) -> bool:
        return self._one("SELECT 1 FROM tokens WHERE digest = ?", _digest(token)) is not None

    # --- growth ---

    def forget(self, stopped_before: float, keep: int) -> int:
        """Forget executions that ended before a moment, and all but the newest `keep` that have ended.

        The number of those forgotten.
        """
        self._write(
            "CREATE TEMP TABLE IF NOT EXISTS gone AS SELECT number FROM executions WHERE 0",
        )
        self._write("DELETE FROM gone")
        self._write(
            "INSERT INTO gone SELECT number FROM executions WHERE stopped_at < ? AND status != 'RUNNING' UNION "
            "SELECT number FROM (SELECT number FROM executions WHERE status != 'RUNNING' "
            "ORDER BY stopped_at DESC LIMIT -1 OFFSET ?)",
            stopped_before,
            keep,
        )
        count: int = self._one("SELECT count(*) FROM gone")
        if count:
            self._write("DELETE FROM happenings WHERE execution IN gone")
            self._write("DELETE FROM tokens WHERE execution IN gone")
            self._write("DELETE FROM executions WHERE number IN gone")
            self._write(
                "DELETE FROM revisions WHERE id NOT IN (SELECT revision FROM machines UNION "
                "SELECT revision FROM executions UNION SELECT revision FROM express)"
            )
        return count


def _stop(wrong: sqlite3.Error) -> NoReturn:
    """The file can't be written: end here, before anything happens that would be lost.

    What is committed goes on at the next start. Nothing is cleaned up, as after `kill -9`.
    """
    log.critical("the journal can't be written (%s): stopping", wrong)
    os._exit(EXIT_CODE)


def _file(folder: Path | None) -> str:
    """Where the database is. Its files are for the owner's eyes only: they hold what tokens are made from."""
    if folder is None:
        return ":memory:"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / FILE
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return str(file)


def _digest(token: str) -> bytes:
    return hashlib.blake2b(token.encode(), digest_size=16).digest()
