"""What ministack knows, kept so that `kill -9` forgets nothing that was answered.

ministack holds everything in memory and writes it down only when it is asked to end. On AWS nothing that was
answered is ever forgotten, so here

- an item of a table, and its record in the stream, are in a journal (SQLite) before the write is answered, a
  transaction whole or not at all;
- how far each stream has been read is written after each batch: killed in between, the batch comes again;
- an event of the bus is in the journal before PutEvents answers, until its function has taken it; where that
  fails it is tried again, as on AWS;
- every other service that a request may have changed writes its state (ministack's own file) before the answer;
- what a deployment has made is written when `POST /_local/keep` says that it is complete.

A message of a queue is written when it is sent, not when it is taken: it may come twice, as on AWS. Not kept:
sent e-mails, metrics and logs. A commit is a write to the operating system, which survives the end of this
process and not a power cut.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

logger = logging.getLogger("keeping")

TRIES = 20
"""Of an event's delivery, as `infra.events` asks AWS for."""

LONGEST_PAUSE = 30.0
"""Seconds between two of them; the first is one second."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS item
    (tbl TEXT, pk TEXT, sk TEXT, body TEXT, PRIMARY KEY (tbl, pk, sk)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stream (tbl TEXT PRIMARY KEY, end INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (tbl TEXT, n INTEGER, body TEXT, PRIMARY KEY (tbl, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS position (mapping TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, arn TEXT, payload TEXT);
"""

Change = tuple[str, tuple[Any, ...]]
Position = tuple[str, str, str]
"""Account, region and id of an event source mapping."""


@dataclass(slots=True)
class Journal:
    """The file. Safe for use by several threads."""

    file: Path
    _database: sqlite3.Connection = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(self.file, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")  # a write to the operating system is enough
        self._database.executescript(_SCHEMA)

    def write(self, changes: list[Change]) -> None:
        """All of them, or none."""
        if not changes:
            return
        with self._writing() as database:
            for statement, values in changes:
                database.execute(statement, values)

    def add(self, statement: str, values: tuple[Any, ...]) -> int:
        """Write one row; its id."""
        with self._writing() as database:
            return database.execute(statement, values).lastrowid or 0

    def read(self, query: str) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(query).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._database:
            yield self._database


@dataclass(slots=True)
class Tables:
    """Items and streams of DynamoDB. `pending` is what the request that is being answered has changed."""

    journal: Journal
    dynamodb: ModuleType
    functions: ModuleType
    pending: list[Change] = field(default_factory=list)
    _ends: dict[str, int] = field(default_factory=dict)
    _positions: dict[Position, int] = field(default_factory=dict)

    def setting(self, set_item: Callable[..., Any]) -> Callable[..., Any]:
        def set_and_note(table: dict[str, Any], pk: str, sk: str, item: Any) -> Any:
            values = (table["TableArn"], pk, sk, json.dumps(item))
            self.pending.append(("INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?)", values))
            return set_item(table, pk, sk, item)

        return set_and_note

    def removing(self, remove_item: Callable[..., Any]) -> Callable[..., Any]:
        def remove_and_note(table: dict[str, Any], pk: str, sk: str) -> Any:
            values = (table["TableArn"], pk, sk)
            self.pending.append(("DELETE FROM item WHERE tbl = ? AND pk = ? AND sk = ?", values))
            return remove_item(table, pk, sk)

        return remove_and_note

    def recording(self, build: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """Wrap what makes a change's record: it is the next of its stream."""

        def build_and_note(table: dict[str, Any], *change: Any) -> dict[str, Any]:
            record = build(table, *change)
            arn = table["TableArn"]
            number = self._ends.get(arn, 0)
            self._ends[arn] = number + 1
            self.pending.append(("INSERT INTO record VALUES (?, ?, ?)", (arn, number, json.dumps(record))))
            self.pending.append(("INSERT OR REPLACE INTO stream VALUES (?, ?)", (arn, number + 1)))
            return record

        return build_and_note

    def answering(self, handle: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap what answers a request of DynamoDB: what it changed is kept first."""

        async def handle_and_keep(*request: Any) -> Any:
            answer = await handle(*request)
            self.flush()
            return answer

        return handle_and_keep

    def flush(self) -> None:
        changes, self.pending = self.pending, []
        self.journal.write(changes)

    def polling(self, poll: Callable[[], bool]) -> Callable[[], bool]:
        """Wrap what feeds the streams' functions: how far they are is kept."""

        def poll_and_keep() -> bool:
            done = poll()
            self.keep_positions()
            return done

        return poll_and_keep

    def keep_positions(self) -> None:
        """Where they have moved. What all have read goes."""
        now: dict[Position, int] = {
            k: int(v) for k, v in self.functions._dynamodb_stream_positions._data.items()
        }
        moved = {key: at for key, at in now.items() if self._positions.get(key) != at}
        if not moved:
            return
        self._positions = now
        rows: list[Change] = [
            ("INSERT OR REPLACE INTO position VALUES (?, ?)", (json.dumps(key), at))
            for key, at in moved.items()
        ]
        self.journal.write([*rows, *self._read_by_all()])

    def _read_by_all(self) -> Iterator[Change]:
        read: dict[str, int] = {}
        for account, region, mapping in self.functions._iter_all_esms():
            source: str = mapping.get("EventSourceArn", "")
            if ":dynamodb:" in source:
                at = self._positions.get((account, region, mapping["UUID"]), 0)
                table = source.rpartition("/stream/")[0]
                read[table] = min(at, read.get(table, at))
        return (("DELETE FROM record WHERE tbl = ? AND n < ?", each) for each in read.items())

    def restore(self) -> None:
        """Put back what the journal holds. Positions first: the records are read by them."""
        positions = self.functions._dynamodb_stream_positions._data
        for key, at in self.journal.read("SELECT mapping, n FROM position"):
            positions[tuple(json.loads(key))] = at
        self._positions = {key: int(at) for key, at in positions.items()}
        tables = {table["TableArn"]: (key, table) for key, table in self.dynamodb._tables.all_items()}
        for _, table in tables.values():
            table["items"].clear()
        for arn, pk, sk, body in self.journal.read("SELECT tbl, pk, sk, body FROM item"):
            if arn in tables:
                tables[arn][1]["items"].setdefault(pk, {})[sk] = json.loads(body)
        for _, table in tables.values():
            self.dynamodb._items_replaced(table)
        records: dict[str, list[Any]] = {}
        for arn, body in self.journal.read("SELECT tbl, body FROM record ORDER BY tbl, n"):
            records.setdefault(arn, []).append(json.loads(body))
        for arn, end in self.journal.read("SELECT tbl, end FROM stream"):
            self._ends[arn] = end
            if arn in tables:
                key, kept = tables[arn][0], records.get(arn, [])
                self.dynamodb._stream_trimmed.set_scoped(*key, end - len(kept))
                self.dynamodb._stream_records.set_scoped(*key, kept)


@dataclass(slots=True)
class Deliveries:
    """Events of the bus on their way to functions: kept until they were taken."""

    journal: Journal
    functions: ModuleType
    sleep: Callable[[float], None] = time.sleep
    _waiting: set[int] = field(default_factory=set)

    def deliver(self, arn: str, payload: str) -> None:
        """Stands in for `eventbridge._dispatch_to_lambda`, which would lose it, and tries once."""
        self._start(
            self.journal.add("INSERT INTO event (arn, payload) VALUES (?, ?)", (arn, payload)), arn, payload
        )

    def restore(self) -> None:
        for number, arn, payload in self.journal.read("SELECT id, arn, payload FROM event ORDER BY id"):
            self._start(number, arn, payload)

    @property
    def waiting(self) -> int:
        """Events that no function has taken yet."""
        return len(self._waiting)

    def _start(self, number: int, arn: str, payload: str) -> None:
        self._waiting.add(number)
        threading.Thread(target=self._deliver, args=(number, arn, payload), daemon=True).start()

    def _deliver(self, number: int, arn: str, payload: str) -> None:
        for attempt in range(TRIES):
            if self._taken(arn, payload):
                break
            self.sleep(min(2.0**attempt, LONGEST_PAUSE))
        else:
            logger.error("an event for %s was not taken in %d tries: %s", arn, TRIES, payload)
        self.journal.write([("DELETE FROM event WHERE id = ?", (number,))])
        self._waiting.discard(number)

    def _taken(self, arn: str, payload: str) -> bool:
        found, config, _ = self.functions._get_func_record_for_ref(arn)
        if not found or not config:
            return False
        record = self.functions._execution_record_for_config(found, config)
        answer = self.functions._execute_function_with_config_scope(record, json.loads(payload))
        return not (isinstance(answer, Mapping) and answer.get("error"))


@dataclass(slots=True)
class Files:
    """ministack's own files, one for each service, written whole after a request that may have changed it."""

    app: ModuleType
    save: Callable[[str, Any], None]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answering(self, dispatch: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap what gives a request to its service."""

        async def dispatch_and_keep(*request: Any) -> Any:
            answer = await dispatch(*request)
            method, path, headers, _, query, _ = request
            service: str = self.app.detect_service(method, path, headers, query)
            if may_have_changed(service, method, path, headers):
                self.keep(service)
            return answer

        return dispatch_and_keep

    def keep(self, service: str) -> None:
        """The state of one service."""
        known = self.app.SERVICE_REGISTRY.get(service)
        if known is not None:
            self._write({known.get("state_key", known["module"]), *known.get("sub_modules", ())})

    def keep_all(self) -> None:
        """Of every service: when a deployment is complete."""
        self._write(set(self.app._state_map))

    def _write(self, keys: set[str]) -> None:
        with self._lock:
            for key, state in self.app._build_persistence_save_dict().items():
                if key in keys and (found := state()) is not None:
                    self.save(key, found)


@dataclass(frozen=True, slots=True)
class Keeping:
    """All of it, around one ministack."""

    tables: Tables
    deliveries: Deliveries
    files: Files

    def surround(self, app: ModuleType, dynamodb: ModuleType, eventbridge: ModuleType) -> None:
        """Let what was answered be kept, and found again at the next start."""
        tables = self.tables
        dynamodb._set_item = tables.setting(dynamodb._set_item)  # type: ignore[attr-defined]
        dynamodb._remove_item = tables.removing(dynamodb._remove_item)  # type: ignore[attr-defined]
        dynamodb._build_change_record = tables.recording(dynamodb._build_change_record)  # type: ignore[attr-defined]
        dynamodb.handle_request = tables.answering(dynamodb.handle_request)  # type: ignore[attr-defined]
        eventbridge._dispatch_to_lambda = self.deliveries.deliver  # type: ignore[attr-defined]
        app._dispatch_service_request = self.files.answering(app._dispatch_service_request)  # type: ignore[attr-defined]
        app._load_persisted_state = self.restoring(app._load_persisted_state)  # type: ignore[attr-defined]
        app.save_all = lambda _: None  # type: ignore[attr-defined]  # nothing is left to be saved at the end

    def restoring(self, load: Callable[[], None]) -> Callable[[], None]:
        """Wrap what reads ministack's own files at the start."""

        def load_and_restore() -> None:
            load()
            self.tables.restore()
            self.deliveries.restore()

        return load_and_restore


_READ = ("Get", "List", "Describe", "Receive", "Search", "BatchGet", "PutEvents")
_NOT_HERE = frozenset({"dynamodb", "logs", "monitoring", "cloudwatch", "sts", "cloudformation", "states"})
"""Kept in the journal, not at all, or when the deployment is complete."""


def may_have_changed(service: str, method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether the request was one that changes what its service knows."""
    if service in _NOT_HERE or method in ("GET", "HEAD") or path.endswith("/invocations"):
        return False
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    return not action.startswith(_READ)
