"""The committed definitions as the simulations run them: functions, tables and machines by their names."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

from tasks.catalogue import FUNCTIONS
from tasks.spec import Table
from workflows.asl.interpreter import Machine
from workflows.catalogue import DEFINITIONS

FUNCTION_ARN = "arn:aws:lambda:ap-south-1:000000000000:function:"
FILES = {
    "StrategyLifecycle": "strategy_lifecycle",
    "AccountBasket": "account_basket",
    "ExitSweep": "exit_sweep",
    "SignalScan": "signal_scan",
    "Reconcile": "reconcile",
    "WatchExecutions": "watch_executions",
    "TradingDay": "trading_day",
    "EndOfDay": "end_of_day",
    "MarkAccounts": "mark_accounts",
    "ReconcileSchedules": "reconcile_schedules",
}


@cache
def task_modules() -> dict[str, ModuleType]:
    """Each function's module, by the function's name."""
    return {function.name: import_module(function.module) for function in FUNCTIONS}


@cache
def machine(name: str) -> Machine:
    text = (DEFINITIONS / f"{FILES[name]}.asl.json").read_text()
    for function in FUNCTIONS:
        text = text.replace(f"${{{function.placeholder}}}", f"{FUNCTION_ARN}{function.name}")
    for table in Table:
        text = text.replace(f"${{{table.placeholder}}}", f"algo-{table}")
    for started in ("AccountBasket", "StrategyLifecycle"):
        text = text.replace(f"${{{started}Machine}}", started)
    return Machine.parse(text)
