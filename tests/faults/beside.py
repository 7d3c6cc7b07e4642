"""What else happens on a day, beside the schedule's events and whatever goes wrong: somebody's commands.

`legs`: in each account some legs are closed on their own, before the exit, at the same moment or in its middle,
one after the other or at once, and perhaps while the entry is still on its way.

`kill`: the kill switch is pressed at some moment, for an account, a user or everybody, and half of the time
dies at one of its crossings. Sweeps go on each minute.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from tasks.domain.ids import exit_name
from tasks.find_open_accounts import exit_task
from tasks.orderpath.halting import Reach, halt
from tasks.orderpath.open_runs import open_runs
from tasks.runtime import Runtime
from tasks.stores.halts import Scope
from tests.faults.crossings import Crossing, Strike, Where
from tests.faults.machines import AlreadyExists
from tests.faults.schedule import Killed
from tests.faults.world import STRATEGY, USER, Halted, World
from workflows.asl.interpreter import Status

BY_SWEEP = 61.0
"""Seconds after which nothing leaves any more, where the command died right after its first write."""


def arrange(world: World, what: str, dice: random.Random) -> None:
    """Raises KeyError for a word that is not among `BESIDE`."""
    BESIDE[what](world, dice)


def _legs(world: World, dice: random.Random) -> None:
    numbers = range(1, len(world.shape.planned) + 1)
    for account in world.shape.accounts:
        for _ in range(dice.choice((1, 2, 2, 3))):
            legs = dice.sample(numbers, dice.choice((1, 1, min(2, len(numbers)))))
            at = dice.choice((_while_entering, _before_the_exit, _at_the_exit, _at_the_exit))(world, dice)
            world.at(at, partial(close_legs, world, account, legs))


def _while_entering(world: World, dice: random.Random) -> float:
    return world.clock_time(9, 30).timestamp() + dice.uniform(0.0, 12.0)


def _before_the_exit(world: World, dice: random.Random) -> float:
    return world.clock_time(9, 38).timestamp() + dice.uniform(5.0, 110.0)


def _at_the_exit(world: World, dice: random.Random) -> float:
    return world.clock_time(9, 40).timestamp() + dice.uniform(-3.0, 10.0)


def close_legs(world: World, account: str, legs: list[int]) -> None:
    """The command, as the API gives it; a person redrives it a minute later if a hedge was still needed."""
    run_key = f"{STRATEGY}-{world.day:%Y%m%d}-S"
    plan = world.stores.runs.account(run_key, account)
    if plan is None:
        return
    name = exit_name(run_key, account, legs)
    world.note("person", f"closes legs {sorted(legs)} of {account}")
    try:
        running = world.machines.start(
            "AccountBasket", name, exit_task(plan, sorted(legs)).model_dump(mode="json")
        )
    except AlreadyExists:
        return

    def redrive() -> None:
        if running.status is Status.FAILED:
            world.machines.redrive(running)

    world.schedule.after(60.0, redrive)


def _kill(world: World, dice: random.Random) -> None:
    account = dice.choice(world.shape.accounts)
    reach = dice.choice((Reach(Scope.ACCOUNT, USER, account), Reach(Scope.USER, USER), Reach(Scope.ALL)))
    at = dice.choice((_while_entering, _while_entering, _before_the_exit, _at_the_exit))(world, dice)
    dies_at = dice.randrange(2 * (2 + len(world.shape.accounts))) if dice.random() < 0.5 else None
    world.at(at, partial(press, world, reach, dies_at))
    for minute in range(16):
        world.at(world.clock_time(9, 30 + minute, 30), partial(sweep, world, minute))


def press(world: World, reach: Reach, dies_at: int | None = None) -> None:
    """The command, as the API gives it: hold, then start the exits. It may die at one of its crossings."""
    world.note("person", f"presses the kill switch for {reach.place}")
    world.halted = Halted(reach, world.schedule.now + BY_SWEEP)
    if dies_at is not None:
        world.arm(Strike("kill switch dies", (Where(("Kill",)),), _die, skip=dies_at))

    def body(rt: Runtime) -> None:
        halt(rt.stores, reach, by="person", at=rt.clock.now())
        world.halted = Halted(reach, world.schedule.now)
        for plan in filter(reach.holds, open_runs(rt.stores, rt.clock.now())):
            with suppress(AlreadyExists):
                task = exit_task(plan).model_dump(mode="json")
                world.machines.start("AccountBasket", exit_name(plan.run_key, plan.account), task)

    world.command("Kill", body)


def _die(crossing: Crossing) -> None:
    raise Killed("Lambda.Unknown")


def sweep(world: World, number: int) -> None:
    world.machines.start("ExitSweep", f"sweep-{number}", {})


BESIDE: dict[str, Callable[[World, random.Random], None]] = {"legs": _legs, "kill": _kill}
