"""Pairs of faults by hypothesis: a pair that breaks something shrinks to the fewest faults on the plainest day.

`python -m tests.faults --pairs 2000` looks for one; the test suite plays the same few each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from multiprocessing import Pool

from hypothesis import HealthCheck, Phase, Verbosity, given, note, seed, settings
from hypothesis import strategies as st

from tests.faults.matrix import CELLS
from tests.faults.play import Scenario, play
from tests.faults.shapes import Shape, all_shapes
from tests.faults.story import story

SHAPES = sorted(all_shapes(), key=lambda shape: (shape.account_count, len(shape.planned), shape.fill))
"""The plainest first: that is where hypothesis shrinks to."""


class Broken(AssertionError):
    """A day of these faults violates an invariant. The message is its story, and how to see it again."""


def days() -> st.SearchStrategy[Scenario]:
    """A fault or two, a shape, and a seed for the details."""
    faults = st.lists(st.sampled_from(CELLS), min_size=1, max_size=2).map(tuple)
    shapes: st.SearchStrategy[Shape] = st.sampled_from(SHAPES)
    return st.builds(Scenario, faults, shapes, st.integers(0, 2**16))


def replay(scenario: Scenario) -> str:
    cells = "+".join(map(str, scenario.cells))
    return f"make faults CELL={cells} SHAPE={scenario.shape} SEED={scenario.seed}"


def holds(scenario: Scenario) -> None:
    """Play it.

    Raises
    ------
    Broken
        If an invariant is violated.
    """
    played = play(scenario, retry=False)
    if played.violations:
        note(f"again: {replay(scenario)}")
        raise Broken("\n".join((*story(played), f"again: {replay(scenario)}")))


def search(examples: int, *, of: int | None = None) -> Callable[[], None]:
    """A test that plays so many days, those of seed `of`, or the same ones each time."""

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=of is None,
        database=None,
        print_blob=True,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet if of is not None else Verbosity.normal,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(days())
    def every_invariant_holds(scenario: Scenario) -> None:
        holds(scenario)

    return every_invariant_holds if of is None else seed(of)(every_invariant_holds)


def report(examples: int, first_seed: int | None, processes: int, say: Callable[..., None]) -> int:
    """Search in several processes, each with a seed of its own. 1 if a pair broke something, with its story."""
    start = random.SystemRandom().randrange(2**32) if first_seed is None else first_seed
    parts = [(-(-examples // processes), start + n) for n in range(processes)]
    with Pool(processes, initializer=_quiet) as pool:
        broken = [found for found in pool.starmap(_search, parts) if found]
    say(f"{examples} pairs, seeds {start} to {start + processes - 1}: {len(broken)} broken", *broken)
    return 1 if broken else 0


def _quiet() -> None:
    from tests.faults.__main__ import quiet

    quiet()


def _search(examples: int, of: int) -> str:
    try:
        search(examples, of=of)()
    except Broken as broken:
        return str(broken)
    return ""
