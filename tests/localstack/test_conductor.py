"""The conductor: jumps only when nothing is under way, never over anything, never back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from brokers.clock import IST
from localstack.clock import MovableClock
from localstack.conductor import Conductor, Idleness, Pace, Queue

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


@dataclass
class Market:
    """A feed that wants strides, and what the clock said at each tick."""

    answer: Pace | None
    clock: MovableClock
    stirs_at: datetime | None = None

    def pace(self) -> Pace | None:
        return self.answer

    def stirring(self) -> Idleness:
        stirred = self.stirs_at is not None and self.clock.now() >= self.stirs_at
        return Idleness(int(stirred), None)


def market_hours(stride: float, *, ready: bool = True) -> Pace:
    opens, closes = MORNING.replace(minute=28, second=0), MORNING.replace(minute=33, second=0)
    return Pace(timedelta(seconds=stride), opens, closes, ready)


def strided(clock: MovableClock, market: Market, due: datetime) -> Conductor:
    return Conductor(clock, [Scripted([Idleness(0, due)])], pacer=market, restless=(market,))


def test_nobody_watches_so_it_is_one_jump(clock: MovableClock) -> None:
    assert strided(clock, Market(None, clock), MORNING + timedelta(hours=1)).step()
    assert near(clock.now(), MORNING + timedelta(hours=1))


def test_in_market_hours_it_goes_in_strides(clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[datetime] = []
    monkeypatch.setattr("localstack.conductor._poke", lambda _: seen.append(clock.now()))
    conductor = strided(clock, Market(market_hours(30), clock), MORNING + timedelta(hours=1))
    conductor.ticks = ("http://exchange/clock",)
    assert conductor.step()
    assert near(clock.now(), MORNING + timedelta(hours=1))
    assert near(seen[0], MORNING.replace(minute=28, second=0)), "to the opening in one jump"
    assert len(seen) == 11, "then each half minute of five, and no further"
    assert all(timedelta(seconds=29) < late - early < timedelta(seconds=32) for early, late in pairwise(seen))


def test_a_tick_that_stirs_somebody_ends_the_jump(clock: MovableClock) -> None:
    stop = MORNING.replace(minute=30, second=0)
    conductor = strided(clock, Market(market_hours(2), clock, stirs_at=stop), MORNING + timedelta(hours=1))
    assert conductor.step()
    assert stop <= clock.now() < stop + timedelta(seconds=3)


def test_reach_goes_on_after_every_stir(clock: MovableClock) -> None:
    market = Market(market_hours(30), clock, stirs_at=MORNING.replace(minute=30, second=0))
    until = MORNING.replace(minute=32, second=30)
    strided(clock, market, MORNING + timedelta(hours=9)).reach(until)
    assert near(clock.now(), until)


def test_a_stream_that_does_not_come_up_is_not_waited_for_ever(
    clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localstack.conductor.READY_WITHIN", 0.2)
    assert strided(clock, Market(market_hours(60, ready=False), clock), MORNING + timedelta(minutes=4)).step()
    assert near(clock.now(), MORNING + timedelta(minutes=4))
