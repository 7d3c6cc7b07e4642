"""Compaction changes no total, at whatever point it is killed, and deletes nothing that it has not proven."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from shutil import copytree

import pytest

from tasks.lake.compaction import Compacted, NotTheSame, compact, partitions
from tasks.lake.schemas import ORDERS, POSITIONS
from tasks.objects import FolderObjects
from tests.lake.material import ask, land, order, position, sums

DAY = date(2026, 11, 23)


class Killed(BaseException):
    """The process is gone."""


class Dying(FolderObjects):
    """Ends the process at its n-th call, before or after the call has had its effect."""

    def __init__(self, root: Path, calls: int, *, after: bool) -> None:
        super().__init__(root)
        object.__setattr__(self, "left", calls)
        object.__setattr__(self, "after", after)

    def _step(self) -> bool:
        object.__setattr__(self, "left", self.left - 1)  # type: ignore[attr-defined]
        return bool(self.left < 0)  # type: ignore[attr-defined]

    def put(self, key: str, content: bytes) -> None:
        dies = self._step()
        if not dies or self.after:  # type: ignore[attr-defined]
            super().put(key, content)
        if dies:
            raise Killed

    def delete(self, keys: Iterable[str]) -> None:
        for each in keys:
            if self._step():
                raise Killed
            super().delete([each])


def _small_files(root: Path) -> None:
    for number in range(6):
        land(root, order(1, number=number), order(2, number=number), position(number, f"{number}.25"))
    land(root, order(2, number=3), order(1, number=5), position(4, "4.25"))  # delivered again in another mix


def test_one_file_with_each_event_once(tmp_path: Path) -> None:
    _small_files(tmp_path)
    before = sums(tmp_path)
    done = compact(ORDERS, DAY, FolderObjects(tmp_path))
    assert done is not None
    assert (done.files, done.rows) == (7, 12)
    assert FolderObjects(tmp_path).keys("lake/order_events/") == [done.key]
    assert sums(tmp_path) == before == (12, 6, Decimal("16.50"))
    assert ask(tmp_path, "SELECT count(*) FROM order_events_files") == [(12,)]


def test_killed_at_every_point_no_total_changes_and_the_next_run_ends_it(tmp_path: Path) -> None:
    killed, made = 0, tmp_path / "made"
    _small_files(made)
    before = sums(made)
    for point in range(0, 40, 2):
        root = tmp_path / str(point)
        copytree(made, root)
        try:
            _compact_both(Dying(root, point // 2, after=bool(point // 2 % 2)))
        except Killed:
            killed += 1
        assert sums(root) == before
        _compact_both(FolderObjects(root))
        assert sums(root) == before
        assert len(FolderObjects(root).keys("")) == 2
    assert 10 <= killed < 20, "every call was a point, and the last ones were beyond the end"


def _compact_both(objects: FolderObjects) -> None:
    for kind in (ORDERS, POSITIONS):
        compact(kind, DAY, objects)


def test_what_arrives_later_is_taken_in_the_next_night(tmp_path: Path) -> None:
    _small_files(tmp_path)
    compact(ORDERS, DAY, FolderObjects(tmp_path))
    land(tmp_path, order(3, number=1), order(2, number=1))
    assert ask(tmp_path, "SELECT count(*) FROM order_events") == [(13,)]
    done = compact(ORDERS, DAY, FolderObjects(tmp_path))
    assert done is not None
    assert done.rows == 13
    assert compact(ORDERS, DAY, FolderObjects(tmp_path)) is None


def test_a_file_that_reads_back_otherwise_deletes_nothing(tmp_path: Path) -> None:
    class Forgetful(FolderObjects):
        """Keeps only a part of what it is given, and says nothing."""

        def put(self, key: str, content: bytes) -> None:
            smallest = min(self.keys("lake/order_events/"), key=lambda name: len(self.get(name) or b""))
            super().put(key, self.get(smallest) or b"")

    _small_files(tmp_path)
    files = set(FolderObjects(tmp_path).keys("lake/order_events/"))
    with pytest.raises(NotTheSame, match="rows, event_id"):
        compact(ORDERS, DAY, Forgetful(tmp_path))
    assert files <= set(FolderObjects(tmp_path).keys("lake/order_events/"))
    assert sums(tmp_path) == (12, 6, Decimal("16.50"))


def test_every_partition_is_found(tmp_path: Path) -> None:
    _small_files(tmp_path)
    land(tmp_path, order(1, number=9, trading_date="2026-11-24"))
    found = [(kind.name, f"{day}", len(keys)) for kind, day, keys in partitions(FolderObjects(tmp_path))]
    assert found == [
        ("order_events", "2026-11-23", 7),
        ("order_events", "2026-11-24", 1),
        ("position_events", "2026-11-23", 6),  # one file held the very same position, and was written over
    ]
    assert isinstance(compact(POSITIONS, DAY, FolderObjects(tmp_path)), Compacted)
