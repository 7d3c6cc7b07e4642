"""What every run store promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

from brokers.clock import IST
from brokers.model import Product
from tasks.contracts import PlannedOrder
from tasks.stores import Stores
from tasks.stores.ports import ExitRound, Phase, RunEnd
from tests.stores.rows import ACCOUNT, AT, DAY, RUN, a_plan, an_order, later, outside

EXECUTION = "arn:aws:states:ap-south-1:000000000000:execution:StrategyLifecycle:one"
OTHER = "arn:aws:states:ap-south-1:000000000000:execution:StrategyLifecycle:two"


def test_a_run_is_claimed_by_one_execution(stores: Stores) -> None:
    assert stores.runs.claim(RUN, "ENTRY", execution=EXECUTION, at=AT)
    assert not stores.runs.claim(RUN, "ENTRY", execution=OTHER, at=later(1))
    assert stores.runs.claim(RUN, "ENTRY", execution=EXECUTION, at=later(2))
    assert stores.runs.claim(RUN, "EXIT", execution=OTHER, at=later(3))


def test_of_many_claims_at_once_one_wins(stores: Stores) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = pool.map(lambda n: stores.runs.claim(RUN, "ENTRY", execution=f"e{n}", at=AT), range(8))
    assert sorted(claims) == [False] * 7 + [True]


def test_the_first_plan_stands(stores: Stores) -> None:
    first = a_plan()
    assert stores.runs.plan_account(first) == first
    assert stores.runs.plan_account(a_plan(on_leg_reject="keep")) == first
    assert stores.runs.account(RUN, ACCOUNT) == first
    assert stores.runs.account(RUN, "ZB1234") is None


def test_the_accounts_of_a_run(stores: Stores) -> None:
    first, second = a_plan("ZA1234"), a_plan("ZB1234")
    for plan in (second, first, a_plan(run="bnf-straddle-20261123-M1")):
        stores.runs.plan_account(plan)
    stores.runs.claim(RUN, "ENTRY", execution=EXECUTION, at=AT)
    assert list(stores.runs.accounts(RUN)) == [first, second]
    assert list(stores.runs.accounts("nothing-20261123-S")) == []


def test_a_phase_moves_unless_it_is_past(stores: Stores) -> None:
    stores.runs.plan_account(a_plan())
    assert stores.runs.set_phase(RUN, ACCOUNT, Phase.EXITING, unless=(Phase.FLAT,))
    assert stores.runs.set_phase(RUN, ACCOUNT, Phase.EXITING, unless=(Phase.FLAT,))
    assert not stores.runs.set_phase(RUN, ACCOUNT, Phase.OPEN, unless=(Phase.EXITING, Phase.FLAT))
    plan = stores.runs.account(RUN, ACCOUNT)
    assert plan == a_plan(phase=Phase.EXITING)


def test_a_phase_needs_a_plan(stores: Stores) -> None:
    assert not stores.runs.set_phase(RUN, ACCOUNT, Phase.EXITING)
    assert stores.runs.account(RUN, ACCOUNT) is None


def test_the_sweep_sees_what_is_due_and_not_flat(stores: Stores) -> None:
    due, flat, early = a_plan("ZA1234"), a_plan("ZB1234"), a_plan("ZC1234", exit_at=_at(14, 0))
    for plan in (due, flat, early, a_plan("ZD1234", exit_at=_at(15, 20))):
        stores.runs.plan_account(plan)
    stores.runs.set_phase(RUN, "ZB1234", Phase.FLAT)
    assert list(stores.runs.due_exits(DAY, before=_at(15, 16))) == [early, due]
    assert list(stores.runs.due_exits(DAY, before=_at(15, 15))) == [early]
    assert list(stores.runs.due_exits(date(2026, 11, 25), before=_at(15, 16))) == []


def test_a_flat_account_that_is_exiting_again_is_due_again(stores: Stores) -> None:
    stores.runs.plan_account(a_plan())
    stores.runs.set_phase(RUN, ACCOUNT, Phase.FLAT)
    stores.runs.set_phase(RUN, ACCOUNT, Phase.EXITING)
    assert list(stores.runs.due_exits(DAY, before=_at(15, 16))) == [a_plan(phase=Phase.EXITING)]


def test_an_account_planned_flat_is_never_due(stores: Stores) -> None:
    stores.runs.plan_account(a_plan(phase=Phase.FLAT))
    assert list(stores.runs.due_exits(DAY, before=_at(15, 16))) == []


def test_a_postponed_exit_is_due_on_its_new_day(stores: Stores) -> None:
    stores.runs.plan_account(a_plan())
    opens = datetime(2026, 11, 25, 9, 15, tzinfo=IST)
    stores.runs.postpone_exit(RUN, ACCOUNT, exit_at=opens)
    assert list(stores.runs.due_exits(DAY, before=_at(15, 16))) == []
    due = stores.runs.due_exits(opens.date(), before=datetime(2026, 11, 25, 9, 16, tzinfo=IST))
    assert list(due) == [a_plan(exit_at=opens)]


def test_nothing_is_postponed_where_nothing_is_open(stores: Stores) -> None:
    opens = datetime(2026, 11, 25, 9, 15, tzinfo=IST)
    stores.runs.postpone_exit(RUN, ACCOUNT, exit_at=opens)
    assert stores.runs.account(RUN, ACCOUNT) is None
    stores.runs.plan_account(a_plan(phase=Phase.FLAT))
    stores.runs.postpone_exit(RUN, ACCOUNT, exit_at=opens)
    assert stores.runs.account(RUN, ACCOUNT) == a_plan(phase=Phase.FLAT)


def test_an_exit_round_is_frozen_by_the_first(stores: Stores) -> None:
    first = _round(1)
    assert stores.runs.plan_exit_round(first) == first
    assert stores.runs.plan_exit_round(_round(1, orders=())) == first
    second = _round(2)
    stores.runs.plan_exit_round(second)
    stores.runs.plan_exit_round(_round(1, account="ZB1234"))
    assert list(stores.runs.exit_rounds(RUN, ACCOUNT)) == [first, second]
    assert list(stores.runs.exit_rounds(RUN, "ZA123")) == []


def test_rounds_stay_in_order_beyond_nine(stores: Stores) -> None:
    for number in range(12, 0, -1):
        stores.runs.plan_exit_round(_round(number, orders=()))
    assert [row.round for row in stores.runs.exit_rounds(RUN, ACCOUNT)] == list(range(1, 13))
    assert list(stores.runs.accounts(RUN)) == []


def _round(number: int, *, account: str = ACCOUNT, orders: tuple[PlannedOrder, ...] | None = None) -> ExitRound:
    order = an_order(leg=number, account=account)
    planned = PlannedOrder.model_validate(
        {name: order.model_dump(mode="json")[name] for name in PlannedOrder.model_fields}
    )
    return ExitRound(
        run_key=RUN,
        account=account,
        leg=1,
        round=number,
        planned_at=later(number),
        orders=(planned,) if orders is None else orders,
    )


def _at(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=IST)


def test_legs_are_closed_one_after_the_other_until_the_account_is_flat(stores: Stores) -> None:
    stores.runs.plan_account(a_plan())
    first = stores.runs.close_legs(RUN, ACCOUNT, [2])
    assert first is not None
    assert first.closing == (2,)
    stores.runs.close_legs(RUN, ACCOUNT, [2, 1])
    assert stores.runs.account(RUN, ACCOUNT) == a_plan(closing=(1, 2))
    assert list(stores.runs.accounts(RUN)) == [a_plan(closing=(1, 2))]
    stores.runs.set_phase(RUN, ACCOUNT, Phase.FLAT)
    assert stores.runs.close_legs(RUN, ACCOUNT, [1]) is None
    assert stores.runs.close_legs(RUN, "ZX0000", [1]) is None


def test_each_leg_has_rounds_of_its_own(stores: Stores) -> None:
    one, two = _round(1), _round(1).model_copy(update={"leg": 12, "closed_outside": 30})
    assert stores.runs.plan_exit_round(two) == two
    assert stores.runs.plan_exit_round(one) == one
    assert list(stores.runs.exit_rounds(RUN, ACCOUNT)) == [one, two]


def test_the_accounts_of_a_day_flat_or_not(stores: Stores) -> None:
    open_, flat = a_plan("ZA1234"), a_plan("ZB1234")
    other_day = a_plan(run="bnf-straddle-20261120-S", trading_date=date(2026, 11, 20))
    for plan in (flat, open_, other_day):
        stores.runs.plan_account(plan)
    stores.runs.claim(RUN, "ENTRY", execution=EXECUTION, at=AT)
    stores.runs.set_phase(RUN, "ZB1234", Phase.FLAT)
    stores.runs.note_outside(outside())
    found = stores.runs.accounts_of_day(DAY)
    assert [(plan.account, plan.phase) for plan in found] == [("ZA1234", "ENTERING"), ("ZB1234", "FLAT")]


def test_what_others_trade_is_news_once(stores: Stores) -> None:
    assert stores.runs.note_outside(outside())
    assert not stores.runs.note_outside(outside(seen_at=later(60)))
    assert stores.runs.note_outside(outside(sold=30))
    assert not stores.runs.note_outside(outside()), "an older look at the book is no news"
    assert stores.runs.note_outside(outside(symbol="BANKNIFTY26NOV58400PE"))
    assert stores.runs.note_outside(outside(account="ZB1234"))
    assert stores.runs.note_outside(outside(product=Product.NRML))


def test_of_many_who_see_it_at_once_one_tells(stores: Stores) -> None:
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: stores.runs.note_outside(outside(seen_at=later(n))), range(8)))
    assert sum(told) == 1


def an_end(attempt: int, account: str = "", **changed: Any) -> RunEnd:
    fields: dict[str, Any] = {
        "run_key": RUN, "side": "ENTRY", "account": account, "user_id": "user-1", "basket_id": "basket-1",
        "strategy_id": "bnf-straddle", "underlying": "", "trading_date": DAY, "execution": EXECUTION,
        "attempt": attempt, "status": "FAILED", "reason": "TokenExpired: log in", "at": AT,
    }  # fmt: skip
    return RunEnd(**fields | changed)


def test_of_how_a_run_ended_the_newest_stands(stores: Stores) -> None:
    attempt = 1795406280000 * 1000
    assert stores.runs.note_end(an_end(attempt))
    assert not stores.runs.note_end(an_end(attempt, reason="told again"))
    newest = an_end(attempt + 2, status="RESUMED")
    assert stores.runs.note_end(newest)
    assert not stores.runs.note_end(an_end(attempt + 1))
    of_account = an_end(attempt, ACCOUNT)
    assert stores.runs.note_end(of_account)
    assert list(stores.runs.ends(RUN)) == [newest, of_account]
    assert list(stores.runs.accounts(RUN)) == []
