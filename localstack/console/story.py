"""A history read as steps, a part of it at a time.

Pure: events of GetExecutionHistory in, steps out. The engine that made the events may say less than AWS does:
without `previousEventId` each event is taken to follow the one before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localstack.console.iterations import describe
from localstack.console.json_text import parsed
from localstack.console.steps import OPEN, Attempt, Event, Frame, Status, Step, details


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an event happened."""

    frame: int
    step: int | None


_ENDS = {
    "ExecutionSucceeded": Status.SUCCEEDED,
    "ExecutionFailed": Status.FAILED,
    "ExecutionTimedOut": Status.TIMED_OUT,
    "ExecutionAborted": Status.ABORTED,
}
_ITERATION_ENDS = {
    "MapIterationSucceeded": Status.SUCCEEDED,
    "MapIterationFailed": Status.FAILED,
    "MapIterationAborted": Status.ABORTED,
}
_BEGINS = (
    "TaskScheduled",
    "LambdaFunctionScheduled",
    "ActivityScheduled",
    "MapStateStarted",
    "ParallelStateStarted",
)
_WORKED = (
    "TaskSucceeded",
    "LambdaFunctionSucceeded",
    "ActivitySucceeded",
    "MapStateSucceeded",
    "ParallelStateSucceeded",
)
_FANS = ("Map", "Parallel")


def _is_failure(kind: str) -> bool:
    """An attempt of a state failed, in whichever way."""
    return kind.endswith(("Failed", "TimedOut")) and not kind.startswith(
        ("Execution", "MapIteration", "MapRun")
    )


@dataclass(slots=True)
class Story:
    """One execution's steps so far. `read` takes the next events; everything else is for looking at."""

    status: Status = Status.RUNNING
    redrives: int = 0
    error: str = ""
    cause: str = ""
    steps: dict[int, Step] = field(default_factory=dict)
    frames: dict[int, Frame] = field(default_factory=lambda: {0: Frame(0, None, 0)})
    owner: dict[int, int] = field(default_factory=dict)
    """The step that each event belongs to."""
    last: int = 0
    """The number of the newest event that was read."""
    touched_steps: set[int] = field(default_factory=set)
    touched_frames: set[int] = field(default_factory=set)
    _places: dict[int, _Place] = field(default_factory=lambda: {0: _Place(0, None)})
    _iterations: dict[tuple[int, int], int] = field(default_factory=dict)

    def read(self, events: Sequence[Event]) -> None:
        """Take the events that follow, in order. Those that were read before are passed over."""
        for event in events:
            if event["id"] > self.last:
                self._take(event)
                self.last = event["id"]

    def take_touched(self) -> tuple[list[Step], list[Frame]]:
        """The steps and frames that have changed since the last call."""
        steps = [self.steps[number] for number in sorted(self.touched_steps)]
        frames = [self.frames[number] for number in sorted(self.touched_frames)]
        self.touched_steps, self.touched_frames = set(), set()
        return steps, frames

    # --- one event ---

    def _take(self, event: Event) -> None:
        kind: str = event["type"]
        before = self._places.get(event.get("previousEventId", self.last)) or _Place(0, None)
        place = self._happen(kind, event, before)
        self._places[event["id"]] = place
        if place.step is not None:
            self.owner[event["id"]] = place.step

    def _happen(self, kind: str, event: Event, before: _Place) -> _Place:
        if kind.endswith("StateEntered"):
            return self._entered(kind.removesuffix("StateEntered"), event, before)
        if kind in _ITERATION_ENDS:
            return self._iteration_ended(_ITERATION_ENDS[kind], event, before)
        if kind in _ENDS:
            return self._execution_ended(_ENDS[kind], event, before)
        if kind.endswith("StateExited"):
            return self._exited(event, before)
        handlers: dict[str, Callable[[Event, _Place], _Place]] = {
            "MapIterationStarted": self._iteration_started,
            "ExecutionRedriven": self._redriven,
        }
        if kind in handlers:
            return handlers[kind](event, before)
        return self._inside(kind, event, before)

    def _entered(self, kind: str, event: Event, before: _Place) -> _Place:
        given = details(event)
        frame = self._frame_for(before)
        step = Step(event["id"], given["name"], kind, frame.id, event["timestamp"])
        self.steps[step.id] = step
        self.touched_steps.add(step.id)
        if not frame.steps and frame.step is not None and not frame.label:
            frame.label = describe(parsed(given.get("input")))
            self.touched_frames.add(frame.id)
        frame.steps.append(step.id)
        return _Place(frame.id, step.id)

    def _frame_for(self, before: _Place) -> Frame:
        """The frame of a state that is entered: a new branch if the event before began a Parallel."""
        around = self.steps.get(before.step) if before.step is not None else None
        if around is None or around.kind != "Parallel" or around.left is not None:
            return self.frames[before.frame]
        index = sum(frame.step == around.id for frame in self.frames.values())
        return self._new_frame(around, index, f"branch {index + 1}")

    def _exited(self, event: Event, before: _Place) -> _Place:
        given = details(event)
        step = self._named(given["name"], before)
        if step is None:
            return before
        step.left, step.exit_event = event["timestamp"], event["id"]
        if step.attempts and step.attempts[-1].failed:
            step.status = Status.CAUGHT
            step.error, step.cause = step.attempts[-1].error, step.attempts[-1].cause
        else:
            step.status, step.error, step.cause = Status.SUCCEEDED, "", ""
        self._close_frames_of(step)
        self.touched_steps.add(step.id)
        return _Place(step.frame, step.id)

    def _named(self, name: str, before: _Place) -> Step | None:
        """The open step of this name, from where the event before was, outwards."""
        place: _Place | None = before
        while place is not None:
            for number in reversed(self.frames[place.frame].steps):
                step = self.steps[number]
                if step.state == name and step.left is None:
                    return step
            place = self._around(place)
        return None

    def _around(self, place: _Place) -> _Place | None:
        owner = self.frames[place.frame].step
        return None if owner is None else _Place(self.steps[owner].frame, owner)

    def _fan(self, before: _Place, kinds: Sequence[str] = _FANS, name: str = "") -> Step | None:
        """The Map or Parallel that an event is about: the step itself or one it is inside of."""
        place: _Place | None = before
        while place is not None:
            step = self.steps.get(place.step) if place.step is not None else None
            if step is not None and step.kind in kinds and name in ("", step.state):
                return step
            place = self._around(place)
        return None

    # --- Map ---

    def _iteration_started(self, event: Event, before: _Place) -> _Place:
        given = details(event)
        step = self._fan(before, ("Map",), given.get("name", "")) or self._fan(before, ("Map",))
        if step is None:
            return before
        number = self._iterations.get((step.id, given["index"]))
        frame = self._new_frame(step, given["index"]) if number is None else self.frames[number]
        self._iterations[step.id, given["index"]] = frame.id
        self._reopen(frame, event["timestamp"])
        return _Place(frame.id, self._resumable(frame))

    def _resumable(self, frame: Frame) -> int | None:
        """The step with which a redriven iteration goes on."""
        open_steps = [number for number in frame.steps if self.steps[number].left is None]
        return open_steps[-1] if open_steps else None

    def _iteration_ended(self, status: Status, event: Event, before: _Place) -> _Place:
        index: int = details(event).get("index", -1)
        step = self._fan(_Place(before.frame, None), ("Map",)) or self._fan(before, ("Map",))
        number = self._iterations.get((step.id, index)) if step is not None else None
        if number is None:
            return before
        self._end_frame(self.frames[number], status)
        return _Place(number, before.step)

    def _new_frame(self, step: Step, index: int, label: str = "") -> Frame:
        frame = Frame(len(self.frames), step.id, index, label=label)
        self.frames[frame.id] = frame
        self.touched_frames.add(frame.id)
        return frame

    def _end_frame(self, frame: Frame, status: Status) -> None:
        frame.status = status
        self.touched_frames.add(frame.id)
        for number in frame.steps:
            self._give_up(self.steps[number], status)

    def _close_frames_of(self, step: Step) -> None:
        """A Map or Parallel is left: what still ran inside has been given up."""
        if step.kind in _FANS:
            outcome = Status.SUCCEEDED if step.status is Status.SUCCEEDED else Status.ABORTED
            for frame in self.frames.values():
                if frame.step == step.id and frame.status is Status.RUNNING:
                    self._end_frame(frame, outcome)

    def _give_up(self, step: Step, status: Status) -> None:
        """Nothing more comes of a step that was not left: it failed, or what is around it ended."""
        if step.status not in OPEN:
            return
        failed = step.kind == "Fail" or (step.attempts and step.attempts[-1].failed)
        step.status = status if failed or status is not Status.FAILED else Status.ABORTED
        if step.attempts and step.attempts[-1].failed:
            step.error, step.cause = step.attempts[-1].error, step.attempts[-1].cause
        self.touched_steps.add(step.id)

    # --- the execution ---

    def _execution_ended(self, status: Status, event: Event, before: _Place) -> _Place:
        given = details(event)
        self.status, self.error, self.cause = status, given.get("error") or "", given.get("cause") or ""
        if status is Status.FAILED:
            self._name_failure(before)
        for frame in self.frames.values():
            if frame.status is Status.RUNNING:
                self._end_frame(frame, status)
        return before

    def _name_failure(self, before: _Place) -> None:
        """The state that the execution failed in: where nothing else is said, the last one."""
        step = self.steps.get(before.step) if before.step is not None else None
        if step is not None and step.status in OPEN:
            step.status = Status.FAILED
            step.error, step.cause = self.error, self.cause
            self.touched_steps.add(step.id)

    def _redriven(self, event: Event, before: _Place) -> _Place:
        self.redrives = details(event).get("redriveCount", self.redrives + 1)
        self.status, self.error, self.cause = Status.RUNNING, "", ""
        place = before
        while (around := self._around(place)) is not None:
            place = around
        self._reopen(self.frames[0], event["timestamp"])
        return place

    def _reopen(self, frame: Frame, at: datetime) -> None:
        """The frame goes on, with the step it stopped in; a Parallel's branches say nothing when they do."""
        frame.status = Status.RUNNING
        self.touched_frames.add(frame.id)
        step = self.steps.get(self._resumable(frame) or 0)
        if step is None or step.kind == "Fail":
            return
        step.status = Status.RUNNING
        self.touched_steps.add(step.id)
        if step.kind in _FANS:
            self._begin(step, at)
        if step.kind == "Parallel":
            for branch in list(self.frames.values()):
                if branch.step == step.id and branch.status is not Status.SUCCEEDED:
                    self._reopen(branch, at)

    # --- what happens inside a state ---

    def _inside(self, kind: str, event: Event, before: _Place) -> _Place:
        step = self._concerned(kind, before)
        if step is None:
            return before
        self._note(kind, event, step)
        self.touched_steps.add(step.id)
        return _Place(step.frame, step.id)

    def _concerned(self, kind: str, before: _Place) -> Step | None:
        for fan in _FANS:
            if kind.startswith((f"{fan}State", f"{fan}Run")):
                return self._fan(before, (fan,))
        if before.step is not None:
            return self._deepest(self.steps[before.step])
        number = self._resumable(self.frames[before.frame])
        return self.steps[number] if number is not None else None

    def _deepest(self, step: Step) -> Step:
        """After a redrive a task's event may follow the redrive itself: it is inside of the Map."""
        if step.kind not in _FANS:
            return step
        inside = [each for each in self.steps.values() if self.frames[each.frame].step == step.id]
        stopped = [each for each in inside if each.left is None]
        return self._deepest(stopped[0]) if stopped else step

    def _note(self, kind: str, event: Event, step: Step) -> None:
        given = details(event)
        if kind in _BEGINS:
            self._begin(step, event["timestamp"])
            step.length = given.get("length", step.length)
        elif kind.endswith("StateAborted"):
            step.status = Status.ABORTED
        elif kind == "TaskSubmitted":
            self._last(step, event).submitted = True
            self._remember_child(step, given)
        elif kind in _WORKED:
            self._last(step, event).ended = event["timestamp"]
            self._remember_child(step, given)
        elif _is_failure(kind):
            self._failed(step, event, given)

    def _begin(self, step: Step, at: datetime) -> None:
        """An attempt. A redriven Map may have begun without a word, and say so afterwards."""
        step.status, step.error, step.cause = Status.RUNNING, "", ""
        last = step.attempts[-1] if step.attempts else None
        if step.kind in _FANS and last is not None and last.ended is None and last.redrive == self.redrives:
            return
        step.attempts.append(Attempt(at, self.redrives))

    def _last(self, step: Step, event: Event) -> Attempt:
        """The attempt under way; one is made up where the engine did not say that it began."""
        if not step.attempts:
            step.attempts.append(Attempt(event["timestamp"], self.redrives))
        return step.attempts[-1]

    def _failed(self, step: Step, event: Event, given: Mapping[str, Any]) -> None:
        attempt = self._last(step, event)
        attempt.ended, attempt.failed = event["timestamp"], True
        timed_out = event["type"].endswith("TimedOut")
        attempt.error = given.get("error") or ("States.Timeout" if timed_out else "")
        attempt.cause = given.get("cause") or ""
        if step.left is None:
            step.status, step.error, step.cause = Status.RETRYING, attempt.error, attempt.cause

    def _remember_child(self, step: Step, given: Mapping[str, Any]) -> None:
        if given.get("resourceType") != "states":
            return
        answer = parsed(given.get("output"))
        arn = answer.get("ExecutionArn") or answer.get("executionArn") if isinstance(answer, dict) else None
        if isinstance(arn, str) and arn not in step.children:
            step.children.append(arn)
