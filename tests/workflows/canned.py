"""The committed definitions run by the interpreter, with answers made up for the tasks.

Answers are built from the tasks' own Output models, and what reaches a task is parsed by its own Input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from tasks.catalogue import FUNCTIONS
from tasks.contracts import AccountRef, AccountTask, PlannedOrder, TransactionType, Wave, WaveStatus
from workflows.asl.interpreter import Machine, Status
from workflows.asl.interpreter.execution import Execution
from workflows.asl.interpreter.happenings import ScheduleTask
from workflows.asl.interpreter.simulation import Reply, Simulation, simulation
from workflows.catalogue import DEFINITIONS

START = 1_795_404_480.0  # 2026-11-23T03:28:00Z, before the entry at 04:00Z
_ARN = "arn:aws:lambda:ap-south-1:111122223333:function:"
_MODULES = {function.name: function.module for function in FUNCTIONS}

ORDER = PlannedOrder(
    order_id="N0000000000000000101",
    position_id="s-20261123-S-ZA1234-L1",
    run_key="s-20261123-S",
    account="ZA1234",
    broker="zerodha",
    user_id="u",
    basket_id="b",
    strategy_id="s",
    trading_date="2026-11-23",
    purpose="N",
    leg=1,
    slice=1,
    attempt=1,
    exchange="NFO",
    symbol="BANKNIFTY26NOV50000CE",
    exchange_token="1",
    side="SELL",
    quantity=35,
    product="MIS",
    limit_price="100.05",
    quote="100.90",
    tick="0.05",
    entry_until="2026-11-23T04:05:00Z",
)
TASK = AccountTask(
    side=TransactionType.ENTRY,
    run_key="s-20261123-S",
    account="ZA1234",
    broker="zerodha",
    user_id="u",
    basket_id="b",
    strategy_id="s",
    underlying="BANKNIFTY",
    trading_date="2026-11-23",
    entry_until="2026-11-23T04:05:00Z",
    exit_at="2026-11-23T09:45:00Z",
    product="MIS",
    on_leg_reject="UNWIND",
    chase="",
    multiplier=1,
    legs=[],
    exit_legs=[],
)


def deployed(definition: str) -> str:
    """A committed definition with its placeholders filled in as deployment does."""
    text = (DEFINITIONS / f"{definition}.asl.json").read_text(encoding="utf-8")
    text = re.sub(r"\$\{(\w+)(Function|Machine)\}", rf"{_ARN}\1", text)
    return re.sub(r"\$\{(\w+)\}", r"algo-\1", text)


def entry_wave(*orders: PlannedOrder) -> dict[str, Any]:
    return Wave(
        status=WaveStatus.READY, purpose="N", buys=[], sells=list(orders), both=False, reason="", retry_at=""
    ).model_dump(mode="json")


def opened(side: str, accounts: tuple[str, ...] = ("ZA1", "ZA2")) -> dict[str, Any]:
    """What OpenRun answers."""
    output = import_module("tasks.open_run").Output(
        side=TransactionType(side),
        run_key="s-20261123-S",
        trading_date="2026-11-23",
        user_id="u",
        basket_id="b",
        strategy_id="s",
        underlying="BANKNIFTY",
        weekdays=["MON"],
        dte=[0],
        expiry_rules=[],
        entry_at="2026-11-23T04:00:00Z",
        entry_until="2026-11-23T04:05:00Z",
        exit_at="2026-11-23T09:45:00Z",
        data_account="ZA1",
        accounts=[
            AccountRef(account=account, broker="zerodha", user_id="u", multiplier=1) for account in accounts
        ],
        anybody=bool(accounts),
        signal="",
        strategy={},
    )
    dumped: dict[str, Any] = output.model_dump(mode="json")
    return dumped


Answer = Reply | Callable[[ScheduleTask], Reply]


@dataclass
class Play:
    """One execution with made-up answers. Each answer is used for ever, or, in a list, one after the other."""

    definition: str
    input: Mapping[str, Any]
    answers: dict[str, Any]
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def simulation(self) -> Simulation:
        machine = Machine.parse(deployed(self.definition))
        running = simulation(machine, dict(self.input), self._answer, at=START)
        running.start()
        return running

    def run(self) -> Execution:
        return self.simulation().run()

    def output(self) -> Any:
        execution = self.run()
        assert execution.status is Status.SUCCEEDED, (execution.error, execution.cause)
        return json.loads(execution.output or "null")

    def times(self, name: str) -> int:
        return [asked for asked, _ in self.asked].count(name)

    def _answer(self, task: ScheduleTask) -> Reply:
        name, arguments = _called(task)
        self.asked.append((name, arguments))
        answer = self.answers.get(name, Reply({}))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(task)
        assert isinstance(answer, Reply)
        return answer


def _called(task: ScheduleTask) -> tuple[str, Any]:
    """The function's name (or the API's) and its arguments, parsed as the function would."""
    arguments: Any = task.arguments
    resource = task.resource
    if "lambda:invoke" in resource:
        resource, arguments = arguments["FunctionName"], arguments["Payload"]
    name = resource.removeprefix(_ARN)
    if name in _MODULES:
        import_module(_MODULES[name]).Input.model_validate(arguments)
        return name, arguments
    return resource.rpartition(":::")[2], arguments
