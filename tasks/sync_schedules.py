"""SyncSchedules: make Scheduler, or the list of those who wait for a signal, agree with the catalog.

A strategy's event only says that it is time to look: what counts is the catalog now, read strongly. So events
may come late, twice or in any order. After writing it looks again, so that the last of two at the same moment
leaves what the catalog says.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.contracts import Slot
from tasks.domain.errors import InvalidStrategy
from tasks.domain.schedules import SIDES, Schedule, schedule_name, schedules_of
from tasks.domain.stored import version_of
from tasks.domain.strategy import Strategy, parse_strategy
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.signals.watched import agree, waits
from tasks.spec import Function, Table
from tasks.stores.ports import StoreUnavailable

FUNCTION = Function(
    name="SyncSchedules",
    module="tasks.sync_schedules",
    timeout=30,
    reads=(Table.CATALOG,),
    writes=(Table.CATALOG,),
    keeps_schedules=True,
    hears=("StrategyCreated", "StrategyChanged", "StrategyEnabled", "StrategyDisabled", "StrategyDeleted"),
)

_RACES = 10


class Input(BaseModel):
    """An event of the bus, as EventBridge hands it to a function."""

    model_config = ConfigDict(extra="ignore")

    detail: dict[str, Any]


class Output(Slot):
    """What was done, one line for each schedule; empty where everything was right."""

    done: list[str]


def run(request: Input, rt: Runtime) -> Output:
    data = request.detail["data"]
    return Output(done=sync(str(data["owner"]), str(data["strategy_id"]), rt))


def sync(owner: str, strategy_id: str, rt: Runtime) -> list[str]:
    """Repair both of a strategy's schedules, either way; what was done.

    Raises
    ------
    StoreUnavailable
        If the strategy is edited faster than its schedules can be written.
    """
    done: list[str] = []
    for _ in range(_RACES):
        document = rt.stores.catalog.get(owner, f"STRATEGY#{strategy_id}")
        wanted = wanted_schedules(owner, document)
        for side in SIDES:
            done += _agree(schedule_name(owner, strategy_id, side), wanted, rt)
        done += agree(owner, strategy_id, strategy_of(document), rt)
        _remember(owner, strategy_id, document, wanted, rt)
        if rt.stores.catalog.get(owner, f"STRATEGY#{strategy_id}") == document:
            return done
    raise StoreUnavailable(f"strategy {strategy_id}: edited {_RACES} times while its schedules were written")


def wanted_schedules(owner: str, document: dict[str, Any] | None) -> dict[str, Schedule]:
    """By name; none for a strategy that is gone, off, or no longer understood."""
    strategy = strategy_of(document)
    return {} if strategy is None else {one.name: one for one in schedules_of(owner, strategy)}


def strategy_of(document: dict[str, Any] | None) -> Strategy | None:
    """None for one that is gone, or no longer understood."""
    try:
        return None if document is None else parse_strategy(document)
    except InvalidStrategy:
        return None


def _agree(name: str, wanted: dict[str, Schedule], rt: Runtime) -> list[str]:
    right, standing = wanted.get(name), rt.scheduler.get(name)
    if right == standing:
        return []
    if right is None:
        rt.scheduler.delete(name)
        return [f"deleted {name}"]
    rt.scheduler.put(right)
    return [f"{'created' if standing is None else 'changed'} {name}: {right.expression}"]


def note(strategy_id: str, document: dict[str, Any] | None, wanted: dict[str, Schedule]) -> dict[str, Any]:
    """What the catalog's item `SCHEDULE#…` says once Scheduler has what is wanted."""
    expressions = {name: schedule.expression for name, schedule in wanted.items()}
    if waits(strategy_of(document)):
        expressions["SIGNAL"] = "each minute, for a signal"
    return {
        "strategy_id": strategy_id,
        "strategy_version": version_of(document) if expressions else 0,
        "schedules": expressions,
    }


def noted(standing: dict[str, Any] | None, right: dict[str, Any]) -> bool:
    """Whether what stands says so; of a strategy that never had a schedule, nothing says enough."""
    return standing == right or (standing is None and not right["schedules"])


def _remember(
    owner: str, strategy_id: str, document: dict[str, Any] | None, wanted: dict[str, Schedule], rt: Runtime
) -> None:
    """Write down what Scheduler has: the catalog's stream makes StrategyScheduled of it."""
    item, right = f"SCHEDULE#{strategy_id}", note(strategy_id, document, wanted)
    if not noted(rt.stores.catalog.get(owner, item), right):
        rt.stores.catalog.put(owner, item, right)


handler = task(run, Input)
