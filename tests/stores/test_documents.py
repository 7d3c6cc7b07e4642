"""What the callback, catalog and market stores promise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tasks.stores import Stores
from tests.stores.rows import AT, later

ORDER = "N7K3M9Q2XWBTZ4HJD101"


def test_the_newest_token_stands(stores: Stores) -> None:
    assert stores.callbacks.get(ORDER) is None
    stores.callbacks.put(ORDER, "first", at=AT)
    stores.callbacks.put(ORDER, "second", at=later(5))
    assert stores.callbacks.get(ORDER) == "second"


def test_only_the_token_that_was_meant_is_forgotten(stores: Stores) -> None:
    stores.callbacks.put(ORDER, "second", at=AT)
    stores.callbacks.delete(ORDER, "first")
    assert stores.callbacks.get(ORDER) == "second"
    stores.callbacks.delete(ORDER, "second")
    assert stores.callbacks.get(ORDER) is None
    stores.callbacks.delete(ORDER, "second")


def test_catalog_documents_are_found_by_their_prefix(stores: Stores) -> None:
    straddle = {"strategy_id": "straddle", "legs": [{"lots": 1}], "name": "ₙ ₹", "dte": None}
    stores.catalog.put("user-1", "STRATEGY#straddle", straddle)
    stores.catalog.put("user-1", "STRATEGY#condor", {"strategy_id": "condor"})
    stores.catalog.put("user-1", "ACCOUNT#ZA1234", {"account": "ZA1234"})
    stores.catalog.put("user-2", "STRATEGY#straddle", {"strategy_id": "theirs"})
    assert stores.catalog.get("user-1", "STRATEGY#straddle") == straddle
    assert list(stores.catalog.list("user-1", "STRATEGY#")) == [{"strategy_id": "condor"}, straddle]
    assert stores.catalog.get("user-3", "STRATEGY#straddle") is None
    assert list(stores.catalog.list("user-3", "")) == []


def test_a_document_is_replaced_whole(stores: Stores) -> None:
    stores.catalog.put("user-1", "PROFILE", {"name": "x" * 10_000})
    stores.catalog.put("user-1", "PROFILE", {"label": "y"})
    assert stores.catalog.get("user-1", "PROFILE") == {"label": "y"}


def test_nobody_shares_an_object_with_the_store(stores: Stores) -> None:
    document = {"legs": [1]}
    stores.catalog.put("user-1", "PROFILE", document)
    document["legs"].append(2)
    found = stores.catalog.get("user-1", "PROFILE")
    assert found == {"legs": [1]}
    found["legs"].append(3)
    assert stores.catalog.get("user-1", "PROFILE") == {"legs": [1]}


def test_what_is_not_json_is_refused(stores: Stores) -> None:
    with pytest.raises(TypeError):
        stores.market.put("NIFTY", "CHAIN#2026-11-23", {"strike": Decimal(1)})
    with pytest.raises(ValueError, match="JSON"):
        stores.market.put("NIFTY", "CHAIN#2026-11-23", {"strike": float("nan")})


def test_a_large_market_document_comes_back(stores: Stores) -> None:
    rows = [[str(strike), str(strike * 7), f"BANKNIFTY26NOV{strike}CE"] for strike in range(10_000)]
    stores.market.put("BANKNIFTY", "CHAIN#2026-11-23", {"rows": rows})
    assert stores.market.get("BANKNIFTY", "CHAIN#2026-11-23") == {"rows": rows}
    assert stores.market.get("BANKNIFTY", "CHAIN#2026-12-29") is None


def test_a_lease_keeps_others_out_until_it_ends(stores: Stores) -> None:
    def take(holder: str, second: float, item: str = "QUOTES#2026-11-23") -> bool:
        return stores.market.acquire("BANKNIFTY", item, holder=holder, now=later(second), seconds=2)

    assert take("one", 0)
    assert not take("two", 1.999)
    assert take("two", 0, item="QUOTES#2026-12-29")
    assert take("one", 1)
    assert not take("two", 2)
    assert take("two", 3)
    assert not take("one", 4)


def test_a_lease_leaves_the_document_alone(stores: Stores) -> None:
    stores.market.put("BANKNIFTY", "QUOTES#2026-11-23", {"spot": "58412.35"})
    stores.market.acquire("BANKNIFTY", "QUOTES#2026-11-23", holder="one", now=AT, seconds=2)
    assert stores.market.get("BANKNIFTY", "QUOTES#2026-11-23") == {"spot": "58412.35"}
    stores.market.put("BANKNIFTY", "QUOTES#2026-11-23", {"spot": "58413.00"})
    assert not stores.market.acquire("BANKNIFTY", "QUOTES#2026-11-23", holder="two", now=AT, seconds=2)


def test_of_many_who_want_the_lease_one_gets_it(stores: Stores) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = pool.map(
            lambda n: stores.market.acquire("NIFTY", "QUOTES", holder=f"h{n}", now=AT, seconds=2), range(8)
        )
    assert sorted(taken) == [False] * 7 + [True]
