"""EventBridge Scheduler in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.domain.schedules import Schedule

WEEKLY: dict[str, Any] = {
    "strategy_id": "straddle",
    "basket_id": "weekly",
    "name": "Weekly straddle",
    "underlying": "BANKNIFTY",
    "entry_time": "09:30",
    "exit_time": "15:15",
    "weekdays": ["MON", "WED", "FRI"],
    "dte": 0,
    "legs": [{"side": "SELL", "right": "CE", "lots": 1, "strike": "ATM"}],
    "accounts": ["ZA1"],
    "enabled": True,
}


@dataclass
class MemoryScheduler:
    standing: dict[str, Schedule] = field(default_factory=dict)

    def get(self, name: str) -> Schedule | None:
        return self.standing.get(name)

    def put(self, schedule: Schedule) -> None:
        self.standing[schedule.name] = schedule

    def delete(self, name: str) -> None:
        self.standing.pop(name, None)

    def everything(self) -> Mapping[str, Schedule]:
        return dict(self.standing)
