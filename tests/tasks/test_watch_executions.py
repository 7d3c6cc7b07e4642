"""Executions that are stuck, and exits that go on although their execution is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from brokers.model import Unknown
from tasks import begin_exit, place_order, plan_account, watch_executions
from tasks.runtime import Ran, Runtime
from tasks.stores.ports import Phase
from tests.tasks.world import ACCOUNT, NINE_THIRTY, RUN_KEY, World, account_task, claim, leg
from workflows.catalogue import MACHINES

EXIT = f"{RUN_KEY}-{ACCOUNT}-EXIT"
ENTRY = f"{RUN_KEY}-{ACCOUNT}-ENTRY"


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return NINE_THIRTY.replace(hour=hour, minute=minute, second=second)


@dataclass
class FakeExecutions:
    """Step Functions as far as it is asked here. `redrivable` is whether it takes an execution up again."""

    all: dict[str, Ran] = field(default_factory=dict)
    redrivable: bool = True
    redriven: list[str] = field(default_factory=list)
    started: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def put(self, name: str, status: str, *, machine: str = "AccountBasket", **known: object) -> str:
        arn = self.arn(machine, name)
        self.all[arn] = replace(Ran(arn, name, machine, status, at(9, 28)), **known)  # type: ignore[arg-type]
        return arn

    def running(self, machine: str) -> Sequence[Ran]:
        return [one for one in self.all.values() if (one.machine, one.status) == (machine, "RUNNING")]

    def status(self, arn: str) -> Ran | None:
        return self.all.get(arn)

    def arn(self, machine: str, name: str) -> str:
        return f"arn:{machine}:{name}"

    def redrive(self, arn: str) -> bool:
        self.redriven += [arn] if self.redrivable else []
        return self.redrivable

    def start(self, machine: str, name: str, document: dict[str, Any]) -> tuple[str, str]:
        self.started.append((machine, name, document))
        return self.arn(machine, name), "STARTED"


@pytest.fixture
def world() -> World:
    world = World.at()
    world.link_account()
    return world


@pytest.fixture
def executions() -> FakeExecutions:
    return FakeExecutions()


def look(world: World, executions: FakeExecutions) -> watch_executions.Output:
    rt: Runtime = replace(world.rt, executions=executions)
    return watch_executions.run(watch_executions.Input(), rt)


def enter(world: World, *, filled: bool = True) -> None:
    """A position whose plan knows its entry's execution."""
    task = account_task(leg(1, "CE")).model_copy(update={"execution": f"arn:AccountBasket:{ENTRY}"})
    (order,) = plan_account.run(task, world.rt).sells
    claim(world, order)
    if not filled:
        world.broker.outcomes, world.broker.accepts = [Unknown("timed out")], False
    place_order.run(place_order.Input(order_id=order.order_id), world.rt)
    if filled:
        row = world.order(order.order_id)
        at_broker = world.broker.fill(row.broker_order_id)
        world.stores.orders.advance(
            row.order_id,
            world.order(order.order_id).status.FILLED,
            at=world.clock.now(),
            filled_quantity=at_broker.filled_quantity,
            average_price=at_broker.average_price,
        )


def begin(world: World, arn: str) -> None:
    begin_exit.run(begin_exit.Input(run_key=RUN_KEY, account=ACCOUNT, execution=arn), world.rt)


def test_every_standard_machine_has_a_limit() -> None:
    assert set(watch_executions.LIMITS) == {one.name for one in MACHINES if one.kind == "STANDARD"}


@pytest.mark.parametrize(("minutes", "stuck"), [(15, False), (16, True)])
def test_an_execution_that_runs_too_long_is_reported(
    world: World, executions: FakeExecutions, minutes: int, stuck: bool
) -> None:
    executions.put("orphan", "RUNNING", started=NINE_THIRTY)
    world.clock.advance(60 * minutes)
    found = look(world, executions)
    assert bool(found.stuck) == stuck
    assert world.alarms.raised == (["ExecutionStuck"] if stuck else [])


def test_an_exit_that_waits_for_the_market_is_not_stuck(world: World, executions: FakeExecutions) -> None:
    enter(world)
    begin(world, executions.put(EXIT, "RUNNING"))
    world.stores.runs.postpone_exit(RUN_KEY, ACCOUNT, exit_at=at(15, 15))
    world.clock.at = at(11, 0)
    assert look(world, executions).stuck == []


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT"])
def test_an_exit_that_was_given_up_is_redriven(world: World, executions: FakeExecutions, status: str) -> None:
    enter(world)
    begin(world, executions.put(EXIT, status, error="States.Runtime", stopped=at(9, 40)))
    world.clock.at = at(9, 41)
    assert len(look(world, executions).restarted) == 1
    assert executions.redriven == [f"arn:AccountBasket:{EXIT}"]
    assert executions.started == []
    assert world.alarms.raised == ["ExitRestarted"]


def test_one_that_cannot_be_redriven_is_started_again(world: World, executions: FakeExecutions) -> None:
    enter(world)
    begin(world, executions.put(EXIT, "FAILED", stopped=at(9, 40)))
    executions.redrivable = False
    world.clock.at = at(9, 41)
    look(world, executions)
    ((machine, name, document),) = executions.started
    assert (machine, name) == ("AccountBasket", f"{EXIT}-0941")
    assert (document["side"], document["run_key"]) == ("EXIT", RUN_KEY)


def test_an_account_that_is_exiting_after_its_exit_succeeded_gets_another(
    world: World, executions: FakeExecutions
) -> None:
    """The reconciler opened it again for a ghost, and died before it could start the exit."""
    enter(world)
    begin(world, executions.put(EXIT, "SUCCEEDED", stopped=at(9, 40)))
    world.clock.at = at(9, 41)
    look(world, executions)
    assert [name for _, name, _ in executions.started] == [f"{EXIT}-0941"]


def test_an_exit_that_failed_before_it_began_goes_on_too(world: World, executions: FakeExecutions) -> None:
    """The phase is not EXITING yet, and the sweep finds the name taken."""
    enter(world)
    executions.put(EXIT, "FAILED", stopped=at(15, 15, 5))
    world.clock.at = at(15, 16)
    assert look(world, executions).restarted == []
    world.clock.at = at(15, 17)
    assert len(look(world, executions).restarted) == 1


@pytest.mark.parametrize(
    ("status", "error"), [("ABORTED", ""), ("FAILED", "ExitNeedsPerson"), ("FAILED", "HedgeStillNeeded")]
)
def test_what_is_a_persons_is_reported_and_left_alone(
    world: World, executions: FakeExecutions, status: str, error: str
) -> None:
    enter(world)
    begin(world, executions.put(EXIT, status, error=error, stopped=at(9, 40)))
    world.clock.at = at(9, 41)
    assert len(look(world, executions).left) == 1
    assert (executions.redriven, executions.started) == ([], [])
    assert world.alarms.raised == ["OpenWithoutExecution"]


@pytest.mark.parametrize(("filled", "reported"), [(True, 1), (False, 0)])
def test_an_aborted_entry_is_reported_where_something_is_open(
    world: World, executions: FakeExecutions, filled: bool, reported: int
) -> None:
    enter(world, filled=filled)
    executions.put(ENTRY, "ABORTED", stopped=at(9, 31))
    world.clock.at = at(9, 33)
    world.alarms.raised.clear()
    assert len(look(world, executions).left) == reported
    assert world.alarms.raised == ["OpenWithoutExecution"] * reported


def test_what_runs_or_ended_just_now_is_left_alone(world: World, executions: FakeExecutions) -> None:
    enter(world)
    begin(world, executions.put(EXIT, "RUNNING", started=at(9, 40)))
    world.clock.at = at(9, 41)
    assert not any(look(world, executions).model_dump().values())
    executions.put(EXIT, "FAILED", stopped=at(9, 40, 50))
    assert not any(look(world, executions).model_dump().values())


def test_what_is_flat_is_over(world: World, executions: FakeExecutions) -> None:
    enter(world)
    begin(world, executions.put(EXIT, "FAILED", stopped=at(9, 40)))
    world.stores.runs.set_phase(RUN_KEY, ACCOUNT, Phase.FLAT)
    world.clock.at = at(9, 41)
    assert not any(look(world, executions).model_dump().values())
