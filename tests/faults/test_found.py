"""Days that once ended badly. Each is a fault of the order path that the matrix found."""

from __future__ import annotations

import pytest
import requests

from tests.faults.arming import Expected
from tests.faults.crossings import Action, Crossing, Strike, Where
from tests.faults.housekeeping import each_minute
from tests.faults.invariants import violations
from tests.faults.matrix import Cell
from tests.faults.play import Played, Scenario, play, schedule
from tests.faults.shapes import MANY, Shape
from tests.faults.story import story
from tests.faults.world import World


def day(cell: str, shape: str, seed: int = 0) -> Played:
    played = play(Scenario((Cell.parse(cell),), Shape.parse(shape), seed))
    assert not played.violations, "\n".join(story(played))
    return played


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        ("F9/P11", "4h-1-instant"),
        ("F9/P11", "4h-3-slow"),
        ("F6/P11", "4h-1-instant"),
        ("F10/P11", "4h-1-slow"),
    ],
)
def test_hedges_wait_although_the_shorts_orders_are_over(cell: str, shape: str) -> None:
    """A round whose BUY orders were rejected had only its hedges left, and those passed no barrier."""
    day(cell, shape)


@pytest.mark.parametrize("cell", ["F16/P9", "F16/P10", "F16/P11"])
@pytest.mark.parametrize("seed", range(4))
def test_what_a_person_closed_is_not_closed_again(cell: str, seed: int) -> None:
    """An exit closed what its own orders said was open, though a person had closed it at a terminal."""
    day(cell, "2-1-instant", seed)


@pytest.mark.parametrize("shape", ["1-1-instant", "2-1-slow", "4h-3-partial"])
def test_a_lowered_freeze_limit_does_not_stop_an_exit(shape: str) -> None:
    """Every round sent the same quantity again, and had it rejected again, 99 times."""
    played = day("F18/P11", shape)
    assert all(not played.world.venue.net(account) for account in played.world.shape.accounts)


def test_eighteen_orders_at_once_stay_within_the_brokers_limits() -> None:
    """Each Lambda asked for itself alone: 18 orders in one second, of which the broker refused eight."""
    played = play(Scenario((), MANY, 0))
    assert not played.violations, "\n".join(story(played))
    assert {asked.code for asked in played.world.venue.asked} == {200}


@pytest.mark.parametrize("shape", ["2-1-instant", "4h-1-slow", "1-1-partial"])
@pytest.mark.parametrize("lag", [34.0, 120.0])
@pytest.mark.parametrize("updates", ["told", "untold"])
def test_a_ghost_of_an_entry_ends_flat(shape: str, lag: float, updates: str) -> None:
    """An order stays out of the book for longer than any book was seen to lag, and was sent again meanwhile.

    For a while the account holds twice as much: nobody can know. In the end it holds nothing.
    """
    world, expected = _ghost("N", shape, lag)
    if updates == "untold":
        world.update_delay = lambda update: []
    schedule(world, expected)
    each_minute(world, expected.housekeeping)
    world.run(world.clock_time(9, 58))
    assert world.venue.net("ZA0001") == {}
    found = violations(world, expected)
    assert {one.invariant for one in found} <= {"I9", "I13"}, found


def test_a_person_hears_of_a_ghost_of_an_exit() -> None:
    """It closes what another order has closed meanwhile: the position changes its sign, which he must mend."""
    world, expected = _ghost("X", "2-1-slow", 45.0)
    delayed: list[float] = [60.0]
    world.update_delay = lambda update: delayed
    schedule(world, expected)
    world.run(world.clock_time(9, 58))
    assert "OrderReappeared" in {name for _, name, _ in world.alarms.raised}


def _ghost(side: str, shape: str, lag: float) -> tuple[World, Expected]:
    """A world in which the first order of `side` loses its reply and is out of the book for `lag` seconds."""
    world = World(Shape.parse(shape), 0)
    world.switch(kind="invisible", tag=f"{side}*", seconds=lag, count=1)
    where = Where(("PlaceOrder",), ("broker.place",), ("after",), side)
    world.arm(Strike("reply lost", (where,), _silence(world)))
    return world, Expected()


def _silence(world: World) -> Action:
    def silence(crossing: Crossing) -> None:
        world.schedule.pause(7.0)
        raise requests.ReadTimeout("Read timed out. (read timeout=7.0)")

    return silence


@pytest.mark.parametrize("shape", ["2-1-slow", "4-3-slow"])
def test_siblings_of_a_rejected_leg_are_given_up_at_once(shape: str) -> None:
    """They were chased until they filled or their window was over, and only then undone."""
    day("F9/P7", shape)


def test_the_legs_of_a_basket_take_turns_for_quotes_and_nobody_is_called() -> None:
    """One quote call a second: chasing four legs at once raised BrokerBlind for three of them."""
    played = play(Scenario((), Shape("4", 3, "slow"), 0))
    assert "BrokerBlind" not in {name for _, name, _ in played.world.alarms.raised}


@pytest.mark.parametrize("cell", ["F1/P9", "F1/P10"])
def test_a_step_that_hangs_is_not_silent_for_a_minute(cell: str) -> None:
    """CancelEntries could hang for 60 s, and was tried again 5 s later: 65 s in which nobody was called."""
    day(cell, "4h-3-instant")
