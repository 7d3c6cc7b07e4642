"""WatchExecutions: executions that run too long, exits whose execution is over, positions that nobody holds.

An exit never stops. One that Step Functions gave up (a bug, a time-out, too long a history) goes on here: it is
redriven, or started once more where it can't be. That is safe: exits take their orders from the position, and
two of them converge. What a person has aborted, and what only a person can mend, is reported and left to him.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from aws_lambda_powertools import Logger
from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.domain.ids import exit_again, exit_name
from tasks.find_open_accounts import exit_task
from tasks.lambda_task import task
from tasks.orderpath.legs import entry_orders
from tasks.runtime import Ran, Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, Phase

LIMITS: dict[str, timedelta] = {
    "StrategyLifecycle": timedelta(minutes=30),
    "AccountBasket": timedelta(minutes=15),
    "TradingDay": timedelta(minutes=90),
    "EndOfDay": timedelta(hours=2),
    "LakeNight": timedelta(hours=2),
}
"""How long an execution may run. A lifecycle waits two minutes for its time and then starts its accounts; an
account has a window of five minutes to enter, and closes in less. The morning waits from 08:00 for 09:00."""

ACCOUNT = "AccountBasket"

FUNCTION = Function(
    name="WatchExecutions",
    module="tasks.watch_executions",
    timeout=60,
    reads=(Table.RUNS, Table.ORDERS),
    starts=(ACCOUNT,),
    watches=tuple(LIMITS),
)

OVERDUE = timedelta(minutes=2)
"""After its time an exit should be under way: the sweep has looked twice."""

JUST_NOW = timedelta(seconds=20)
"""An execution that ended so lately may still be telling the table."""

ONLY_A_PERSON_CAN = ("ExitNeedsPerson", "PlanNotFound", "InvalidInput", "UnknownLeg", "HedgeStillNeeded")
"""What an exit ends with where trying again changes nothing."""

_GIVEN_UP = ("FAILED", "TIMED_OUT")
MAX_LINES = 100

logger = Logger(service="algo", child=True)


class Input(BaseModel):
    """Nothing: it looks at the clock."""


class Output(Slot):
    """In words, at most 100 lines each."""

    stuck: list[str]
    restarted: list[str]
    left: list[str]


class Seen(BaseModel):
    stuck: list[str] = []
    restarted: list[str] = []
    left: list[str] = []


def run(_request: Input, rt: Runtime) -> Output:
    plans = _plans(rt, rt.clock.now())
    running = [one for machine in LIMITS for one in rt.executions.running(machine)]
    seen = Seen()
    _long(rt, running, plans, seen)
    under_way = {one.arn for one in running}
    for plan in plans:
        _look(rt, plan, under_way, seen)
    if seen.stuck or seen.restarted or seen.left:
        logger.warning("executions", extra=seen.model_dump())
    return Output(
        stuck=seen.stuck[:MAX_LINES], restarted=seen.restarted[:MAX_LINES], left=seen.left[:MAX_LINES]
    )


def _plans(rt: Runtime, now: datetime) -> list[AccountRun]:
    """What is not flat, of today's runs and of earlier ones whose exit is due today."""
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    found = (
        *rt.stores.runs.accounts_of_day(now.date()),
        *rt.stores.runs.due_exits(now.date(), before=tomorrow),
    )
    plans = {(plan.run_key, plan.account): plan for plan in found}
    return [plan for plan in plans.values() if plan.phase is not Phase.FLAT]


def _long(rt: Runtime, running: list[Ran], plans: list[AccountRun], seen: Seen) -> None:
    """An exit that waits for the market to open waits rightly, and an entry whose window is open."""
    now = rt.clock.now()
    waiting = {plan.exit_execution for plan in plans if plan.exit_at > now}
    waiting |= {plan.execution for plan in plans if plan.entry_until + LIMITS[ACCOUNT] > now}
    for one in running:
        if now - one.started <= LIMITS[one.machine] or one.arn in waiting:
            continue
        rt.alarms.count("ExecutionStuck", account="")
        seen.stuck.append(f"{one.name} of {one.machine} runs since {one.started:%H:%M:%S}")


def _look(rt: Runtime, plan: AccountRun, under_way: set[str], seen: Seen) -> None:
    now = rt.clock.now()
    due = plan.phase is Phase.EXITING or now >= plan.exit_at + OVERDUE
    arn = _exit_of(rt, plan) if due else plan.execution
    if not arn or arn in under_way:
        return
    ran = rt.executions.status(arn)
    if ran is None or ran.status == "RUNNING" or (ran.stopped is not None and now - ran.stopped < JUST_NOW):
        return
    if due:
        _go_on(rt, plan, ran, seen)
    elif ran.status != "SUCCEEDED" and any(_filled(rt, plan)):
        _leave(rt, plan, ran, seen)


def _exit_of(rt: Runtime, plan: AccountRun) -> str:
    """Who closes, or should. A failed entry is undone by its own execution."""
    if plan.phase is Phase.EXITING and plan.exit_execution:
        return plan.exit_execution
    return rt.executions.arn(ACCOUNT, exit_name(plan.run_key, plan.account))


def _go_on(rt: Runtime, plan: AccountRun, ran: Ran, seen: Seen) -> None:
    if ran.status == "ABORTED" or ran.error in ONLY_A_PERSON_CAN:
        _leave(rt, plan, ran, seen)
        return
    rt.alarms.count("ExitRestarted", account=plan.account)
    was = f"{ran.name} is {ran.status} {ran.error}, and {plan.account} is {plan.phase}"
    if ran.status in _GIVEN_UP and rt.executions.redrive(ran.arn):
        seen.restarted.append(f"{was}: redriven")
        return
    name = exit_again(plan.run_key, plan.account, rt.clock.now())
    rt.executions.start(ACCOUNT, name, exit_task(plan).model_dump(mode="json"))
    seen.restarted.append(f"{was}: started {name}")


def _leave(rt: Runtime, plan: AccountRun, ran: Ran, seen: Seen) -> None:
    rt.alarms.count("OpenWithoutExecution", account=plan.account)
    seen.left.append(f"{ran.name} is {ran.status} {ran.error}, and {plan.account} is {plan.phase}")


def _filled(rt: Runtime, plan: AccountRun) -> Iterator[bool]:
    return (row.filled_quantity > 0 for rows in entry_orders(rt.stores, plan).values() for row in rows)


handler = task(run, Input)
