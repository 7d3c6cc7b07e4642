"""The disasters of a game day: how each is made to happen, the alarm that comes, and what mends it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from localstack.seed import ACCOUNT, SCHEDULE_GROUP, USER
from localstack.stage import Stage
from tasks.domain.schedules import schedule_name
from workflows.timetable import HOUSEKEEPING

EXIT_AFTER = timedelta(minutes=8)
"""From the entry of a stage's strategy to its exit."""


@dataclass(frozen=True, slots=True)
class Disaster:
    """One disaster.

    Parameters
    ----------
    name, says
        On the command line, and what happens in a sentence.
    strike
        Makes it happen on a day that has entered a short straddle, and lets it show itself.
    alarm
        Who is called by: the name of its runbook page. Empty where nobody needs to be.
    fix
        What the page says to do, as commands of the game (`localstack.gameday`).
    """

    name: str
    says: str
    strike: Callable[[Stage], None]
    alarm: str
    fix: tuple[str, ...]


def _until_exit(stage: Stage, **more: float) -> None:
    """Let it be some time after the exit's."""
    stage.wait(stage.entry + EXIT_AFTER + timedelta(**more))


def _lost_exit(stage: Stage) -> None:
    """The strategy's EXIT is never delivered, and the sweep that would find it is gone as well."""
    stage.enter()
    _forget(stage, "ExitSweep", HOUSEKEEPING)
    _forget(stage, schedule_name(USER, stage.plan.strategy_id, "EXIT"), SCHEDULE_GROUP)
    _until_exit(stage, minutes=2, seconds=5)
    _until_exit(stage, minutes=3)


def _forget(stage: Stage, name: str, group: str) -> None:
    """Delete a schedule, if it is there."""
    scheduler = stage.platform.aws.scheduler
    with suppress(scheduler.exceptions.ResourceNotFoundException):
        scheduler.delete_schedule(Name=name, GroupName=group)


def _token_revoked(stage: Stage) -> None:
    stage.enter()
    stage.exchange.expire_token(ACCOUNT)
    stage.send("EXIT")
    _until_exit(stage, seconds=40)


def _accepted_and_502(stage: Stage) -> None:
    stage.exchange.fault("bad_gateway_accepted", symbol="*PE", tag="X*")
    stage.enter()
    stage.send("EXIT")
    _until_exit(stage, seconds=20)


def _endpoint_killed(stage: Stage) -> None:
    stage.enter()
    stage.send("EXIT")
    stage.platform.kill_and_restart("step-functions")
    _until_exit(stage, seconds=20)


def _tables_silent(stage: Stage) -> None:
    """DynamoDB and Lambda answer nobody for 12 s of an exit: the emulator's process stands still."""
    stage.enter()
    stage.send("EXIT")
    pid = stage.platform.running()["ministack"]
    if pid is not None:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(12)
        os.kill(pid, signal.SIGCONT)
    _until_exit(stage, seconds=40)


def _squared_off_outside(stage: Stage) -> None:
    stage.enter()
    stage.exchange.square_off(ACCOUNT)
    stage.wait(stage.entry + timedelta(minutes=7))


def _rejected_exit(stage: Stage) -> None:
    """Whatever closes is rejected, until somebody closes by hand."""
    stage.enter()
    reason = "RMS:Rule: Option strike price based on LTP percentage for entity account-ZA1234"
    stage.exchange.fault("reject", tag="X*", reason=reason, count=0)
    stage.send("EXIT")
    _until_exit(stage, seconds=40)


def _aborted_exit(stage: Stage) -> None:
    """The session is over, and somebody stops the exit that waits for it."""
    _token_revoked(stage)
    stage.stop(ACCOUNT, "EXIT")
    _until_exit(stage, minutes=2, seconds=5)
    _until_exit(stage, minutes=3, seconds=5)


DISASTERS = (
    Disaster(
        "lost-exit",
        "The EXIT event is lost, and nobody sweeps: only the reconciler is left",
        _lost_exit,
        "ExitOverdue",
        ("wait",),
    ),
    Disaster(
        "token-revoked",
        "The broker ends the account's session in the middle of the day",
        _token_revoked,
        "ExitBlocked",
        ("login", "wait"),
    ),
    Disaster(
        "accepted-and-502",
        "The broker takes a closing order and answers 502",
        _accepted_and_502,
        "OrderUnknown",
        ("wait",),
    ),
    Disaster(
        "endpoint-killed",
        "The Step Functions endpoint is killed when the exit has begun",
        _endpoint_killed,
        "",
        ("wait",),
    ),
    Disaster(
        "tables-silent", "DynamoDB and Lambda answer nobody for 12 s of an exit", _tables_silent, "", ("wait",)
    ),
    Disaster(
        "squared-off-outside",
        "Somebody closes everything at the broker's terminal before the exit",
        _squared_off_outside,
        "ExternalActivity",
        ("square-off", "wait"),
    ),
    Disaster(
        "rejected-exit",
        "The broker rejects every closing order",
        _rejected_exit,
        "ExitBlocked",
        ("terminal", "wait"),
    ),
    Disaster(
        "aborted-exit",
        "Somebody stops the execution of an exit that waits for a login",
        _aborted_exit,
        "OpenWithoutExecution",
        ("login", "redrive", "wait"),
    ),
)
