"""What the catalog's transaction promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tasks.stores import Stores
from tasks.stores.ports import ANY, Change
from tests.stores.rows import AT


def put(item: str, version: int, expected: int, **fields: Any) -> Change:
    return Change("user-1", item, {"version": version, **fields}, expected)


def test_all_is_written_together(stores: Stores) -> None:
    assert stores.catalog.commit([put("BASKET#a", 1, 0), put("STRATEGY#b", 1, 0)]) == ()
    assert stores.catalog.get("user-1", "BASKET#a") == {"version": 1}
    assert stores.catalog.get("user-1", "STRATEGY#b") == {"version": 1}


def test_or_nothing_is_and_it_says_what_stood_in_the_way(stores: Stores) -> None:
    stores.catalog.put("user-1", "BASKET#a", {"version": 3})
    stale = put("BASKET#a", 3, 2)
    assert stores.catalog.commit([put("STRATEGY#b", 1, 0), stale]) == (stale,)
    assert stores.catalog.get("user-1", "STRATEGY#b") is None
    assert stores.catalog.get("user-1", "BASKET#a") == {"version": 3}


@pytest.mark.parametrize(
    ("standing", "expected", "taken"),
    [
        (None, 0, True),
        (None, 1, False),
        (None, ANY, True),
        ({"version": 1}, 0, False),
        ({"version": 1}, 1, True),
        ({"version": 2}, 1, False),
        ({"version": 2}, 2, True),
        ({"version": 2}, ANY, True),
        ({"name": "never counted"}, 1, True),
        ({"name": "never counted"}, 2, False),
        ({"name": "never counted"}, 0, False),
    ],
)
@pytest.mark.parametrize("kind", ["put", "delete", "check"])
def test_what_is_expected(
    stores: Stores, standing: dict[str, Any] | None, expected: int, taken: bool, kind: str
) -> None:
    if standing is not None:
        stores.catalog.put("user-1", "BASKET#a", standing)
    document = {"version": 9} if kind == "put" else None
    change = Change("user-1", "BASKET#a", document, expected, only_check=kind == "check")
    if kind == "check" and expected == ANY:
        pytest.skip("a check without a condition checks nothing")
    assert (stores.catalog.commit([change]) == ()) is taken
    written: dict[str, dict[str, Any] | None] = {"put": {"version": 9}, "delete": None, "check": standing}
    assert stores.catalog.get("user-1", "BASKET#a") == (written[kind] if taken else standing)


def test_of_many_who_write_at_once_one_wins(stores: Stores) -> None:
    stores.catalog.put("user-1", "BASKET#a", {"version": 1})
    with ThreadPoolExecutor(8) as pool:
        refused = list(pool.map(lambda n: stores.catalog.commit([put("BASKET#a", 2, 1, by=n)]), range(8)))
    assert sum(not one for one in refused) == 1


def test_what_may_expire_reads_the_same(stores: Stores) -> None:
    stores.catalog.commit([Change("user-1", "IDEMPOTENCY#k", {"answer": {}}, 0, expires_at=AT)])
    assert stores.catalog.get("user-1", "IDEMPOTENCY#k") == {"answer": {}}
