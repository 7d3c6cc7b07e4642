"""Executions as steps: which state ran when, with what, and what came of it. From GetExecutionHistory alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from brokers.clock import IST

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One state that was left (or, for the last step of an execution, the way it ended).

    `iteration` is the index within a Map, None outside. `caught` is the failure that a Catch turned into data.
    """

    execution: str
    state: str
    kind: str
    iteration: int | None
    entered: datetime
    left: datetime
    input: Data
    output: Data
    caught: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """How an execution ended."""

    execution: str
    status: str
    at: datetime
    output: Data
    error: str = ""
    cause: str = ""


_ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
_FAILURES = ("TaskFailed", "TaskTimedOut", "LambdaFunctionFailed", "LambdaFunctionTimedOut", "TaskSubmitFailed")

Place = tuple[int, ...]
"""Where an event belongs: the iteration's number, of each Map around it, the outermost first."""


@dataclass(slots=True)
class Reader:
    """Turns one execution's events into steps, a part of the history at a time."""

    execution: str
    _seen: int = 0
    _places: dict[int, Place] = field(default_factory=dict)
    _entered: dict[tuple[Place, str], Mapping[str, Any]] = field(default_factory=dict)
    _failures: dict[Place, str] = field(default_factory=dict)

    def read(self, events: Sequence[Mapping[str, Any]]) -> list[Step | End]:
        """What is new in the whole history so far, `events`."""
        found = [item for event in events[self._seen :] if (item := self._item(event)) is not None]
        self._seen = len(events)
        return found

    def _item(self, event: Mapping[str, Any]) -> Step | End | None:
        kind: str = event["type"]
        place = self._place(event)
        if kind.endswith("StateEntered"):
            self._entered[place, event["stateEnteredEventDetails"]["name"]] = event
            self._failures.pop(place, None)
        elif kind.endswith("StateExited"):
            return self._step(event, place)
        elif kind in _FAILURES:
            details = _details(event)
            self._failures[place] = details.get("error") or kind
        elif kind in _ENDS:
            return self._end(event)
        return None

    def _place(self, event: Mapping[str, Any]) -> Place:
        """That of the event before; an iteration goes one Map deeper, and the Map's exit comes back."""
        kind: str = event["type"]
        place = self._places.get(event.get("previousEventId", 0), ())
        if kind == "MapIterationStarted":
            details = event["mapIterationStartedEventDetails"]
            place = (*self._around(place, details["name"]), details["index"])
        elif kind.endswith("StateExited"):
            place = self._around(place, event["stateExitedEventDetails"]["name"])
        self._places[event["id"]] = place
        return place

    def _around(self, place: Place, state: str) -> Place:
        """Where the state was entered: here, or in an iteration around here."""
        outward = (place[:depth] for depth in range(len(place), -1, -1))
        return next((each for each in outward if (each, state) in self._entered), place)

    def _step(self, event: Mapping[str, Any], place: Place) -> Step:
        details = event["stateExitedEventDetails"]
        entered = self._entered[place, details["name"]]
        return Step(
            execution=self.execution,
            state=details["name"],
            kind=event["type"].removesuffix("StateExited"),
            iteration=place[-1] if place else None,
            entered=entered["timestamp"].astimezone(IST),
            left=event["timestamp"].astimezone(IST),
            input=_data(entered["stateEnteredEventDetails"].get("input")),
            output=_data(details.get("output")),
            caught=self._failures.pop(place, ""),
        )

    def _end(self, event: Mapping[str, Any]) -> End:
        details = _details(event)
        return End(
            execution=self.execution,
            status=_ENDS[event["type"]],
            at=event["timestamp"].astimezone(IST),
            output=_data(details.get("output")),
            error=details.get("error", ""),
            cause=details.get("cause", ""),
        )


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an event says beyond its type, under whichever name."""
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})


def _data(text: str | None) -> Data:
    """A state's data as an object; anything else stands under "value"."""
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {"value": value}


class Watcher:
    """Follows every execution of some machines."""

    def __init__(self, client: SFNClient, machines: Iterable[str]) -> None:
        self._client = client
        self._machines = tuple(machines)
        self._readers: dict[str, Reader] = {}
        self._finished: dict[str, int] = {}
        self._histories: dict[str, list[Mapping[str, Any]]] = {}

    def news(self) -> list[Step | End]:
        """What has happened since the last time, in the order in which it did."""
        found: list[Step | End] = []
        for arn in self._unread():
            reader = self._readers.setdefault(arn, Reader(arn.rsplit(":", 1)[-1]))
            self._histories[arn] = self._history(arn)
            items = reader.read(self._histories[arn])
            found += items
        return sorted(found, key=_when)

    def histories(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Every execution's events, as they were last seen."""
        return self._histories

    def _unread(self) -> list[str]:
        """Executions that run, or have ended (or ended again, after a redrive) since the last time."""
        unread = []
        for execution in self._executions():
            arn, redrives = execution["executionArn"], execution.get("redriveCount", 0)
            if self._finished.get(arn) == redrives:
                continue
            if execution["status"] != "RUNNING":
                self._finished[arn] = redrives
            unread.append(arn)
        return unread

    def _executions(self) -> Iterator[Mapping[str, Any]]:
        for machine in self._machines:
            for page in self._client.get_paginator("list_executions").paginate(stateMachineArn=machine):
                for execution in page["executions"]:
                    yield dict(execution)

    def _history(self, arn: str) -> list[Mapping[str, Any]]:
        pages = self._client.get_paginator("get_execution_history").paginate(
            executionArn=arn, PaginationConfig={"PageSize": 1000}
        )
        return [dict(event) for page in pages for event in page["events"]]


def _when(item: Step | End) -> datetime:
    return item.left if isinstance(item, Step) else item.at
