"""Every state machine of the platform, from top to bottom as it is started."""

from __future__ import annotations

from pathlib import Path

from workflows.account_basket import ACCOUNT_BASKET
from workflows.asl.machine import Machine
from workflows.strategy_lifecycle import STRATEGY_LIFECYCLE

MACHINES: tuple[Machine, ...] = (STRATEGY_LIFECYCLE, ACCOUNT_BASKET)

DEFINITIONS = Path(__file__).parent / "definitions"


def file_name(machine: Machine) -> str:
    """`strategy_lifecycle` for StrategyLifecycle."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in machine.name).lstrip("_")
