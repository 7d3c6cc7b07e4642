"""The platform's own machines, each minute: the sweep for exits that are due, and the reconciler."""

from __future__ import annotations

from functools import partial

from tests.faults.world import World

EVERY = 60.0
WITHIN = 7.0
"""Seconds into the minute at which they start: EventBridge Scheduler fires within it."""


LAST = (9, 52)
"""By then whatever a day does to its accounts has been done: looking on would cost time and find nothing."""


def each_minute(world: World, machines: tuple[str, ...]) -> None:
    """Start them each minute from 09:28 on."""
    moment = world.clock_time(9, 28).timestamp() + WITHIN
    while moment < world.clock_time(*LAST).timestamp():
        for name in machines:
            world.at(moment, partial(_start, world, name))
        moment += EVERY


def _start(world: World, name: str) -> None:
    world.machines.start(name, f"{name}-{world.schedule.now:.0f}", {})
