"""The schedule loop: each occurrence once, in the schedule's own time zone, by the platform's clock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from brokers.clock import IST, FixedClock
from localstack.schedules import Loop, Occurrence, Schedule, TargetRefused, TargetUnreachable

SUNDAY_NOON = datetime(2026, 11, 22, 12, 0, tzinfo=IST)
MACHINE = "arn:aws:states:ap-south-1:000000000000:stateMachine:algo-StrategyLifecycle"
DEAD_LETTERS = "arn:aws:sqs:ap-south-1:000000000000:dead"


@dataclass
class FakeBook:
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, expression: str, **more: Any) -> None:
        self.entries[name] = {
            "Arn": f"arn:{name}",
            "Name": name,
            "GroupName": "algo",
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "Asia/Kolkata",
            "State": "ENABLED",
            "Target": {"Arn": MACHINE, "Input": "{}", "DeadLetterConfig": {"Arn": DEAD_LETTERS}},
            **more,
        }

    def schedules(self) -> Sequence[Mapping[str, Any]]:
        return list(self.entries.values())

    def delete(self, schedule: Schedule) -> None:
        del self.entries[schedule.name]


@dataclass
class FakeTargets:
    refusals: int = 0
    down: bool = False
    started: list[tuple[str, str]] = field(default_factory=list)
    buried: list[str] = field(default_factory=list)

    def start(self, arn: str, text: str) -> None:
        if self.down:
            raise TargetUnreachable("connection refused")
        if self.refusals:
            self.refusals -= 1
            raise TargetRefused("StateMachineDoesNotExist", arn)
        self.started.append((arn, text))

    def bury(self, queue_arn: str, occurrence: Occurrence, text: str, error: TargetRefused) -> None:
        self.buried.append(f"{occurrence.schedule.name} {error.code}")


@dataclass
class FakeMemory:
    kept: dict[str, datetime] = field(default_factory=dict)

    def load(self) -> dict[str, datetime]:
        return dict(self.kept)

    def save(self, considered: Mapping[str, datetime]) -> None:
        self.kept = dict(considered)


@dataclass
class World:
    book: FakeBook = field(default_factory=FakeBook)
    targets: FakeTargets = field(default_factory=FakeTargets)
    clock: FixedClock = field(default_factory=lambda: FixedClock(SUNDAY_NOON))

    def __post_init__(self) -> None:
        self.memory = FakeMemory()
        self.start()

    def start(self) -> None:
        """A new process, with what an earlier one has kept."""
        self.loop = Loop(self.book, self.targets, self.clock, self.memory)

    def at(self, text: str) -> int:
        self.clock.at = datetime.fromisoformat(text).replace(tzinfo=IST)
        self.loop.refresh()
        return self.loop.tick()


ENTRY = "cron(28 9 ? * MON,WED,FRI *)"


def test_fires_at_the_second_and_once() -> None:
    world = World()
    world.book.add("entry", ENTRY)
    world.loop.refresh()
    assert world.at("2026-11-23T09:27:59.9") == 0
    assert world.at("2026-11-23T09:28:00") == 1
    assert world.at("2026-11-23T09:28:00.1") == 0
    assert world.at("2026-11-24T09:28:00") == 0
    assert world.at("2026-11-25T09:28:30") == 1


def test_tells_the_target_when_it_was_scheduled() -> None:
    world = World()
    text = json.dumps({"at": "<aws.scheduler.scheduled-time>", "try": "<aws.scheduler.attempt-number>"})
    world.book.add("entry", ENTRY, Target={"Arn": MACHINE, "Input": text})
    world.loop.refresh()
    world.at("2026-11-23T09:28:00.4")
    assert world.targets.started == [(MACHINE, '{"at": "2026-11-23T03:58:00Z", "try": "1"}')]


def test_a_schedule_counts_from_when_it_was_made() -> None:
    world = World()
    assert world.at("2026-11-23T10:00:00") == 0
    world.book.add("late", "at(2026-11-23T09:28:00)")
    assert world.at("2026-11-23T10:00:01") == 0


def test_disabled_schedules_rest_and_do_not_catch_up() -> None:
    world = World()
    world.book.add("entry", ENTRY, State="DISABLED")
    world.loop.refresh()
    assert world.at("2026-11-23T09:28:00") == 0
    world.book.entries["entry"]["State"] = "ENABLED"
    assert world.at("2026-11-23T09:30:00") == 0
    assert world.at("2026-11-25T09:28:00") == 1


def test_start_and_end_bound_it() -> None:
    world = World()
    start = datetime(2026, 11, 24, tzinfo=IST)
    world.book.add("entry", ENTRY, StartDate=start, EndDate=start + timedelta(days=2))
    world.loop.refresh()
    assert world.at("2026-11-23T09:28:00") == 0
    assert world.at("2026-11-25T09:28:00") == 1
    assert world.at("2026-11-27T09:28:00") == 0


def test_a_finished_schedule_is_deleted_if_it_says_so() -> None:
    world = World()
    world.book.add("once", "at(2026-11-23T09:28:00)", ActionAfterCompletion="DELETE")
    world.loop.refresh()
    assert world.at("2026-11-23T09:28:00") == 1
    assert world.book.entries == {}


def test_a_refused_target_is_tried_again_then_buried() -> None:
    world = World()
    world.book.add("entry", ENTRY)
    world.loop.refresh()
    world.targets.refusals = 1
    world.at("2026-11-23T09:28:00")
    assert (len(world.targets.started), world.targets.buried) == (1, [])
    world.targets.refusals = 99
    world.at("2026-11-25T09:28:00")
    assert world.targets.buried == ["entry StateMachineDoesNotExist"]


def test_what_was_due_while_it_was_down_is_fired_when_it_is_up() -> None:
    world = World()
    world.book.add("entry", ENTRY)
    world.at("2026-11-23T09:27:59")
    world.start()
    assert world.at("2026-11-23T09:28:07") == 1
    world.start()
    assert world.at("2026-11-23T09:28:09") == 0, "it was fired before"


def test_an_unreachable_target_is_tried_until_it_answers() -> None:
    world = World()
    world.book.add("entry", ENTRY)
    world.book.add("exit", "cron(13 15 ? * MON *)")
    world.loop.refresh()
    world.targets.down = True
    assert world.at("2026-11-23T09:28:00") == 0
    world.start()
    assert world.at("2026-11-23T09:28:03") == 0
    world.targets.down = False
    assert world.at("2026-11-23T09:28:05") == 1
    assert (len(world.targets.started), world.targets.buried) == (1, [])


def test_what_nobody_took_for_a_day_is_buried() -> None:
    world = World()
    world.book.add("entry", ENTRY)
    world.loop.refresh()
    world.targets.down = True
    assert world.at("2026-11-24T09:28:00") == 1
    assert world.targets.buried == ["entry MaximumEventAgeExceeded"]


def test_an_expression_aws_would_refuse_stops_no_other() -> None:
    world = World()
    world.book.add("bad", "cron(28 9 * * MON *)")
    world.book.add("entry", ENTRY)
    world.loop.refresh()
    assert world.at("2026-11-23T09:28:00") == 1


def test_says_what_is_due_next() -> None:
    world = World()
    world.book.add("exit", "cron(13 15 ? * MON *)")
    world.book.add("entry", ENTRY)
    world.loop.refresh()
    assert [(o.schedule.name, f"{o.due:%a %H:%M}") for o in world.loop.upcoming()] == [
        ("entry", "Mon 09:28"),
        ("exit", "Mon 15:13"),
    ]
