"""Run an execution to its end with a clock that jumps and tasks that are functions.

::

    execution = simulate(machine, {"side": "ENTRY"}, lambda task: Reply({"ok": True}))
    assert execution.status is Status.SUCCEEDED

The same interpreter and the same JSON as in the endpoint, thousands of transitions a second.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from workflows.asl.interpreter.data import Json, dumps
from workflows.asl.interpreter.definition import Machine
from workflows.asl.interpreter.entropy import SeededEntropy
from workflows.asl.interpreter.execution import Execution, Facts
from workflows.asl.interpreter.happenings import (
    CallReturned,
    CancelTimer,
    Effect,
    Happening,
    Pattern,
    ScheduleTask,
    StartTimer,
    Status,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)

MAX_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What a task answers: an output, or an error. `after` is how long it takes, in simulated seconds."""

    output: Json = None
    after: float = 0.0
    error: str | None = None
    cause: str | None = None


Answer = Callable[[ScheduleTask], "Reply | Iterable[tuple[float, Happening]]"]
"""What comes of a task: a reply, or any happenings with their delays in seconds (none: it never answers)."""

FACTS = Facts(
    execution_arn="arn:aws:states:ap-south-1:000000000000:execution:Simulated:run",
    execution_name="run",
    machine_arn="arn:aws:states:ap-south-1:000000000000:stateMachine:Simulated",
    machine_name="Simulated",
    role_arn="arn:aws:iam::000000000000:role/simulated",
    region="ap-south-1",
)


@dataclass(slots=True)
class Simulation:
    """An execution, its simulated clock, and what is going to happen."""

    execution: Execution
    answer: Answer
    now: float
    _agenda: list[tuple[float, int, Happening]] = field(default_factory=list)
    _cancelled: set[str] = field(default_factory=set)
    _order: Iterator[int] = field(default_factory=itertools.count)

    def start(self) -> None:
        self._carry_out(self.execution.start(self.now))

    def happens(self, what: Happening, after: float = 0.0) -> None:
        """Put something on the agenda, `after` seconds from now."""
        heapq.heappush(self._agenda, (self.now + after, next(self._order), what))

    def run(self, until: float | None = None) -> Execution:
        """Let everything happen, in order of time, until the execution ends or (if given) until that time.

        Raises
        ------
        RuntimeError
            If it never comes to an end.
        """
        for _ in range(MAX_STEPS):
            if not self._agenda or self.execution.status is not Status.RUNNING:
                return self.execution
            if until is not None and self._agenda[0][0] > until:
                self.now = until
                return self.execution
            self._step()
        raise RuntimeError(f"the execution has not ended after {MAX_STEPS} happenings")

    def _step(self) -> None:
        at, _, what = heapq.heappop(self._agenda)
        self.now = max(self.now, at)
        if isinstance(what, TimerFired) and what.timer in self._cancelled:
            self._cancelled.discard(what.timer)
            return
        self._carry_out(self.execution.happened(what, self.now))

    def redrive(self, what: Happening) -> None:
        """Something that is done to an execution that has ended."""
        self._agenda.clear()
        self._carry_out(self.execution.happened(what, self.now))

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, StartTimer):
                self.happens(TimerFired(effect.timer), effect.at - self.now)
            elif isinstance(effect, CancelTimer):
                self._cancelled.add(effect.timer)
            elif isinstance(effect, ScheduleTask):
                for after, what in _happenings(effect, self.answer(effect)):
                    self.happens(what, after)


def _happenings(
    task: ScheduleTask, answer: Reply | Iterable[tuple[float, Happening]]
) -> Iterable[tuple[float, Happening]]:
    if not isinstance(answer, Reply):
        return answer
    if answer.error is not None:
        return [(answer.after, TaskFailed(task.task, answer.error, answer.cause))]
    if task.pattern is Pattern.REQUEST_RESPONSE:
        return [(answer.after, CallReturned(task.task, answer.output))]
    return [(0.0, CallReturned(task.task, {})), (answer.after, TaskSucceeded(task.task, answer.output))]


def simulation(
    machine: Machine,
    input_: Json,
    answer: Answer,
    *,
    at: float = 0.0,
    facts: Facts = FACTS,
    seed: str = "seed",
) -> Simulation:
    """A simulation that has not started; `at` is its first moment, in seconds since the epoch."""
    text = input_ if isinstance(input_, str) else dumps(input_)
    return Simulation(Execution(machine, facts, text, SeededEntropy(seed)), answer, at)


def simulate(machine: Machine, input_: Json, answer: Answer, *, at: float = 0.0) -> Execution:
    """Run a machine from beginning to end."""
    running = simulation(machine, input_, answer, at=at)
    running.start()
    return running.run()
