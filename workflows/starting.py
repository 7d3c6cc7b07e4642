"""How accounts are started: each an execution of AccountBasket under its fixed name, which nobody waits for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from tasks.contracts import AccountTask
from workflows import parts
from workflows.account_basket import ACCOUNT_BASKET
from workflows.asl.conditions import When
from workflows.asl.expressions import Expression
from workflows.asl.intrinsics import array_contains, format_text
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.resources import Call
from workflows.asl.states import Catch, Choice, Fail, Pass, Retry, State, Task


class Started(BaseModel):
    """What leaves the Map for one account, or for one run."""

    account: str
    status: Literal["STARTED", "ALREADY_STARTED", "NOT_STARTED"]
    reason: str


class NotStarted(BaseModel):
    """Whether the Map left an account behind."""

    some: bool


_SFN_TROUBLE = (
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.SdkClientException",
    "StepFunctions.ThrottlingException",
    "States.Timeout",
)
SFN_RETRY = Retry(errors=_SFN_TROUBLE, interval=1, max_attempts=4, backoff=2.0)
SFN_PERSISTENCE = Retry(errors=_SFN_TROUBLE, interval=15, max_attempts=2000, backoff=1.0)


def start(
    name: str,
    side: str,
    run_key: Path,
    task: dict[str, Any] | Path,
    retry: Retry,
    *,
    called: Path | None = None,
) -> list[State]:
    """Start the account's execution under its fixed name; if there is one already, that is as good.

    `called` is the execution's name where somebody else has made it. An account that can't be started must not
    stop the others: it is counted when all are through.
    """
    named = called or format_text(f"{{}}-{{}}-{side}", run_key, Path("$.account.account"))
    who = Path("$.account.account")
    return start_execution(name, ACCOUNT_BASKET, named, task, takes=AccountTask, retry=retry, who=who)


def start_execution(
    name: str,
    machine: Machine,
    called: Path | Expression,
    task: dict[str, Any] | Path,
    *,
    takes: type[BaseModel],
    retry: Retry,
    who: Path,
) -> list[State]:
    """Start `machine` under a fixed name. `who` stands for it in what leaves the Map."""
    already, failed = f"{name}AlreadyThere", f"{name}Failed"
    return [
        Task(
            name=name,
            resource=Call("states", "startExecution", payloads={"Input": takes}),
            arguments={"StateMachineArn": machine.arn, "Name": called, "Input": task},
            slot="execution",
            timeout=parts.STORE_TIMEOUT,
            retry=[retry],
            catch=[
                Catch(
                    errors=["StepFunctions.ExecutionAlreadyExistsException"],
                    next=already,
                    slot="trouble",
                ),
                Catch(errors=["States.ALL"], next=failed, slot="trouble"),
            ],
        ),
        _ended(f"{name}Done", who, "STARTED", ""),
        _ended(already, who, "ALREADY_STARTED", ""),
        _ended(failed, who, "NOT_STARTED", Path("$.trouble.Error")),
    ]


def _ended(name: str, who: Path, status: str, reason: str | Path) -> Pass:
    return Pass(name=name, value={"account": who, "status": status, "reason": reason}, end=True)


def all_started(side: str, done: str, *, started: str = "started", slot: str = "not_started") -> list[State]:
    """An execution that left one behind fails, so that it alarms; all the others are on their way."""
    statuses = Path(f"$.{started}[*].status")
    return [
        Pass(
            name=f"Count{side}",
            value={"some": array_contains(statuses, "NOT_STARTED")},
            slot=slot,
        ),
        Choice(
            name=f"All{side}",
            choices=[When(Path(f"$.{slot}.some").equals(True), f"Some{side}Missing")],
            default=done,
        ),
        Fail(
            name=f"Some{side}Missing",
            error="AccountsNotStarted",
            cause="Some executions could not be started: the Map's output names them and why",
        ),
    ]
