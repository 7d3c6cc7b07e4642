"""Days that once ended badly. Each is a fault of the order path that the matrix found."""

from __future__ import annotations

import pytest

from tests.faults.matrix import Cell
from tests.faults.play import Played, Scenario, play
from tests.faults.shapes import MANY, Shape
from tests.faults.story import story


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


def test_the_legs_of_a_basket_take_turns_for_quotes_and_nobody_is_called() -> None:
    """One quote call a second: chasing four legs at once raised BrokerBlind for three of them."""
    played = play(Scenario((), Shape("4", 3, "slow"), 0))
    assert "BrokerBlind" not in {name for _, name, _ in played.world.alarms.raised}
