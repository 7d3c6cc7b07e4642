"""The conductor: jumps only when nothing is under way, never over anything, never back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from brokers.clock import IST
from localstack.clock import MovableClock
from localstack.conductor import Conductor, Idleness, Queue

MORNING = datetime(2026, 11, 23, 9, 27, 30, tzinfo=IST)


@dataclass
class Scripted:
    """Answers in turn; the last answer for ever."""

    answers: list[Idleness]

    def look(self) -> Idleness:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def clock(tmp_path: Path) -> MovableClock:
    clock = MovableClock(tmp_path / "clock")
    clock.set(MORNING)
    return clock


def near(moment: datetime, expected: datetime) -> bool:
    return abs(moment - expected) < timedelta(seconds=1)


def test_goes_to_just_before_the_earliest_due(clock: MovableClock) -> None:
    soon, later = MORNING + timedelta(seconds=30), MORNING + timedelta(hours=6)
    conductor = Conductor(clock, [Scripted([Idleness(0, later)]), Scripted([Idleness(0, soon)])])
    assert conductor.step()
    assert near(clock.now(), soon)
    assert clock.now() < soon


def test_waits_while_anything_is_under_way(clock: MovableClock) -> None:
    due = MORNING + timedelta(minutes=5)
    busy = Scripted([Idleness(1, due), Idleness(0, due), Idleness(1, due), Idleness(0, due)])
    Conductor(clock, [busy]).step()
    assert len(busy.answers) == 1
    assert near(clock.now(), due)


def test_one_idle_look_is_not_enough(clock: MovableClock) -> None:
    flicker = Scripted([Idleness(0, None), Idleness(1, None)])
    with pytest.raises(TimeoutError, match="still busy"):
        Conductor(clock, [flicker]).settle(seconds=0.5)


def test_what_was_started_between_two_looks_is_not_jumped_over(clock: MovableClock) -> None:
    """The schedule of the entry fired after the endpoint was looked at: only the due time tells."""
    entry, exit_ = MORNING + timedelta(seconds=30), MORNING + timedelta(hours=6)
    endpoint = Scripted([Idleness(0, None), Idleness(0, None), Idleness(1, None), Idleness(0, exit_)])
    schedules = Scripted([Idleness(0, entry), Idleness(0, exit_)])
    Conductor(clock, [endpoint, schedules]).settle()
    assert len(endpoint.answers) == 1


def test_what_passes_between_two_processes_is_not_overlooked(clock: MovableClock) -> None:
    """The schedule fires while a look goes on: the endpoint was asked before, the schedules after."""
    wednesday = MORNING + timedelta(days=2)
    schedules = Scripted([Idleness(0, MORNING + timedelta(seconds=5)), Idleness(0, wednesday)])
    endpoint = Scripted([Idleness(0, None), Idleness(0, None), Idleness(1, None), Idleness(0, MORNING)])
    assert Conductor(clock, [endpoint, schedules]).settle() == MORNING


def test_nothing_due_is_the_end(clock: MovableClock) -> None:
    assert not Conductor(clock, [Scripted([Idleness(0, None)])]).step()
    assert near(clock.now(), MORNING)


def test_goes_no_further_than_told(clock: MovableClock) -> None:
    due = MORNING + timedelta(days=2)
    assert not Conductor(clock, [Scripted([Idleness(0, due)])]).step(until=MORNING + timedelta(hours=9))
    assert near(clock.now(), MORNING)


def test_never_goes_back(clock: MovableClock) -> None:
    assert Conductor(clock, [Scripted([Idleness(0, MORNING - timedelta(hours=1))])]).step()
    assert near(clock.now(), MORNING)


def test_a_message_that_was_set_aside_holds_up_nobody() -> None:
    counts = [(0, 1)]
    queue = Queue(lambda: counts[0], patience=0.05)
    assert queue.look().busy == 1
    time.sleep(0.06)
    assert queue.look().busy == 0
    counts[0] = (1, 1)
    assert queue.look().busy == 1


def test_two_looks_that_expect_different_things_are_not_enough(clock: MovableClock) -> None:
    """A schedule fired between them, what it started was not seen yet: the afternoon is not next."""
    soon, wait, afternoon = (MORNING + timedelta(minutes=each) for each in (1, 3, 345))
    schedules = Scripted([Idleness(0, soon), Idleness(0, afternoon)])
    executions = Scripted([Idleness(0, None), Idleness(0, None), Idleness(0, wait)])
    assert Conductor(clock, [schedules, executions]).settle() == wait
