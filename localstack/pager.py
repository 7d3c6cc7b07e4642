"""Who would have been called: the alarms of a local platform, as CloudWatch and SNS would tell them on AWS.

A counted alarm is a line in a function's log (CloudWatch's embedded metric format), which ministack writes into
its own. An execution that did not end well is asked of the Step Functions endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from brokers.clock import IST
from localstack.site import machine_arn
from tasks.alarms import COUNTED, MACHINE_ENDS, SHARED, runbook
from tasks.watch_executions import LIMITS

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

_MARK = '"_aws"'
_BADLY = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True, slots=True, order=True)
class Page:
    """One call of a person. `at` is by the platform's clock."""

    at: datetime
    alarm: str
    about: str
    """The account, or the execution."""

    @property
    def meaning(self) -> str:
        return COUNTED.get(self.alarm) or SHARED[self.alarm]

    @property
    def runbook(self) -> str:
        return runbook(self.alarm)

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S}  {self.alarm:<22} {self.about:<10} {self.meaning} {self.runbook}"


def counted(lines: Iterable[str]) -> Iterator[Page]:
    """The alarms in a log."""
    for line in lines:
        if _MARK not in line:
            continue
        try:
            told = json.loads(line[line.index("{") :])
        except ValueError:
            continue  # cut off in the middle: its process was killed
        if told.get("alarm") in COUNTED and "at" in told:
            yield Page(datetime.fromisoformat(told["at"]), told["alarm"], told.get("account") or "")


def ended_badly(client: SFNClient, machines: Iterable[str] = tuple(LIMITS)) -> Iterator[Page]:
    """Executions that failed, timed out or were aborted, and were not redriven."""
    for machine in machines:
        for status in _BADLY:
            answer = client.list_executions(stateMachineArn=machine_arn(machine), statusFilter=status)  # type: ignore[arg-type]
            for one in answer["executions"]:
                yield Page(one["stopDate"].astimezone(IST), MACHINE_ENDS, one["name"])


def pages(log: Path, client: SFNClient) -> Sequence[Page]:
    """Every call so far, oldest first."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        found = list(counted(lines))
    return sorted([*found, *ended_badly(client)])
