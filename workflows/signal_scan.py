"""SignalScan, Express, each minute while the market is open: what indicator-based strategies wait for.

It starts a run for each entry that is signalled, named by the bar that signalled it, and the exit of each
account whose exit condition holds, under the name that every other exit of it has.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tasks import find_signals
from tasks.contracts import AccountTask
from workflows import parts
from workflows.asl.context import MAP_ITEM_VALUE
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.states import Map, State, Succeed, Wait
from workflows.starting import SFN_RETRY, NotStarted, Started, all_started, start, start_execution
from workflows.strategy_lifecycle import STRATEGY_LIFECYCLE

SETTLE = 3
"""Seconds after the minute in which its last ticks arrive and its bars are written."""


class Data(BaseModel):
    found: find_signals.Output
    runs_started: list[Started]
    runs_not_started: NotStarted
    exits_started: list[Started]
    exits_not_started: NotStarted


class RunData(BaseModel):
    """One run that is signalled."""

    run: find_signals.StartedRun
    execution: Any
    trouble: parts.Trouble


class ExitData(BaseModel):
    """One account's exit."""

    account: AccountTask
    execution: Any
    trouble: parts.Trouble


_STATES: list[State] = [
    Wait(name="LetBarsSettle", seconds=SETTLE),
    parts.invoke("FindSignals", "find_signals", "found", {}),
    Map(
        name="StartRuns",
        items=Path("$.found.runs"),
        item=RunData,
        select={"run": MAP_ITEM_VALUE},
        states=start_execution(
            "StartRun",
            STRATEGY_LIFECYCLE,
            Path("$.run.name"),
            Path("$.run.event"),
            takes=find_signals.SignalEvent,
            retry=SFN_RETRY,
            who=Path("$.run.name"),
        ),
        result=Started,
        slot="runs_started",
        never_fails=True,
    ),
    Map(
        name="StartExits",
        items=Path("$.found.exits"),
        item=ExitData,
        select={"account": MAP_ITEM_VALUE},
        states=start("StartExit", "EXIT", Path("$.account.run_key"), Path("$.account"), SFN_RETRY),
        result=Started,
        slot="exits_started",
        never_fails=True,
    ),
    *all_started("Runs", "CountExits", started="runs_started", slot="runs_not_started"),
    *all_started("Exits", "Scanned", started="exits_started", slot="exits_not_started"),
    Succeed(name="Scanned"),
]

SIGNAL_SCAN = Machine(
    name="SignalScan",
    comment="Start what indicator-based strategies wait for",
    data=Data,
    states=_STATES,
    kind="EXPRESS",
)
