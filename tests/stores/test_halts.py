"""What every store of the kill switch's flags promises."""

from __future__ import annotations

import pytest

from tasks.domain.ids import Purpose
from tasks.stores import Stores
from tasks.stores.halts import EVERYTHING, Halt, Scope, of_account, of_user
from tasks.stores.ports import Phase
from tests.stores.rows import ACCOUNT, AT, a_plan, an_order, later


def a_halt(place: str, scope: Scope, **more: object) -> Halt:
    return Halt.model_validate({"place": place, "scope": scope, "at": AT, "by": "user-1", **more})


def test_what_nobody_holds_is_free(stores: Stores) -> None:
    assert stores.halts.held([EVERYTHING, of_user("user-1"), of_account(ACCOUNT)]) == {}
    stores.halts.release(EVERYTHING, Scope.ALL)


def test_a_place_is_held_until_all_who_held_it_let_go(stores: Stores) -> None:
    place = of_account(ACCOUNT)
    one = a_halt(place, Scope.ACCOUNT, reason="a bad day", user_id="user-1")
    stores.halts.hold(one)
    stores.halts.hold(a_halt(place, Scope.USER, user_id="user-1"))
    assert [halt.scope for halt in stores.halts.held([place])[place]] == [Scope.ACCOUNT, Scope.USER]
    stores.halts.release(place, Scope.USER)
    assert stores.halts.held([place, of_account("ZX")]) == {place: [one]}
    stores.halts.release(place, Scope.ACCOUNT)
    assert stores.halts.held([place]) == {}


def test_the_first_word_stands(stores: Stores) -> None:
    first = a_halt(EVERYTHING, Scope.ALL)
    stores.halts.hold(first)
    stores.halts.hold(a_halt(EVERYTHING, Scope.ALL, at=later(60), by="user-2"))
    assert stores.halts.held([EVERYTHING]) == {EVERYTHING: [first]}


@pytest.mark.parametrize("scope", Scope)
def test_of_an_account_that_is_held_no_entry_leaves_and_exits_do(stores: Stores, scope: Scope) -> None:
    entry, closing = an_order(leg=1), an_order(leg=2, purpose=Purpose.EXIT)
    stores.orders.claim(entry)
    stores.orders.claim(closing)
    stores.runs.plan_account(a_plan())
    stores.halts.hold(a_halt(of_account(ACCOUNT), scope))
    assert not stores.orders.begin_send(entry, phase=Phase.ENTERING, at=later(1))
    stores.runs.set_phase(entry.run_key, ACCOUNT, Phase.EXITING)
    assert stores.orders.begin_send(closing, phase=Phase.EXITING, at=later(2))


def test_released_it_may_leave_again(stores: Stores) -> None:
    order = an_order()
    stores.orders.claim(order)
    stores.runs.plan_account(a_plan())
    stores.halts.hold(a_halt(of_account(ACCOUNT), Scope.ALL))
    stores.halts.release(of_account(ACCOUNT), Scope.ALL)
    assert stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(1))
