"""One execution of a machine, without I/O and without a clock.

::

    execution = Execution(machine, facts, input, entropy)
    effects = execution.start(at)                      # what to do
    effects = execution.happened(CallReturned(…), at)  # what happened, and what to do then

The same happenings at the same times, with entropy of the same seed, always give the same state: whoever keeps
what happened can have the execution again after a crash. What a state does is in `states_simple`, `states_task`
and `states_fanout`; this module knows how states follow one another and how they fail.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workflows.asl.interpreter import states_fanout, states_simple, states_task, timestamps
from workflows.asl.interpreter.data import Data, Json
from workflows.asl.interpreter.definition import Catcher, Machine
from workflows.asl.interpreter.entropy import Entropy
from workflows.asl.interpreter.errors import (
    RUNTIME,
    TIMEOUT,
    UNCATCHABLE_BY_ALL,
    DataLimitExceeded,
    RuntimeFailure,
    StateError,
    TooLarge,
    matches,
)
from workflows.asl.interpreter.evaluation import Scope, put
from workflows.asl.interpreter.happenings import (
    CallReturned,
    CancelTimer,
    Effect,
    Finished,
    Happening,
    Heartbeat,
    Purpose,
    Redriven,
    StartTimer,
    Status,
    Stopped,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)
from workflows.asl.interpreter.history import MAX_EVENTS, History, HistoryFull
from workflows.asl.interpreter.runs import Run, RunStatus, Visit


@dataclass(frozen=True, slots=True)
class Facts:
    """What the context object and the history say about an execution and its machine."""

    execution_arn: str
    execution_name: str
    machine_arn: str
    machine_name: str
    role_arn: str = ""
    region: str = ""


class NotRedrivable(Exception):
    """The execution can't be redriven, and why."""


class Execution:
    """The state of one execution, and the rules by which it moves."""

    def __init__(self, machine: Machine, facts: Facts, input_: str, entropy: Entropy) -> None:
        """Raises ValueError if the input is not JSON."""
        self.machine = machine
        self.facts = facts
        self.input = Data.parse(input_)
        self.entropy = entropy
        self.history = History()
        self.status = Status.RUNNING
        self.output: str | None = None
        self.error: str | None = None
        self.cause: str | None = None
        self.started_at = 0.0
        self.stopped_at: float | None = None
        self.redrive_count = 0
        self.redriven_at: float | None = None
        self.at = 0.0
        self.tasks: dict[str, Visit] = {}
        self.timers: dict[str, tuple[Purpose, Visit | None]] = {}
        self._timer_count = 0
        self._effects: list[Effect] = []
        self._todo: deque[Callable[[], None]] = deque()
        self._root = Run(machine.root, Data(self.input.value))

    # --- from outside ---

    def start(self, at: float) -> list[Effect]:
        """Begin. `at` is in seconds since the epoch, here and everywhere."""
        self.at = self.started_at = timestamps.milliseconds(at)
        details: dict[str, Json | Data] = {"input": self.input, "roleArn": self.facts.role_arn}
        self.history.add("ExecutionStarted", 0, self.at, "executionStartedEventDetails", details)
        self._start_clock()
        self.enter(self._root, self._root.states.start_at, self._root.input)
        return self._drain()

    def happened(self, what: Happening, at: float) -> list[Effect]:
        """What to do after this has happened. What concerns no task or timer in flight changes nothing.

        Raises
        ------
        NotRedrivable
            For Redriven, with AWS's reason.
        """
        self.at = max(self.at, timestamps.milliseconds(at))
        if isinstance(what, Redriven):
            self._redrive()
        elif self.status is Status.RUNNING:
            self._todo.append(lambda: self._take(what))
        return self._drain()

    def redrivable(self) -> str | None:
        """None if a redrive is possible, otherwise AWS's words for why not."""
        if self.status in (Status.RUNNING, Status.SUCCEEDED):
            return f"Execution is {self.status} and cannot be redriven"
        if self.history.newest >= MAX_EVENTS - 1:
            return "Execution history event limit exceeded"
        return None

    # --- the loop ---

    def later(self, action: Callable[[], None]) -> None:
        """Do this next: a queue and no recursion, so that a machine may go round as often as it likes."""
        self._todo.append(action)

    def effect(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _drain(self) -> list[Effect]:
        try:
            while self._todo:
                self._todo.popleft()()
        except HistoryFull as full:
            cause = str(full)
            self.finish(Status.FAILED, RUNTIME, cause, previous=self.history.newest)
        effects, self._effects = self._effects, []
        return effects

    def _take(self, what: Happening) -> None:
        if self.status is not Status.RUNNING:
            return
        if isinstance(what, Stopped):
            self.finish(Status.ABORTED, what.error, what.cause)
        elif isinstance(what, TimerFired):
            self._fire(what.timer)
        elif isinstance(what, (CallReturned, TaskSucceeded, TaskFailed, Heartbeat)):
            visit = self.tasks.get(what.task)
            if visit is not None:
                self.attempt(visit, lambda: states_task.happened(self, visit, what))

    # --- events ---

    def event(
        self,
        run: Run,
        type_: str,
        details_name: str | None = None,
        details: dict[str, Json | Data] | None = None,
        *,
        advance: bool = True,
    ) -> int:
        """Record an event on the chain of `run`; with `advance=False`, none that others follow."""
        number = self.history.add(type_, run.last_event, self.at, details_name, details)
        if advance:
            run.last_event = number
        return number

    # --- timers ---

    def start_timer(self, at: float, purpose: Purpose, visit: Visit | None, task: str | None = None) -> str:
        self._timer_count += 1
        name = str(self._timer_count)
        self.timers[name] = (purpose, visit)
        self.effect(StartTimer(name, at, purpose, task))
        return name

    def cancel_timer(self, name: str | None) -> None:
        if name is not None and self.timers.pop(name, None) is not None:
            self.effect(CancelTimer(name))

    def _start_clock(self) -> None:
        if self.machine.timeout_seconds is not None:
            self.start_timer(self.at + self.machine.timeout_seconds, Purpose.EXECUTION_TIMEOUT, None)

    def _fire(self, name: str) -> None:
        purpose, visit = self.timers.pop(name, (None, None))
        if purpose is Purpose.EXECUTION_TIMEOUT:
            self.finish(Status.TIMED_OUT, TIMEOUT)
        elif visit is None:
            return
        elif purpose is Purpose.WAIT:
            visit.timer = None
            self.attempt(visit, lambda: states_simple.leave(self, visit))
        elif purpose is Purpose.RETRY:
            visit.timer = None
            self.execute(visit)
        elif purpose is not None:
            self.attempt(visit, lambda: states_task.timed_out(self, visit, purpose))

    # --- states ---

    def enter(self, run: Run, name: str, data: Data) -> None:
        state = run.states.states[name]
        details: dict[str, Json | Data] = {"input": data, "name": name}
        number = self.event(run, f"{state.type}StateEntered", "stateEnteredEventDetails", details)
        run.visit = visit = Visit(run, state, data, self.at, number, [0] * len(state.retry))
        self.later(lambda: self.execute(visit))

    def execute(self, visit: Visit) -> None:
        """Do what the state does, from its beginning; also for each retry and after a redrive."""
        if self._current(visit):
            self.attempt(visit, lambda: _BEHAVIOURS[visit.state.type](self, visit))

    def _current(self, visit: Visit) -> bool:
        running = self.status is Status.RUNNING and visit.run.status is RunStatus.RUNNING
        return running and visit.run.visit is visit

    def attempt(self, visit: Visit, action: Callable[[], None]) -> None:
        """Whatever goes wrong in the state goes to its Retry and Catch."""
        try:
            action()
        except RuntimeFailure as wrong:
            where = f"An error occurred while executing the state '{visit.state.name}'"
            entered = f"(entered at the event id #{visit.entered_event})"
            self.failed(visit, StateError(wrong.error, f"{where} {entered}. {wrong.cause}"))
        except TooLarge:
            self.failed(visit, DataLimitExceeded(visit.state.name))
        except StateError as wrong:
            self.failed(visit, wrong)
        except RecursionError:
            cause = f"The data of the state '{visit.state.name}' is nested too deeply"
            self.failed(visit, StateError(RUNTIME, cause))

    def complete(self, visit: Visit, result: Json) -> None:
        """The state has a result: select from it, put it into the input, and go on."""
        state = visit.state
        scope = self.scope(visit, result)
        if "ResultSelector" in state.fields:
            result = scope.template(state.fields["ResultSelector"])
        merged = (
            visit.input.value
            if state.result_path is None
            else put(visit.input.value, state.result_path, result)
        )
        self.exit(visit, scope.with_data(merged).select(state.output_path), state.next)

    def exit(self, visit: Visit, output: Json, following: str | None) -> None:
        data = visit.input if output is visit.input.value else Data(output)
        if data.too_large:
            raise DataLimitExceeded(visit.state.name)
        run, details = visit.run, {"name": visit.state.name, "output": data}
        self.event(run, f"{visit.state.type}StateExited", "stateExitedEventDetails", details)
        if following is not None:
            run.visit, run.pending = None, (following, data)
            self.later(lambda: self._follow(run))
        else:
            self._end(run, data)

    def _follow(self, run: Run) -> None:
        pending, run.pending = run.pending, None
        if pending is not None and run.status is RunStatus.RUNNING:
            self.enter(run, *pending)

    def _end(self, run: Run, data: Data) -> None:
        run.status = RunStatus.SUCCEEDED
        if run.parent is not None:
            states_fanout.run_succeeded(self, run, data)
            return
        self.output = data.text
        self.finish(Status.SUCCEEDED, previous=run.last_event)

    def scope(self, visit: Visit, data: Json, token: str | None = None) -> Scope:
        return Scope(data, lambda: self._context(visit, token), self.entropy)

    def _context(self, visit: Visit, token: str | None) -> Json:
        facts = self.facts
        execution: dict[str, Json] = {
            "Id": facts.execution_arn,
            "Input": self.input.value,
            "Name": facts.execution_name,
            "RoleArn": facts.role_arn,
            "StartTime": timestamps.render(self.started_at),
            "RedriveCount": self.redrive_count,
        }
        if self.redriven_at is not None:
            execution["RedriveTime"] = timestamps.render(self.redriven_at)
        state: dict[str, Json] = {"Name": visit.state.name, "EnteredTime": timestamps.render(visit.entered_at)}
        if visit.state.type in ("Task", "Map", "Parallel"):
            state["RetryCount"] = visit.retries
        context: dict[str, Json] = {
            "Execution": execution,
            "StateMachine": {"Id": facts.machine_arn, "Name": facts.machine_name},
            "State": state,
        }
        if token is not None:
            context["Task"] = {"Token": token}
        iteration = _iteration(visit.run)
        if iteration is not None:
            context["Map"] = {"Item": {"Index": iteration.index, "Value": iteration.item}}
        return context

    # --- failures ---

    def failed(self, visit: Visit, error: StateError) -> None:
        """Retry, or catch, or fail the run that the state is in."""
        if self._retry(visit, error):
            return
        catcher = next((c for c in visit.state.catch if matches(error.error, c.error_equals)), None)
        if catcher is not None:
            self.attempt_catch(visit, catcher, error)
        elif visit.run.parent is None or self._ends_everything(visit, error):
            self.finish(Status.FAILED, error.error, error.cause, previous=visit.run.last_event)
        else:
            states_fanout.run_failed(self, visit, error)

    def _retry(self, visit: Visit, error: StateError) -> bool:
        """The first retrier that names the error decides; one that is used up leaves it to Catch."""
        for number, retrier in enumerate(visit.state.retry):
            if not matches(error.error, retrier.error_equals):
                continue
            used = visit.attempts[number]
            if used >= retrier.max_attempts:
                return False
            visit.attempts[number] += 1
            visit.retries += 1
            states_fanout.drop(self, visit)
            fraction = self.entropy.fraction() if retrier.full_jitter else 1.0
            visit.timer = self.start_timer(self.at + retrier.delay(used, fraction), Purpose.RETRY, visit)
            return True
        return False

    def attempt_catch(self, visit: Visit, catcher: Catcher, error: StateError) -> None:
        states_fanout.drop(self, visit)
        cause = "" if error.cause is None and error.error == TIMEOUT else error.cause
        caught = {"Error": error.error, "Cause": cause}
        try:
            output = _merged(visit.input.value, catcher.result_path, caught)
            self.exit(visit, output, catcher.next)
        except StateError as wrong:
            self.finish(Status.FAILED, wrong.error, wrong.cause, previous=visit.run.last_event)

    def _ends_everything(self, visit: Visit, error: StateError) -> bool:
        """States.Runtime in a branch ends the execution at once, unless a state around it names it."""
        if error.error not in UNCATCHABLE_BY_ALL:
            return False
        return not any(
            error.error in names
            for outer in _around(visit.run)
            for names in (
                *(retrier.error_equals for retrier in outer.state.retry),
                *(catcher.error_equals for catcher in outer.state.catch),
            )
        )

    # --- the end, and going on after it ---

    def finish(
        self, status: Status, error: str | None = None, cause: str | None = None, previous: int = 0
    ) -> None:
        """End the execution. After a stop or a time-out the last event follows none (previous 0)."""
        self._todo.clear()
        states_fanout.cancel(self, self._root)
        for name in list(self.timers):
            self.cancel_timer(name)
        self.status, self.stopped_at = status, self.at
        kind = _ENDINGS[status]
        details: dict[str, Json | Data] = {}
        if status is Status.SUCCEEDED:
            details["output"] = Data(None, self.output)
        else:
            details = {name: text for name, text in (("error", error), ("cause", cause)) if text is not None}
            if status is not Status.TIMED_OUT:  # DescribeExecution of a timed-out execution has neither
                self.error, self.cause = error, cause
        detail_name = f"e{kind[1:]}EventDetails"
        self.history.add(kind, previous, self.at, detail_name, details, last=True)
        self.effect(Finished(status, self.output, error, cause))

    def _redrive(self) -> None:
        reason = self.redrivable()
        if reason is not None:
            raise NotRedrivable(reason)
        self.redrive_count += 1
        self.redriven_at = self.at
        self.status, self.error, self.cause, self.stopped_at = Status.RUNNING, None, None, None
        details: dict[str, Json | Data] = {"redriveCount": self.redrive_count}
        number = self.history.add(
            "ExecutionRedriven", self.history.newest, self.at, "executionRedrivenEventDetails", details
        )
        self._start_clock()
        self.resume(self._root, number)

    def resume(self, run: Run, previous: int) -> None:
        """Take up a run where it failed or was aborted: its state begins again, with its retries given back."""
        run.status, run.last_event = RunStatus.RUNNING, previous
        visit = run.visit
        if visit is None:
            self.enter(run, *(run.pending or (run.states.start_at, run.input)))
            return
        visit.attempts = [0] * len(visit.state.retry)
        visit.retries = 0
        if visit.state.type == "Fail":
            self.enter(run, visit.state.name, visit.input)
        elif visit.fanout is not None:
            self.later(lambda: states_fanout.resume(self, visit))
        else:
            self.later(lambda: self.execute(visit))


_ENDINGS = {
    Status.SUCCEEDED: "ExecutionSucceeded",
    Status.FAILED: "ExecutionFailed",
    Status.TIMED_OUT: "ExecutionTimedOut",
    Status.ABORTED: "ExecutionAborted",
}

_BEHAVIOURS: dict[str, Callable[[Execution, Visit], None]] = {
    "Pass": states_simple.pass_,
    "Choice": states_simple.choice,
    "Wait": states_simple.wait,
    "Succeed": states_simple.leave,
    "Fail": states_simple.fail,
    "Task": states_task.schedule,
    "Parallel": states_fanout.parallel,
    "Map": states_fanout.map_,
}


def _merged(document: Json, result_path: str | None, result: Json) -> Json:
    """ResultPath: null leaves the input as it is."""
    return document if result_path is None else put(document, result_path, result)


def _around(run: Run) -> Iterator[Visit]:
    """The states that a run is inside of, from the nearest outwards."""
    while run.parent is not None:
        yield run.parent
        run = run.parent.run


def _iteration(run: Run) -> Run | None:
    """The nearest Map iteration that a run is, or is inside of."""
    while run.parent is not None:
        if run.parent.state.type == "Map":
            return run
        run = run.parent.run
    return None
