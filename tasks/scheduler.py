"""The strategies' schedules in EventBridge Scheduler, and the bus, through boto3."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.domain.schedules import TIMEZONE, Schedule
from tasks.spec import EVENT_SOURCE
from tasks.stores.journal import Recorded
from tasks.stores.ports import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient

_AT_ONCE = 10
"""PutEvents takes ten events a call."""

RETRY_POLICY = {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 60}
"""A start that is an hour late enters nothing, and its exit was started by the sweep."""


@dataclass(frozen=True, slots=True)
class EventBus:
    client: EventBridgeClient
    name: str

    def put(self, events: Sequence[Recorded]) -> None:
        for start in range(0, len(events), _AT_ONCE):
            entries: Any = [self._entry(event) for event in events[start : start + _AT_ONCE]]
            answer = self.client.put_events(Entries=entries)
            if answer["FailedEntryCount"]:
                raise StoreUnavailable(f"the bus {self.name} refused {answer['FailedEntryCount']} events")

    def _entry(self, event: Recorded) -> dict[str, Any]:
        return {
            "Source": EVENT_SOURCE,
            "DetailType": event.type,
            "Detail": event.model_dump_json(),
            "EventBusName": self.name,
        }


@dataclass(frozen=True, slots=True)
class EventBridgeSchedules:
    """One group holds them all, and nothing else is in it.

    Parameters
    ----------
    target, role
        ARNs: of the machine they start, and of the role Scheduler starts it with.
    dead_letters
        ARN of the queue where a start that never succeeded ends up.
    """

    client: EventBridgeSchedulerClient
    group: str
    target: str
    role: str
    dead_letters: str

    def get(self, name: str) -> Schedule | None:
        try:
            return self._read(name)
        except self.client.exceptions.ResourceNotFoundException:
            return None

    def put(self, schedule: Schedule) -> None:
        wanted = self._wanted(schedule)
        try:
            self.client.create_schedule(**wanted)
        except self.client.exceptions.ConflictException:
            self.client.update_schedule(**wanted)

    def delete(self, name: str) -> None:
        try:
            self.client.delete_schedule(Name=name, GroupName=self.group)
        except self.client.exceptions.ResourceNotFoundException:
            return

    def everything(self) -> Mapping[str, Schedule]:
        pages = self.client.get_paginator("list_schedules").paginate(GroupName=self.group)
        names = [each["Name"] for page in pages for each in page["Schedules"]]
        found = (self.get(name) for name in names)
        return {schedule.name: schedule for schedule in found if schedule is not None}

    def _read(self, name: str) -> Schedule:
        """What another hand changed (switched off, another target) reads as another schedule."""
        found = self.client.get_schedule(Name=name, GroupName=self.group)
        right = found["State"] == "ENABLED" and found["ScheduleExpressionTimezone"] == TIMEZONE
        right = right and found["Target"]["Arn"] == self.target
        return Schedule(
            name=name,
            expression=found["ScheduleExpression"] if right else "",
            payload=found["Target"].get("Input", ""),
            description=found.get("Description", ""),
        )

    def _wanted(self, schedule: Schedule) -> Any:
        return {
            "Name": schedule.name,
            "GroupName": self.group,
            "Description": schedule.description,
            "ScheduleExpression": schedule.expression,
            "ScheduleExpressionTimezone": TIMEZONE,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": self.target,
                "RoleArn": self.role,
                "Input": schedule.payload,
                "DeadLetterConfig": {"Arn": self.dead_letters},
                "RetryPolicy": RETRY_POLICY,
            },
        }


def bus_from_environment(client: EventBridgeClient, environment: Mapping[str, str] = os.environ) -> EventBus:
    return EventBus(client, environment.get("EVENT_BUS", "algo"))


def schedules_from_environment(
    client: EventBridgeSchedulerClient, environment: Mapping[str, str] = os.environ
) -> EventBridgeSchedules:
    return EventBridgeSchedules(
        client,
        group=environment.get("SCHEDULE_GROUP", "algo"),
        target=environment["SCHEDULE_TARGET_ARN"],
        role=environment["SCHEDULE_ROLE_ARN"],
        dead_letters=environment["SCHEDULE_DEAD_LETTERS_ARN"],
    )


__all__ = [
    "EventBridgeSchedules",
    "EventBus",
    "bus_from_environment",
    "schedules_from_environment",
]
