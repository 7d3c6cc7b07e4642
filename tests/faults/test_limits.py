"""The broker's limits that no ordinary day comes near: 5,000 order calls a day."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tasks.domain.pace import ENTERING, EXITING, Pace
from tests.faults.arming import Expected
from tests.faults.invariants import CALLS, violations
from tests.faults.play import schedule
from tests.faults.shapes import Shape
from tests.faults.world import World

A_DAY = CALLS[-1][0]


def after_so_many(calls: int, shape: str) -> World:
    """A day on which the account has made so many order calls before the entry."""
    world = World(Shape.parse(shape), 0)
    world.stores.pace.replace("ZA0001", Pace(day=f"{world.day:%Y%m%d}", in_day=calls), standing=Pace())
    expected = Expected()
    schedule(world, expected)
    world.run(world.clock_time(9, 58))
    found = violations(world, expected)
    assert not found, found
    return world


@pytest.mark.parametrize("shape", ["2-1-instant", "4h-1-slow"])
def test_an_entry_that_does_not_fit_into_the_day_is_undone(shape: str) -> None:
    """All but one of its orders may leave. What stands is closed: exits have a part of the day of their own."""
    orders = Shape.parse(shape).order_count
    world = after_so_many(ENTERING.day - orders + 1, shape)
    entered = [order for order in world.venue.orders() if order.request.tag.startswith("N")]
    assert 0 < len(entered) < orders
    assert world.venue.net("ZA0001") == {}


@pytest.mark.parametrize("shape", ["2-1-instant", "4h-1-slow"])
def test_after_the_entries_part_of_the_day_nothing_is_entered(shape: str) -> None:
    assert list(after_so_many(ENTERING.day, shape).venue.orders()) == []


def test_a_person_is_called_when_the_day_has_no_call_left_for_an_exit() -> None:
    """It waited until midnight, and nobody heard of it."""
    world = World(Shape.parse("2-1-instant"), 0)
    expected = Expected(flat=False, hurt={"ZA0001"}, exit_within=1e9)
    schedule(world, expected)

    def no_calls_left() -> None:
        spent = Pace(day=f"{world.day:%Y%m%d}", in_day=EXITING.day)
        world.stores.pace.replace("ZA0001", spent, standing=world.stores.pace.get("ZA0001"))

    world.at(world.clock_time(9, 39), no_calls_left)
    world.run(world.clock_time(9, 58))
    found = violations(world, expected)
    assert not found, found
    due = world.clock_time(9, 40).timestamp()
    called = [at - due for at, name, _ in world.alarms.raised if name == "ExitBlocked"]
    assert called
    assert min(called) < 1
    assert max(later - earlier for earlier, later in pairwise(sorted(called))) < 62


def test_exits_have_a_part_of_the_day_of_their_own_and_it_is_within_the_brokers() -> None:
    assert ENTERING.day < EXITING.day < A_DAY
