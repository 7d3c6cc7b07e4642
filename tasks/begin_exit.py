"""BeginExit: flip the account to EXITING. From here on no entry order of this run can leave.

Where only some legs are to be closed the phase stays, and the account's item says which legs are closing: no
entry order of these can leave.
"""

from __future__ import annotations

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.orderpath.legs import UnknownLeg, hedge_problem
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, Phase

FUNCTION = Function(
    name="BeginExit", module="tasks.begin_exit", reads=(Table.RUNS, Table.ORDERS), writes=(Table.RUNS,)
)


class Input(BaseModel):
    """`execution` is the ARN of the one that closes, for people to find it. `legs` is empty for all."""

    run_key: str
    account: str
    execution: str = ""
    legs: list[int] = []


class Output(Slot):
    """`found` is false where this account never planned anything in this run, or is flat already."""

    found: bool
    reason: str


class HedgeStillNeeded(Exception):
    """The leg is the hedge of a short that is open: close that one as well, or before; then redrive."""


def run(request: Input, rt: Runtime) -> Output:
    return _some_legs(request, rt) if request.legs else _whole_account(request, rt)


def _whole_account(request: Input, rt: Runtime) -> Output:
    if rt.stores.runs.set_phase(
        request.run_key,
        request.account,
        Phase.EXITING,
        unless=(Phase.FLAT,),
        exit_execution=request.execution,
    ):
        return Output(found=True, reason="the account is exiting")
    return _nothing()


def _some_legs(request: Input, rt: Runtime) -> Output:
    plan = rt.stores.runs.account(request.run_key, request.account)
    if plan is None or plan.phase is Phase.FLAT:
        return _nothing()
    _check(request, rt, plan)
    if rt.stores.runs.close_legs(request.run_key, request.account, request.legs) is None:
        return _nothing()
    return Output(found=True, reason=f"closing legs {request.legs}; what else is open stays")


def _check(request: Input, rt: Runtime, plan: AccountRun) -> None:
    numbers = [leg.leg for leg in plan.legs]
    strange = [leg for leg in request.legs if leg not in numbers]
    if strange:
        where = f"{plan.account} in run {plan.run_key}"
        raise UnknownLeg(f"{where} has the legs {numbers}, and no leg {strange[0]}")
    problem = hedge_problem(rt.stores, plan, request.legs)
    if problem is not None:
        rt.alarms.count("ExitBlocked", account=plan.account)
        raise HedgeStillNeeded(problem)


def _nothing() -> Output:
    return Output(found=False, reason="nothing to close: the account has no plan in this run, or is flat")


handler = task(run, Input)
