"""RepairSchedules: compare the catalog and Scheduler as a whole, repair either way, and say what was done.

It heals whatever came between a command and its schedules: a function killed at the wrong moment, an event that
was given up, a schedule that somebody deleted by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.domain.schedules import Schedule, schedule_name
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.sync_schedules import note, noted, sync, wanted_schedules

FUNCTION = Function(
    name="RepairSchedules",
    module="tasks.repair_schedules",
    timeout=120,
    reads=(Table.CATALOG,),
    writes=(Table.CATALOG,),
    keeps_schedules=True,
    scans=(Table.CATALOG,),
)

MAX_LINES = 100
"""Of what was done, so that a state's output stays small."""


class Input(BaseModel):
    """Nothing: it looks at everything."""


class Output(Slot):
    """`repaired` counts, `done` says what, at most 100 lines of it."""

    strategies: int
    schedules: int
    repaired: int
    done: list[str]


_OURS = re.compile(r"[0-9a-f]{12}-[a-z0-9-]{1,24}-(ENTRY|EXIT)")
"""The names that `schedule_name` gives. What is named otherwise in the group is somebody else's."""


def run(_request: Input, rt: Runtime) -> Output:
    standing = dict(rt.scheduler.everything())
    count = len(standing)
    strategies, notes = _of_all("STRATEGY#", rt), _of_all("SCHEDULE#", rt)
    done: list[str] = []
    for owner, strategy_id in sorted(strategies.keys() | notes.keys()):
        document = strategies.get((owner, strategy_id))
        wanted = wanted_schedules(owner, document)
        right = note(strategy_id, document, wanted)
        agree = all(standing.get(name) == schedule for name, schedule in wanted.items())
        if not agree or not noted(notes.get((owner, strategy_id)), right):
            done += sync(owner, strategy_id, rt) or [f"noted what {strategy_id} has"]
        for name in wanted:
            standing.pop(name, None)
    done += _remove_orphans(standing, rt)
    if done:
        rt.alarms.count("SchedulesRepaired", account="")
    return Output(
        strategies=len(strategies), schedules=count, repaired=len(done), done=sorted(done)[:MAX_LINES]
    )


def _of_all(prefix: str, rt: Runtime) -> dict[tuple[str, str], dict[str, Any]]:
    """Documents by owner and strategy."""
    found = rt.stores.catalog.everything(prefix)
    return {(owner, item.removeprefix(prefix)): document for owner, item, document in found}


def _remove_orphans(left: Mapping[str, Schedule], rt: Runtime) -> list[str]:
    """Schedules that no enabled strategy wants. Whose it is says its payload, so that the catalog has the
    last word: a strategy may have been switched on this moment."""
    done: list[str] = []
    for name in filter(_OURS.fullmatch, left):
        owner, strategy_id = _whose(left[name])
        if name == schedule_name(owner, strategy_id, name.rpartition("-")[2]):
            done += sync(owner, strategy_id, rt)
        else:
            rt.scheduler.delete(name)
            done.append(f"deleted {name}: it starts what its name does not say")
    return done


def _whose(schedule: Schedule) -> tuple[str, str]:
    try:
        payload = json.loads(schedule.payload)
        return str(payload["user_id"]), str(payload["strategy_id"])
    except (ValueError, KeyError, TypeError):
        return "", ""


handler = task(run, Input)
