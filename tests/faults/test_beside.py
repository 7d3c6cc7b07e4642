"""Days on which somebody closes legs on their own, or presses the kill switch, whatever else goes wrong."""

from __future__ import annotations

from functools import partial

import pytest

from tasks.orderpath.halting import Reach
from tasks.stores.halts import Scope
from tests.faults.arming import Expected
from tests.faults.beside import press, sweep
from tests.faults.invariants import violations
from tests.faults.matrix import CELLS, Cell
from tests.faults.play import Scenario, play, schedule
from tests.faults.shapes import Shape, all_shapes
from tests.faults.story import story
from tests.faults.world import World

SHAPES = tuple(all_shapes())
SOME = [(cell, SHAPES[(7 * n) % len(SHAPES)]) for n, cell in enumerate(CELLS)][::4]
CROSSINGS = 18
"""Of the command for everybody, three accounts: its start and end, both sides of 4 writes and 4 reads."""


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="algo")


@pytest.mark.parametrize("beside", ["legs", "kill"])
@pytest.mark.parametrize(("cell", "shape"), SOME, ids=[f"{cell}-{shape}" for cell, shape in SOME])
def test_every_invariant_holds(cell: Cell, shape: Shape, beside: str) -> None:
    played = play(Scenario((cell,), shape, 0, beside))
    assert not played.violations, "\n".join(story(played))


@pytest.mark.parametrize("beside", ["legs", "kill"])
@pytest.mark.parametrize("shape", ["2-1-instant", "4h-3-slow", "4-3-partial"])
def test_every_invariant_holds_where_nothing_goes_wrong(shape: str, beside: str) -> None:
    played = play(Scenario((), Shape.parse(shape), 1, beside))
    assert not played.violations, "\n".join(story(played))


def pressed(dies_at: int | None, *, at: float, shape: str = "2-3-slow") -> World:
    """A day on which the kill switch is pressed `at` seconds after 09:30, for everybody."""
    world, expected = World(Shape.parse(shape), 0), Expected()
    schedule(world, expected)
    moment = world.clock_time(9, 30).timestamp() + at
    world.at(moment, partial(press, world, Reach(Scope.ALL), dies_at))
    for minute in range(8):
        world.at(world.clock_time(9, 30 + minute, 30), partial(sweep, world, minute))
    world.run(world.clock_time(9, 58))
    found = violations(world, expected)
    assert not found, found
    return world


@pytest.mark.parametrize("dies_at", range(CROSSINGS))
def test_it_may_die_anywhere_and_the_sweep_goes_on(dies_at: int) -> None:
    """The hedges are bought, the shorts are not sold: what is open is closed, and no short leaves any more."""
    world = pressed(dies_at, at=14.0, shape="4h-3-slow")
    first_write = any(world.stores.halts.held(["ALL"]))
    assert first_write == (dies_at >= 2), "it is its first write that decides"
    closed_at = [o.accepted_at for o in world.venue.orders() if o.request.tag.startswith("X")]
    if first_write:
        assert closed_at
        assert max(closed_at) < world.clock_time(9, 32)
        assert {o.side for o in world.venue.orders() if o.filled and o.request.tag.startswith("N")} == {"BUY"}


@pytest.mark.parametrize("at", [-100.0, -1.0, 0.05, 0.3, 3.0, 40.0])
def test_nothing_leaves_after_it(at: float) -> None:
    world = pressed(None, at=at)
    assert world.halted is not None
    entered = [o.accepted_at.timestamp() for o in world.venue.orders() if o.request.tag.startswith("N")]
    assert not entered or max(entered) < world.halted.since + 0.2
    assert all(not world.venue.net(account) for account in world.shape.accounts)
