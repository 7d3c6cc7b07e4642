"""The supervisor: what dies comes back as it was, what is stopped stays down, and a crash loop gets pauses."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from localstack.processes import Processes, Service
from localstack.supervisor import PAUSES, STABLE_SECONDS, Supervisor

SERVICE = Service("clock", [sys.executable, "-c", "import time; time.sleep(60)"], "", "time.sleep(60)")


@dataclass
class Hand:
    """A clock that is moved by hand."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class World:
    processes: Processes
    clock: Hand = field(default_factory=Hand)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.processes, self.clock, lambda: datetime(2026, 11, 23, tzinfo=UTC))

    def after(self, seconds: float) -> list[int]:
        """How often in a row each was restarted that is restarted then."""
        self.clock.seconds += seconds
        return [restart.times for restart in self.supervisor.look()]

    def kill(self) -> None:
        os.kill(_running(self.processes), signal.SIGKILL)
        while self.processes.pid(SERVICE) is not None:
            time.sleep(0.005)


def _running(processes: Processes) -> int:
    """Its process id, once it has become the program that was asked for."""
    deadline = time.monotonic() + 10
    while (pid := processes.pid(SERVICE)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return pid


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    processes = Processes(tmp_path)
    processes.start(SERVICE, {"WHERE": "here"})
    _running(processes)
    yield World(processes)
    processes.stop(SERVICE)


def test_what_dies_is_started_again_with_the_same_variables(world: World) -> None:
    assert world.after(0) == []
    world.kill()
    assert world.after(0) == []
    assert world.after(0.1) == [1]
    assert world.after(0.1) == []
    (started,) = world.processes.started()
    assert (started.name, dict(started.variables)) == ("clock", {"WHERE": "here"})
    assert world.processes.pid(SERVICE) is not None


def test_what_was_stopped_stays_down(world: World) -> None:
    world.processes.stop(SERVICE)
    assert world.after(0) == []
    assert world.after(60) == []


def test_what_dies_again_and_again_gets_longer_pauses(world: World) -> None:
    for times, pause in enumerate(PAUSES, start=1):
        world.kill()
        world.after(0)
        assert world.after(pause - 0.01) == []
        assert world.after(0.02) == [times]
    world.clock.seconds += STABLE_SECONDS
    world.kill()
    world.after(0)
    assert world.after(0.1) == [1], "it had lived long enough"
