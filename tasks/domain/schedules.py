"""Which schedules a strategy has: when they fire and what they send.

They fire two minutes early, because EventBridge Scheduler fires within the minute of the due time; the state
machine waits for the second. Legs and accounts are not in the payload, so an edit of those needs no new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any

from tasks.domain.strategy import Strategy

TIMEZONE = "Asia/Kolkata"
EARLY = timedelta(minutes=2)
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""EventBridge Scheduler replaces it by the time the schedule was due, in UTC."""

SIDES = ("ENTRY", "EXIT")
_OWNER_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule, as far as it differs from others. `payload` is JSON text."""

    name: str
    expression: str
    payload: str
    description: str = ""

    @property
    def due(self) -> str:
        """For people: `cron(28 9 ? * MON,WED *)`."""
        return self.expression


def schedule_name(owner: str, strategy_id: str, side: str) -> str:
    """Unique for all owners, and at most 64 characters of those that a schedule's name may have."""
    digest = hashlib.sha256(owner.encode()).hexdigest()[:_OWNER_DIGITS]
    return f"{digest}-{strategy_id}-{side}"


def schedules_of(owner: str, strategy: Strategy) -> tuple[Schedule, ...]:
    """ENTRY and EXIT of an enabled strategy that goes by time; none of one that waits for signals."""
    if not strategy.enabled or strategy.indicators is not None:
        return ()
    return tuple(_schedule(owner, strategy, side) for side in SIDES)


def _schedule(owner: str, strategy: Strategy, side: str) -> Schedule:
    at = strategy.entry_time if side == "ENTRY" else strategy.exit_time
    return Schedule(
        name=schedule_name(owner, strategy.strategy_id, side),
        expression=_cron(at, strategy.weekdays),
        payload=json.dumps(payload(owner, strategy, side), separators=(",", ":")),
        description=f"{strategy.name or strategy.strategy_id}: {side.lower()} at {at:%H:%M}"[:512],
    )


def payload(
    owner: str, strategy: Strategy, side: str, *, scheduled_time: str = SCHEDULED_TIME
) -> Mapping[str, Any]:
    """What starts StrategyLifecycle: DESIGN's event, with `scheduled_time` for Scheduler to fill in."""
    return {
        "user_id": owner,
        "basket_id": strategy.basket_id,
        "strategy_id": strategy.strategy_id,
        "transaction_type": side,
        "entry_time": f"{strategy.entry_time:%H:%M}",
        "exit_time": f"{strategy.exit_time:%H:%M}",
        "weekdays": [day.value for day in strategy.weekdays],
        "dte": _dte(strategy.dte),
        "scheduled_time": scheduled_time,
    }


def _dte(days: Sequence[int]) -> int | list[int] | None:
    """One as a number, several as a list, null for any."""
    if not days:
        return None
    return days[0] if len(days) == 1 else list(days)


def _cron(at: time, weekdays: Sequence[Any]) -> str:
    """The minute two minutes before. No strategy enters within two minutes of midnight: no market is open."""
    minutes = (at.hour * 60 + at.minute - EARLY // timedelta(minutes=1)) % (24 * 60)
    return f"cron({minutes % 60} {minutes // 60} ? * {','.join(day.value for day in weekdays)} *)"
