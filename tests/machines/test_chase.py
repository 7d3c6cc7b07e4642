"""Orders that rest, on the committed definitions: chased, replaced inside the window, held at their limit."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.machines.conftest import EARLY, Day
from tests.machines.test_straddle_day import CALL, PUT, agree, flat
from tests.tasks.world import strategy


def minutes(day: Day, count: float) -> None:
    day.simulation.run(until=day.clock.now() + timedelta(minutes=count))


def fills_from_now_on(day: Day) -> None:
    day.broker.fill_after = 1.0


def market_moves(day: Day, price: int) -> None:
    """All options trade at `price` from now on."""
    day.broker.prices |= {key: Decimal(price) for key in day.broker.prices if key.startswith("NFO:")}


def test_an_entry_that_used_up_its_modifications_is_replaced_and_fills(day: Day) -> None:
    day.broker.fill_after = None
    day.at(EARLY.replace(minute=31, second=30), lambda: fills_from_now_on(day))
    day.deliver()
    day.simulation.run(until=EARLY.replace(minute=35))
    assert [order.tag[-2:] for order in day.broker.sends] == ["01", "01", "02", "02"]
    assert len(day.broker.cancels) == 2
    assert day.child().states[-1] == "Open"
    assert (day.broker.net(CALL), day.broker.net(PUT)) == (-30, -30)
    agree(day)
    day.exit()
    flat(day)


def test_what_never_fills_is_given_up_at_the_end_of_the_window(day: Day) -> None:
    day.broker.fill_after = None
    day.deliver()
    minutes(day, 20)
    assert day.child().states[-1] == "NothingEntered"
    assert all(order.status.terminal for order in day.broker.book)
    flat(day)


def test_an_entry_at_its_limit_is_given_up_where_the_strategy_says_so(day: Day) -> None:
    limit = {"entry": {"points": 2, "then": "give_up"}}
    day.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(chase=limit))
    day.broker.fill_after = None
    day.at(EARLY.replace(minute=30, second=3), lambda: market_moves(day, 200))
    day.deliver()
    day.simulation.run(until=EARLY.replace(minute=31))
    assert day.child().states[-1] == "NothingEntered"
    prices = {price for _, price in day.broker.modifications}
    assert prices == {order.price - 2 for order in day.broker.sends}
    flat(day)


def test_an_exit_rests_at_its_limit_calls_a_person_and_goes_on(day: Day) -> None:
    limit = {"exit": {"percent": 1, "patience_seconds": 30}}
    day.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(chase=limit))
    day.entry()
    day.broker.fill_after = None
    day.simulation.run(until=EARLY.replace(hour=15, minute=13))
    day.deliver(transaction_type="EXIT", scheduled_time="2026-11-23T09:43:00Z")
    day.at(EARLY.replace(hour=15, minute=15, second=3), lambda: market_moves(day, 300))
    day.simulation.run(until=EARLY.replace(hour=15, minute=15, second=25))
    first = max(order.price for order in day.broker.sends[2:])
    highest = max(price for _, price in day.broker.modifications)
    assert first < highest <= first * Decimal("1.01")
    assert "ExitBlocked" in day.alarms.raised
    day.simulation.run(until=EARLY.replace(hour=15, minute=15, second=50))
    assert day.broker.modifications[-1][1] > 300
    fills_from_now_on(day)
    day.simulation.run(until=EARLY.replace(hour=15, minute=25))
    flat(day)
