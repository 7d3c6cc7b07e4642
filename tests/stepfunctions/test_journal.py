"""The journal by itself: what is written is read again, and what is too much is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localstack.stepfunctions import happenings
from localstack.stepfunctions.journal import ExecutionRow, Journal, RevisionRow
from workflows.asl.interpreter import (
    CallReturned,
    Happening,
    Heartbeat,
    Redriven,
    Stopped,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
words = st.none() | st.text()


@given(
    st.builds(CallReturned, st.text(), json_values)
    | st.builds(TaskSucceeded, st.text(), json_values)
    | st.builds(TaskFailed, st.text(), words, words)
    | st.builds(Stopped, words, words)
    | st.builds(Heartbeat, st.text())
    | st.builds(TimerFired, st.text())
    | st.just(Redriven())
)
def test_what_happened_is_read_as_it_was_written(what: Happening) -> None:
    assert happenings.read(*happenings.written(what)) == what


def row(journal: Journal, name: str, *, status: str = "SUCCEEDED", stopped_at: float | None = 2.0) -> Any:
    number = journal.number()
    made = ExecutionRow(
        number, f"arn:{name}", name, "machine", "revision", "{}", "seed", 1.0, 1.0, status, stopped_at, 0, None,
        None,
    )  # fmt: skip
    journal.begin(made)
    return made


def names(journal: Journal) -> list[str]:
    return [each.name for each in journal.listed("machine", None, None, None, 100)]


def test_only_so_many_that_have_ended_are_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.keep_machine(RevisionRow("revision", "machine", "m", "STANDARD", "{}", "role", 1.0, 1.0), {})
    row(journal, "runs", status="RUNNING", stopped_at=None)
    old = row(journal, "old", stopped_at=10.0)
    journal.happened(old.number, 1, 5.0, Heartbeat("7"))
    journal.issued("token", old.number)
    for number in range(3):
        row(journal, f"new-{number}", stopped_at=20.0 + number)

    assert journal.forget(stopped_before=0.0, keep=3) == 1

    assert names(journal) == ["new-2", "new-1", "new-0", "runs"]
    assert not list(journal.happenings(old.number))
    assert not journal.was_issued("token")


def test_what_was_not_committed_is_not_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    row(journal, "kept")
    journal.commit()
    row(journal, "lost")
    journal._db.rollback()
    journal.close()

    assert names(Journal(tmp_path)) == ["kept"]


@pytest.mark.parametrize("power_safe", [False, True])
def test_power_safe_asks_for_an_fsync_at_each_commit(tmp_path: Path, *, power_safe: bool) -> None:
    journal = Journal(tmp_path, power_safe=power_safe)
    assert journal._one("PRAGMA synchronous") == (2 if power_safe else 1)
    assert journal._one("PRAGMA journal_mode") == "wal"
