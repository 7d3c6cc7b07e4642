"""One schedule, one strategy, many people: strikes are resolved once, and each account goes its own way."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.domain import items
from tasks.domain.stored import stored
from tests.machines.conftest import EARLY, Day
from tests.tasks.world import strategy
from workflows.asl.interpreter import Status

OWNER, ASHA, BINA = "owner-1", "asha-2", "bina-3"
ACCOUNTS = {OWNER: ("ZO1",), ASHA: ("ZA1", "ZA2"), BINA: ("ZB1",)}


@pytest.fixture
def market(day: Day) -> Day:
    catalog = day.stores.catalog
    for user, accounts in ACCOUNTS.items():
        for account in accounts:
            known = {"account": account, "broker": "zerodha", "lot_multiplier": 1, "status": "ACTIVE"}
            catalog.put(user, items.account(account), known)
    publish(day)
    subscribe(day, ASHA, multiplier=2)
    subscribe(day, BINA)
    return day


def publish(day: Day, **changes: Any) -> None:
    fields = strategy(basket_id="weekly", **{"accounts": list(ACCOUNTS[OWNER]), **changes})
    document = stored(fields, before=None, at=EARLY, publisher=OWNER, basket_version=1)
    day.stores.catalog.put(items.MARKETPLACE, items.strategy("straddle"), document)


def subscribe(day: Day, user: str, *, multiplier: int = 1, paused: bool = False) -> None:
    row = {"user_id": user, "accounts": list(ACCOUNTS[user]), "multiplier": multiplier, "paused": paused}
    day.stores.catalog.put(items.MARKETPLACE, items.subscriber("weekly", user), row)


def enter(day: Day) -> dict[str, Any]:
    run = day.deliver(user_id=items.MARKETPLACE)
    day.simulation.run(until=EARLY.replace(hour=9, minute=45))
    assert run.status is Status.SUCCEEDED
    output: dict[str, Any] = run.output
    return output


def lots(day: Day, run_key: str = "straddle-20261123-S") -> dict[str, tuple[str, int]]:
    """Of each account: whose its orders are, and how many lots a leg has."""
    plans = day.stores.runs.accounts(run_key)
    return {plan.account: (plan.user_id, sum(plan.legs[0].slices) // 30) for plan in plans}


def test_owner_and_subscribers_trade_with_their_own_multipliers(market: Day) -> None:
    output = enter(market)
    assert [one["status"] for one in output["started"]] == ["STARTED"] * 4
    assert lots(market) == {"ZO1": (OWNER, 1), "ZA1": (ASHA, 2), "ZA2": (ASHA, 2), "ZB1": (BINA, 1)}
    assert len(market.broker.quote_calls) == 1
    for user, accounts in ACCOUNTS.items():
        mine = market.stores.positions.by_user_date(user, EARLY.date())
        assert {position.account for position in mine} == set(accounts)


def test_a_paused_subscriber_is_left_out(market: Day) -> None:
    subscribe(market, ASHA, paused=True)
    enter(market)
    assert set(lots(market)) == {"ZO1", "ZB1"}


def test_an_unlinked_account_stops_nobody_else(market: Day) -> None:
    market.stores.catalog.put(
        items.MARKETPLACE, items.subscriber("weekly", "x"), {"user_id": "x", "accounts": ["ZX9"]}
    )
    enter(market)
    assert "ZX9" not in lots(market)
    assert len(lots(market)) == 4
    assert "SubscriberWithoutAccount" in market.alarms.raised


def test_a_paused_account_enters_nothing(market: Day) -> None:
    known = market.stores.catalog.get(ASHA, items.account("ZA1")) or {}
    market.stores.catalog.put(ASHA, items.account("ZA1"), {**known, "status": "PAUSED"})
    enter(market)
    assert set(lots(market)) == {"ZO1", "ZA2", "ZB1"}


def test_a_version_published_inside_a_run_counts_for_the_next(market: Day) -> None:
    market.deliver(user_id=items.MARKETPLACE)
    market.simulation.run(until=EARLY.replace(minute=29))
    publish(market, legs=[{"side": "SELL", "lots": 7, "strike": "ATM", "right": "CE"}])
    market.simulation.run(until=EARLY.replace(minute=45))
    assert lots(market)["ZO1"] == (OWNER, 1)
    (plan, *_) = market.stores.runs.accounts("straddle-20261123-S")
    assert len(plan.legs) == 2


def test_everybody_is_flat_after_one_exit(market: Day) -> None:
    enter(market)
    market.exit(user_id=items.MARKETPLACE)
    assert {symbol: market.broker.net(symbol) for symbol in market.symbols} == dict.fromkeys(market.symbols, 0)


def test_a_strategy_nobody_follows_is_skipped_with_a_word(day: Day) -> None:
    publish(day, accounts=[])
    result = enter(day)["result"]
    assert result["status"] == "SKIPPED"
    assert "nobody follows" in result["reason"]


def test_fifteen_strategies_in_the_same_second_make_one_quote_call(day: Day) -> None:
    for number in range(15):
        name = f"s{number}"
        day.stores.catalog.put("user-1", items.strategy(name), strategy(strategy_id=name))
        day.deliver(strategy_id=name)
    day.simulation.run(until=EARLY.replace(hour=9, minute=45))
    assert all(run.status is Status.SUCCEEDED for run in day.simulation.executions.values())
    assert len(day.broker.quote_calls) == 1
    assert len(day.broker.sends) == 30
