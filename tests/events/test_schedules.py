"""Schedules follow the catalog, and whatever came between the two is healed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tasks import record_events, repair_schedules, sync_schedules
from tasks.domain.payload import parse_payload
from tasks.domain.schedules import Schedule, schedule_name, schedules_of
from tasks.domain.strategy import parse_strategy
from tasks.runtime import Runtime
from tasks.scheduler import EventBridgeSchedules
from tasks.stores.bundle import Stores
from tasks.stores.memory import memory_stores
from tasks.stores.ports import ANY, Change
from tests.events.scheduling import WEEKLY, MemoryScheduler
from tests.events.streams import KeptBus, Killed, Tables, Unreliable, a_runtime

ENTRY, EXIT = (schedule_name("user-1", "straddle", side) for side in ("ENTRY", "EXIT"))


@pytest.fixture
def scheduler() -> MemoryScheduler:
    return MemoryScheduler()


@pytest.fixture
def rt(scheduler: MemoryScheduler) -> Runtime:
    return a_runtime(scheduler=scheduler)


def write(rt: Runtime, document: dict[str, Any] | None, owner: str = "user-1", name: str = "straddle") -> None:
    rt.stores.catalog.commit([Change(owner, f"STRATEGY#{name}", document, ANY)])


def sync(rt: Runtime) -> list[str]:
    return sync_schedules.sync("user-1", "straddle", rt)


def test_an_enabled_strategy_gets_both_two_minutes_early(rt: Runtime, scheduler: MemoryScheduler) -> None:
    write(rt, WEEKLY)
    sync(rt)
    assert {name: one.expression for name, one in scheduler.standing.items()} == {
        ENTRY: "cron(28 9 ? * MON,WED,FRI *)",
        EXIT: "cron(13 15 ? * MON,WED,FRI *)",
    }


@pytest.mark.parametrize(("written", "sent"), [(0, 0), ([2, 1], [1, 2]), (None, None), ([], None)])
def test_the_payload_is_the_design_s(written: Any, sent: Any) -> None:
    entry, _ = schedules_of("user-1", parse_strategy(WEEKLY | {"dte": written}))
    payload = json.loads(entry.payload)
    assert payload == {
        "user_id": "user-1",
        "basket_id": "weekly",
        "strategy_id": "straddle",
        "transaction_type": "ENTRY",
        "entry_time": "09:30",
        "exit_time": "15:15",
        "weekdays": ["MON", "WED", "FRI"],
        "dte": sent,
        "scheduled_time": "<aws.scheduler.scheduled-time>",
    }
    fired = parse_payload(payload | {"scheduled_time": "2026-11-23T03:58:00Z"})
    assert f"{fired.entry_at:%d %H:%M}" == "23 09:30"


def test_names_differ_by_owner_and_fit(rt: Runtime) -> None:
    longest = schedule_name("f" * 128, "x" * 24, "ENTRY")
    assert len(longest) <= 64
    assert schedule_name("user-1", "s", "EXIT") != schedule_name("user-2", "s", "EXIT")


def test_a_change_changes_off_and_gone_delete(rt: Runtime, scheduler: MemoryScheduler) -> None:
    write(rt, WEEKLY)
    assert len(sync(rt)) == 2
    assert sync(rt) == []
    write(rt, WEEKLY | {"exit_time": "14:00"})
    assert sync(rt) == [
        f"changed {ENTRY}: cron(28 9 ? * MON,WED,FRI *)",
        f"changed {EXIT}: cron(58 13 ? * MON,WED,FRI *)",
    ]
    write(rt, WEEKLY | {"enabled": False})
    assert sync(rt) == [f"deleted {ENTRY}", f"deleted {EXIT}"]
    write(rt, WEEKLY)
    sync(rt)
    write(rt, None)
    sync(rt)
    assert scheduler.standing == {}


def test_legs_and_accounts_need_no_new_schedule(rt: Runtime) -> None:
    write(rt, WEEKLY)
    sync(rt)
    write(rt, WEEKLY | {"accounts": ["ZA1", "ZA2"], "legs": WEEKLY["legs"] * 2})
    assert sync(rt) == []


def test_an_event_on_the_bus_is_enough(rt: Runtime, scheduler: MemoryScheduler) -> None:
    write(rt, WEEKLY)
    (created, enabled) = record_events.record(*_change(WEEKLY), rt)
    assert {created.type, enabled.type} <= set(sync_schedules.FUNCTION.hears)
    event = {"detail-type": enabled.type, "detail": json.loads(enabled.model_dump_json()), "id": "1"}
    output = sync_schedules.run(sync_schedules.Input.model_validate(event), rt)
    assert len(output.done) == 2
    assert set(scheduler.standing) == {ENTRY, EXIT}


def test_what_scheduler_has_is_in_the_catalog_for_its_event(rt: Runtime) -> None:
    write(rt, WEEKLY | {"schema": 1, "version": 4})
    sync(rt)
    document = rt.stores.catalog.get("user-1", "SCHEDULE#straddle")
    assert document == {
        "strategy_id": "straddle",
        "strategy_version": 4,
        "schedules": {ENTRY: "cron(28 9 ? * MON,WED,FRI *)", EXIT: "cron(13 15 ? * MON,WED,FRI *)"},
    }
    told = record_events.record(*_change(document, "SCHEDULE#straddle"), rt)
    assert [event.type for event in told] == ["StrategyScheduled"]


def test_a_strategy_that_is_no_longer_understood_keeps_no_schedule(
    rt: Runtime, scheduler: MemoryScheduler
) -> None:
    write(rt, WEEKLY)
    sync(rt)
    write(rt, WEEKLY | {"underlying": "DOGE"})
    sync(rt)
    assert scheduler.standing == {}


def _change(document: dict[str, Any], item: str = "STRATEGY#straddle") -> tuple[Any, str]:
    from tasks.stream import change_of, position_of

    record = Tables().document("user-1", item, document)
    return change_of(record), position_of(record)


def reconcile(rt: Runtime) -> repair_schedules.Output:
    return repair_schedules.run(repair_schedules.Input(), rt)


def test_the_reconciler_repairs_either_way_and_says_so(rt: Runtime, scheduler: MemoryScheduler) -> None:
    write(rt, WEEKLY)
    write(rt, WEEKLY | {"strategy_id": "other"}, "marketplace", "other")
    gone = Schedule(
        schedule_name("user-9", "gone", "EXIT"),
        "cron(1 1 ? * MON *)",
        json.dumps({"user_id": "user-9", "strategy_id": "gone"}),
    )
    forged = Schedule("0123456789ab-straddle-ENTRY", "cron(1 1 ? * MON *)", "{}")
    foreign = Schedule("somebody-elses", "rate(1 hour)", "{}")
    for one in (gone, forged, foreign):
        scheduler.put(one)
    output = reconcile(rt)
    assert (output.strategies, output.repaired) == (2, 6)
    assert any(f"deleted {gone.name}" in line for line in output.done)
    assert "somebody-elses" in scheduler.standing
    assert len(scheduler.standing) == 5
    assert reconcile(rt).done == []


def _edits(random: Random) -> Iterator[dict[str, Any] | None]:
    """A user who makes up their mind."""
    while True:
        hour = random.choice(["13:30", "14:00", "15:15"])
        yield random.choice([WEEKLY | {"exit_time": hour}, WEEKLY | {"enabled": False}, None])


@pytest.mark.parametrize("seed", range(30))
def test_killed_between_a_command_and_its_schedule(seed: int) -> None:
    """30 random points: in recording, on the bus, in reading the catalog, in writing one schedule of two."""
    random = Random(seed)
    stores, scheduler, bus = memory_stores(), MemoryScheduler(), KeptBus()
    shaky = Stores(
        **{
            name: getattr(stores, name)
            for name in Stores.__dataclass_fields__
            if name not in ("events", "catalog")
        },
        events=Unreliable(stores.events, random, 0.1),
        catalog=Unreliable(stores.catalog, random, 0.1),
    )
    rt = a_runtime(shaky, bus=Unreliable(bus, random, 0.1), scheduler=Unreliable(scheduler, random, 0.2))
    sound = a_runtime(stores, scheduler=scheduler)
    tables, edits, killed = Tables(), _edits(random), 0
    while not killed:
        document = next(edits)
        write(sound, document)
        record = tables.document("user-1", "STRATEGY#straddle", document)
        try:
            record_events.run({"Records": [record]}, rt)
            sync_schedules.sync("user-1", "straddle", rt)
        except Killed:
            killed += 1
    reconcile(sound)
    wanted = schedules_of("user-1", parse_strategy(document)) if document else ()
    assert scheduler.standing == {schedule.name: schedule for schedule in wanted}
    remembered = stores.catalog.get("user-1", "SCHEDULE#straddle") or {"schedules": {}}
    assert remembered["schedules"] == {one.name: one.expression for one in wanted}


def test_two_syncs_at_the_same_moment_leave_what_the_catalog_says(scheduler: MemoryScheduler) -> None:
    """The slower one read the older strategy; it looks again after it has written."""
    stores = memory_stores()
    quick = a_runtime(stores, scheduler=scheduler)

    class Overtaken(MemoryScheduler):
        def put(self, schedule: Schedule) -> None:
            if not scheduler.standing:
                write(quick, WEEKLY | {"exit_time": "14:00"})
                sync(quick)
            scheduler.put(schedule)

        def get(self, name: str) -> Schedule | None:
            return scheduler.get(name)

    slow = a_runtime(stores, scheduler=Overtaken())
    write(slow, WEEKLY)
    sync(slow)
    assert scheduler.standing[EXIT].expression == "cron(58 13 ? * MON,WED,FRI *)"


# --- through boto3 ---


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EventBridgeSchedules]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("scheduler", region_name="ap-south-1")
        client.create_schedule_group(Name="algo")
        yield EventBridgeSchedules(
            client,
            group="algo",
            target="arn:aws:states:ap-south-1:111122223333:stateMachine:algo-StrategyLifecycle",
            role="arn:aws:iam::111122223333:role/algo-schedules",
            dead_letters="arn:aws:sqs:ap-south-1:111122223333:algo-schedules-dlq",
        )


def test_scheduler_gives_back_what_it_was_given(aws: EventBridgeSchedules) -> None:
    entry, exit_ = schedules_of("user-1", parse_strategy(WEEKLY))
    aws.put(entry)
    aws.put(exit_)
    aws.put(entry)
    assert aws.get(entry.name) == entry
    assert aws.everything() == {entry.name: entry, exit_.name: exit_}
    aws.delete(entry.name)
    aws.delete(entry.name)
    assert aws.get(entry.name) is None


def test_a_schedule_has_its_time_zone_dead_letters_and_retries(aws: EventBridgeSchedules) -> None:
    entry, _ = schedules_of("user-1", parse_strategy(WEEKLY))
    aws.put(entry)
    made = aws.client.get_schedule(Name=entry.name, GroupName="algo")
    assert made["ScheduleExpressionTimezone"] == "Asia/Kolkata"
    assert made["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert made["Target"]["DeadLetterConfig"] == {"Arn": aws.dead_letters}
    assert made["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 60}


def test_one_that_a_hand_switched_off_is_not_as_wanted(aws: EventBridgeSchedules) -> None:
    entry, _ = schedules_of("user-1", parse_strategy(WEEKLY))
    aws.put(entry)
    made: Any = aws.client.get_schedule(Name=entry.name, GroupName="algo")
    kept: Any = {
        name: made[name] for name in ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    }
    aws.client.update_schedule(**kept, ScheduleExpressionTimezone="Asia/Kolkata", State="DISABLED")
    assert aws.get(entry.name) != entry


def test_the_local_clock_fires_it_at_0928(aws: EventBridgeSchedules) -> None:
    from datetime import datetime

    from brokers.clock import IST
    from localstack.expressions import parse

    entry, _ = schedules_of("user-1", parse_strategy(WEEKLY))
    sunday = datetime(2026, 11, 22, 12, tzinfo=IST)
    due = parse(entry.expression, "Asia/Kolkata", anchor=sunday).after(sunday)
    assert due == datetime(2026, 11, 23, 9, 28, tzinfo=IST)
