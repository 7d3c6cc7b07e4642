"""A day for every cell of the matrix: the shapes take turns. `make faults` plays every cell on every shape."""

from __future__ import annotations

import pytest

from tests.faults.matrix import CELLS, Cell
from tests.faults.moto import on_moto
from tests.faults.play import Scenario, play
from tests.faults.shapes import Shape, all_shapes
from tests.faults.story import story

SHAPES = tuple(all_shapes())
TURNS = [(cell, SHAPES[(7 * n) % len(SHAPES)]) for n, cell in enumerate(CELLS)]


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="algo")


def holds(scenario: Scenario) -> None:
    played = play(scenario)
    assert played.struck, f"{scenario}: its fault was never reached"
    assert not played.violations, "\n".join(story(played))


@pytest.mark.parametrize(("cell", "shape"), TURNS, ids=[f"{cell}-{shape}" for cell, shape in TURNS])
def test_every_invariant_holds(cell: Cell, shape: Shape) -> None:
    holds(Scenario((cell,), shape, 0))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_day_on_which_nothing_goes_wrong(shape: Shape) -> None:
    played = play(Scenario((), shape, 0))
    assert not played.violations, "\n".join(story(played))
    assert all(len(played.world.venue.net(a)) == 0 for a in shape.accounts)
    entered = {o.account for o in played.world.venue.orders() if o.request.tag.startswith("N") and o.filled}
    assert entered == set(shape.accounts)
    assert played.world.alarms.raised == []


def test_there_are_112_cells() -> None:
    assert len(CELLS) == 112


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        ("F1/P7", "2-1-instant"),
        ("F2/P4", "1-1-partial"),
        ("F3/P11", "2-1-instant"),
        ("F5/P6", "4h-1-slow"),
        ("F9/P11", "2-1-instant"),
        ("F11/P8", "1-1-partial"),
        ("F16/P10", "2-1-instant"),
    ],
)
def test_the_same_holds_on_dynamodb(cell: str, shape: str) -> None:
    """`make faults ON=moto` plays more of them."""
    with on_moto() as backing:
        played = play(Scenario((Cell.parse(cell),), Shape.parse(shape), 0), backing=backing)
    assert not played.violations, "\n".join(story(played))


def test_a_seed_fixes_the_day() -> None:
    first, second = (story(play(Scenario.of_seed(4))) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("seed", range(1, 13))
def test_days_with_two_faults(seed: int) -> None:
    played = play(Scenario.of_seed(seed), retry=False)
    assert not played.violations, "\n".join(story(played))
