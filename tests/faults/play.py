"""Play one day: a shape, some cells, a seed. The same three always give the same day."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

from brokers.clock import IST
from tests.faults.arming import Armoury, Expected, due
from tests.faults.beside import arrange
from tests.faults.crossings import Strike
from tests.faults.housekeeping import each_minute
from tests.faults.invariants import Violation, violations
from tests.faults.matrix import CELLS, Cell
from tests.faults.points import AT
from tests.faults.shapes import Shape, all_shapes
from tests.faults.storing import Backing
from tests.faults.world import MONDAY, World

TUESDAY_HOLIDAY = datetime(2026, 11, 24, tzinfo=IST)
SUNDAY = datetime(2026, 11, 22, tzinfo=IST)
END = (10, 40)
SHORT_END = (9, 58)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One day to play."""

    cells: tuple[Cell, ...]
    shape: Shape
    seed: int
    beside: str = ""
    """What else is done on that day: one of `tests.faults.beside`."""

    def __str__(self) -> str:
        beside = f" beside {self.beside}" if self.beside else ""
        return f"{'+'.join(map(str, self.cells)) or 'nothing'} {self.shape} seed {self.seed}{beside}"

    @classmethod
    def of_seed(cls, seed: int) -> Scenario:
        """Everything from the seed: one fault or two, and the shape."""
        dice = random.Random(f"scenario/{seed}")
        cells = tuple(dice.choice(CELLS) for _ in range(dice.choice((1, 2))))
        return cls(cells, dice.choice(list(all_shapes())), seed)


@dataclass(slots=True)
class Played:
    """A day that is over."""

    scenario: Scenario
    world: World
    expected: Expected
    violations: list[Violation]

    @property
    def struck(self) -> bool:
        return self.expected.struck or not self.scenario.cells


def play(scenario: Scenario, *, retry: bool = True, backing: Backing | None = None) -> Played:
    """Play it. A fault whose crossing is never reached is put at an earlier one of the same point."""
    played = _play(scenario, scenario.seed, backing)
    for other in range(1, 4):
        if played.struck or not retry or backing is not None:
            return played
        played = _play(scenario, scenario.seed + other * 1_000_003)
    return played


def _play(scenario: Scenario, seed: int, backing: Backing | None = None) -> Played:
    world = World(scenario.shape, seed, day=day_of(scenario.cells), backing=backing)
    dice = random.Random(f"{scenario.cells}/{scenario.shape}/{seed}")
    each = [Armoury(world, cell, dice, usual_day(scenario.shape).crossings).arm() for cell in scenario.cells]
    expected = together(each)
    expected.usual = usual_day(scenario.shape).exits
    schedule(world, expected)
    each_minute(world, expected.housekeeping)
    if scenario.beside:
        arrange(world, scenario.beside, random.Random(f"{scenario}/{seed}"))
    world.run(world.clock_time(*(SHORT_END if _short(expected) else END)))
    return Played(scenario, world, expected, violations(world, expected))


def _short(expected: Expected) -> bool:
    return expected.exit_late < 600 and expected.entry_late < 600


def day_of(cells: Sequence[Cell]) -> datetime:
    if Cell("F17", "P1") in cells:
        return TUESDAY_HOLIDAY
    return SUNDAY if Cell("F17", "P2") in cells else MONDAY


def together(each: Sequence[Expected]) -> Expected:
    """What a day with several faults owes: the most lenient of each."""
    if len(each) == 1:
        return each[0]
    return Expected(
        entry_late=max((one.entry_late for one in each), default=0.0),
        exit_late=max((one.exit_late for one in each), default=0.0),
        exit_time=min((one.exit_time for one in each), default=(9, 40)),
        exit_within=sum(one.exit_within for one in each) if each else 5.0,
        hurt={account for one in each for account in one.hurt},
        may_enter=all(one.may_enter for one in each),
        flat=all(one.flat for one in each),
        whole=all(one.whole for one in each),
        entries=max((one.entries for one in each), default=1),
        exits=min((one.exits for one in each), default=1) and max((one.exits for one in each), default=1),
        housekeeping=tuple(
            name for name in Expected().housekeeping if all(name in one.housekeeping for one in each)
        ),
        swept=any(one.swept for one in each),
        fired=[strike for one in each for strike in one.fired],
        parts=list(each),
    )


def schedule(world: World, expected: Expected) -> None:
    """The day's events, two minutes before their time as the schedule fires them, or late."""
    entry = world.clock_time(9, 28).timestamp() + expected.entry_late
    hour, minute = expected.exit_time
    leave = world.clock_time(hour, minute).timestamp() - 120 + expected.exit_late
    world.exit_time = f"{hour:02d}:{minute:02d}"
    for n in range(expected.entries):
        world.at(entry + n * 0.002, partial(world.fire, "ENTRY"))
    for n in range(expected.exits):
        world.at(leave + n * 0.002, partial(world.fire, "EXIT"))


@dataclass(frozen=True, slots=True)
class Usual:
    """A day on which nothing goes wrong."""

    crossings: dict[str, int]
    """How many there are at each point."""
    exits: dict[str, float]
    """By account, seconds from the time of the exit to its first closing order."""


@lru_cache(maxsize=64)
def usual_day(shape: Shape) -> Usual:
    world = World(shape, 0)
    counters = {point: Strike(point, where, lambda crossing: None, times=10**9) for point, where in AT.items()}
    for counter in counters.values():
        counter.skip = 10**9
    world.arm(*counters.values())
    expected = Expected()
    schedule(world, expected)
    world.run(world.clock_time(*SHORT_END))
    due_at = due(world, expected).timestamp()
    exits: dict[str, float] = {}
    for order in world.venue.orders():
        if order.request.tag.startswith("X"):
            exits.setdefault(order.account, order.accepted_at.timestamp() - due_at)
    return Usual({point: counter.seen for point, counter in counters.items()}, exits)
