"""What every pace store promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tasks.domain.pace import ENTERING, Pace, take
from tasks.stores import Stores
from tests.stores.rows import ACCOUNT, AT


def test_an_account_that_never_sent_has_no_pace(stores: Stores) -> None:
    assert stores.pace.get(ACCOUNT) == Pace()


def test_a_pace_is_replaced_as_long_as_nobody_was_faster(stores: Stores) -> None:
    first, _ = take(Pace(), AT, ENTERING)
    second, _ = take(first, AT, ENTERING)
    assert stores.pace.replace(ACCOUNT, first, standing=Pace())
    assert stores.pace.get(ACCOUNT) == first
    assert not stores.pace.replace(ACCOUNT, second, standing=Pace())
    assert stores.pace.replace(ACCOUNT, second, standing=first)
    assert not stores.pace.replace(ACCOUNT, first, standing=first)
    assert stores.pace.get("ZB9999") == Pace()


def test_of_many_at_once_one_wins(stores: Stores) -> None:
    taken, _ = take(Pace(), AT, ENTERING)
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda _: stores.pace.replace(ACCOUNT, taken, standing=Pace()), range(8)))
    assert sorted(won) == [False] * 7 + [True]
