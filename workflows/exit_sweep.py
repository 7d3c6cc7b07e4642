"""ExitSweep, Express, each minute while the market is open: no exit is forgotten.

It starts the exit of every account whose frozen `exit_at` passed a minute ago and that is not flat, under the
same name as the strategy's own schedule would: whichever comes first has done it.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tasks import find_due_exits
from tasks.contracts import AccountTask
from workflows import parts
from workflows.asl.context import MAP_ITEM_VALUE
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.states import Map, State, Succeed
from workflows.starting import SFN_RETRY, NotStarted, Started, all_started, start


class Data(BaseModel):
    due: find_due_exits.Output
    started: list[Started]
    not_started: NotStarted


class ExitData(BaseModel):
    """One account's exit."""

    account: AccountTask
    execution: Any
    trouble: parts.Trouble


_STATES: list[State] = [
    parts.invoke("FindDueExits", "find_due_exits", "due", {}),
    Map(
        name="SweepExits",
        items=Path("$.due.accounts"),
        item=ExitData,
        select={"account": MAP_ITEM_VALUE},
        states=start("SweepExit", "EXIT", Path("$.account.run_key"), Path("$.account"), SFN_RETRY),
        result=Started,
        slot="started",
        never_fails=True,
    ),
    *all_started("Sweeps", "Swept"),
    Succeed(name="Swept"),
]

EXIT_SWEEP = Machine(
    name="ExitSweep",
    comment="Start the exits that are due and that nobody started",
    data=Data,
    states=_STATES,
    kind="EXPRESS",
)
