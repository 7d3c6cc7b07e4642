"""BeginExit: flip the account to EXITING. From here on no entry order of this run can leave."""

from __future__ import annotations

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import Phase

FUNCTION = Function(name="BeginExit", module="tasks.begin_exit", reads=(Table.RUNS,), writes=(Table.RUNS,))


class Input(BaseModel):
    """`execution` is the ARN of the one that closes, for people to find it."""

    run_key: str
    account: str
    execution: str = ""


class Output(Slot):
    """`found` is false where this account never planned anything in this run, or is flat already."""

    found: bool
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    if rt.stores.runs.set_phase(
        request.run_key,
        request.account,
        Phase.EXITING,
        unless=(Phase.FLAT,),
        exit_execution=request.execution,
    ):
        return Output(found=True, reason="the account is exiting")
    return Output(found=False, reason="nothing to close: the account has no plan in this run, or is flat")


handler = task(run, Input)
