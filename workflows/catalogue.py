"""Every state machine of the platform, and the files that are generated from it."""

from __future__ import annotations

from pathlib import Path

from workflows.account_basket import ACCOUNT_BASKET
from workflows.asl.machine import Machine
from workflows.asl.mermaid import mermaid
from workflows.asl.render import render
from workflows.end_of_day import END_OF_DAY
from workflows.exit_sweep import EXIT_SWEEP
from workflows.lake_night import LAKE_NIGHT
from workflows.mark_accounts import MARK_ACCOUNTS
from workflows.poll_quotes import POLL_QUOTES
from workflows.reconcile import RECONCILE
from workflows.reconcile_schedules import RECONCILE_SCHEDULES
from workflows.signal_scan import SIGNAL_SCAN
from workflows.strategy_lifecycle import STRATEGY_LIFECYCLE
from workflows.trading_day import TRADING_DAY
from workflows.watch_executions import WATCH_EXECUTIONS

MACHINES: tuple[Machine, ...] = (
    STRATEGY_LIFECYCLE,
    ACCOUNT_BASKET,
    EXIT_SWEEP,
    POLL_QUOTES,
    SIGNAL_SCAN,
    RECONCILE,
    WATCH_EXECUTIONS,
    TRADING_DAY,
    END_OF_DAY,
    MARK_ACCOUNTS,
    RECONCILE_SCHEDULES,
    LAKE_NIGHT,
)


def files(machine: Machine) -> dict[str, str]:
    """What is generated of a machine, by the file's suffix: the definition, and its picture for documents."""
    return {"asl.json": render(machine), "mmd": mermaid(machine, everything=False)}


DEFINITIONS = Path(__file__).parent / "definitions"


def file_name(machine: Machine) -> str:
    """`strategy_lifecycle` for StrategyLifecycle."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in machine.name).lstrip("_")
