"""What EventBridge Scheduler does with a schedule: knows when it is due, and starts its target, once.

ministack stores schedules but would evaluate them in UTC and by the wall clock. Here they are evaluated in
their own time zone, by the platform's clock. AWS fires within the minute of the due time and at least once;
this fires in its first second, and once, unless it is killed between a start and noting it: then twice.
`localstack.schedule_loop` is the process that runs it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from brokers.clock import Clock
from localstack.cron import InvalidExpression
from localstack.expressions import Expression, parse
from workflows.timetable import HOUSEKEEPING

logger = logging.getLogger("schedules")

ATTEMPTS = 3
"""AWS tries 185 times over a day; on one machine a target that refuses three times will go on refusing."""

OLDEST = timedelta(days=1)
"""AWS's default: an occurrence that could not be delivered for so long is a dead letter."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One enabled or disabled schedule, as GetSchedule describes it."""

    arn: str
    name: str
    group: str
    expression: Expression
    enabled: bool
    start: datetime | None
    end: datetime | None
    target: Mapping[str, Any]
    delete_when_done: bool

    @property
    def housekeeping(self) -> bool:
        """Only its last occurrence matters, and the clock jumps over it: nobody's day waits for it."""
        return self.group == HOUSEKEEPING

    def after(self, moment: datetime) -> datetime | None:
        """The next occurrence later than `moment` that lies between start and end."""
        if self.start is not None:
            moment = max(moment, self.start - timedelta(microseconds=1))
        due = self.expression.after(moment)
        return None if due is None or (self.end is not None and due > self.end) else due


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One schedule at one due time."""

    schedule: Schedule
    due: datetime

    @property
    def execution_id(self) -> str:
        """The same for the same occurrence, so that a log can be followed."""
        return hashlib.sha256(f"{self.schedule.arn}@{self.due.timestamp()}".encode()).hexdigest()[:16]

    def input(self, attempt: int) -> str:
        """The target's input with the context attributes filled in."""
        text = str(self.schedule.target.get("Input") or "{}")
        for name, value in (
            ("scheduled-time", f"{self.due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"),
            ("schedule-arn", self.schedule.arn),
            ("execution-id", self.execution_id),
            ("attempt-number", str(attempt)),
        ):
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text


class Book(Protocol):
    """Where schedules are kept."""

    def schedules(self) -> Sequence[Mapping[str, Any]]:
        """Every schedule as GetSchedule answers it."""

    def delete(self, schedule: Schedule) -> None: ...


class Memory(Protocol):
    """What outlives the process: for each schedule, by ARN, the moment up to which it was considered."""

    def load(self) -> dict[str, datetime]: ...

    def save(self, considered: Mapping[str, datetime]) -> None: ...


class Targets(Protocol):
    """What a schedule can reach."""

    def start(self, arn: str, text: str) -> None:
        """Start the target with this input. Raises `TargetRefused`, `TargetUnreachable`."""

    def bury(self, queue_arn: str, occurrence: Occurrence, text: str, error: TargetRefused) -> None:
        """Put what could not be delivered into the dead-letter queue."""


class TargetRefused(Exception):
    """The target could not be started. `code` is the error's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class TargetUnreachable(Exception):
    """No answer: whether it was started is not known. It is tried again until there is one."""


@dataclass(slots=True)
class Forgetful:
    """A memory that ends with the process."""

    def load(self) -> dict[str, datetime]:
        return {}

    def save(self, considered: Mapping[str, datetime]) -> None: ...


@dataclass(slots=True)
class Loop:
    """Fires what is due. Not safe for use by several threads at a time."""

    book: Book
    targets: Targets
    clock: Clock
    memory: Memory = field(default_factory=Forgetful)
    _considered: dict[str, datetime] = field(init=False)
    _kept: dict[str, datetime] = field(default_factory=dict, init=False)
    _schedules: list[Schedule] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._considered = self.memory.load()

    def refresh(self) -> None:
        """Read the schedules again. A new one counts from now on: what was due before it was made is past."""
        now = self.clock.now()
        described = self.book.schedules()
        for each in described:
            self._considered.setdefault(each["Arn"], now)
        self._schedules = [s for each in described if (s := _understood(each, self._considered)) is not None]
        gone = self._considered.keys() - {each["Arn"] for each in described}
        for arn in gone:
            del self._considered[arn]
        self._keep()

    def tick(self) -> int:
        """Fire what is due; how many were."""
        now = self.clock.now()
        fired = 0
        for schedule in list(self._schedules):
            if not schedule.enabled:
                self._considered[schedule.arn] = now  # what falls into the pause is not made up for
                continue
            try:
                fired += self._fire_missed(schedule, now)
            except TargetUnreachable as error:
                logger.warning("%s is tried again: %s", schedule.name, error)
                continue
            if schedule.delete_when_done and schedule.after(self._considered[schedule.arn]) is None:
                self.book.delete(schedule)
                self._schedules.remove(schedule)
        return fired

    def upcoming(self) -> list[Occurrence]:
        """The next occurrence of every enabled schedule that somebody waits for, soonest first."""
        found = [
            Occurrence(each, due)
            for each in self._schedules
            if each.enabled
            and not each.housekeeping
            and (due := each.after(self._considered[each.arn])) is not None
        ]
        return sorted(found, key=lambda occurrence: occurrence.due)

    def _fire_missed(self, schedule: Schedule, now: datetime) -> int:
        """Fire what was due and has not been; each is noted at once, so that it is not fired again."""
        missed: list[datetime] = []
        after = self._considered[schedule.arn]
        while (due := schedule.after(after)) is not None and due <= now:
            missed.append(due)
            after = due
        for due in missed[-1:] if schedule.housekeeping else missed:
            self._fire(Occurrence(schedule, due), now)
            self._considered[schedule.arn] = due
            self._keep()
        return len(missed[-1:] if schedule.housekeeping else missed)

    def _fire(self, occurrence: Occurrence, now: datetime) -> None:
        target = occurrence.schedule.target
        for attempt in range(1, ATTEMPTS + 1):
            text = occurrence.input(attempt)
            try:
                self.targets.start(target["Arn"], text)
            except TargetUnreachable as error:
                if now - occurrence.due < OLDEST:
                    raise
                refusal = TargetRefused("MaximumEventAgeExceeded", str(error))
                break
            except TargetRefused as error:
                logger.warning("%s, attempt %d: %s", occurrence.schedule.name, attempt, error)
                refusal = error
            else:
                logger.info("%s fired, due %s", occurrence.schedule.name, occurrence.due.isoformat())
                return
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if queue:
            self.targets.bury(queue, occurrence, text, refusal)

    def _keep(self) -> None:
        if self._considered != self._kept:
            self.memory.save(self._considered)
            self._kept = dict(self._considered)


def _understood(described: Mapping[str, Any], considered: Mapping[str, datetime]) -> Schedule | None:
    """The schedule, or None with a line in the log if AWS would not have accepted its expression."""
    start = described.get("StartDate")
    try:
        expression = parse(
            described["ScheduleExpression"],
            described.get("ScheduleExpressionTimezone") or "UTC",
            anchor=start or considered[described["Arn"]],
        )
    except InvalidExpression as error:
        logger.error("%s: %s", described["Name"], error)
        return None
    return Schedule(
        arn=described["Arn"],
        name=described["Name"],
        group=described.get("GroupName", "default"),
        expression=expression,
        enabled=described.get("State", "ENABLED") == "ENABLED",
        start=start,
        end=described.get("EndDate"),
        target=described["Target"],
        delete_when_done=described.get("ActionAfterCompletion") == "DELETE",
    )
