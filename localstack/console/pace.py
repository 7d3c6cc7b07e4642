"""How often to ask. On one machine as fast as the eye can see, on AWS well within an account's quotas."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Budget:
    """A token bucket for one operation: `burst` calls at once, then `rate` a second (None: no limit)."""

    rate: float | None
    burst: float
    monotonic: Callable[[], float]
    _level: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._level, self._at = self.burst, self.monotonic()

    async def take(self) -> None:
        """Wait until a call is allowed, and count it."""
        if self.rate is None:
            return
        now = self.monotonic()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate) - 1
        self._at = now
        if self._level < 0:
            await asyncio.sleep(-self._level / self.rate)


@dataclass(frozen=True, slots=True)
class Beat:
    """The pause between two looks: `fast` after news, growing to `slow` while there is none (seconds)."""

    fast: float
    slow: float
    growth: float = 1.4

    def after(self, pause: float, *, news: bool) -> float:
        return self.fast if news else min(self.slow, max(pause, self.fast) * self.growth)


@dataclass(frozen=True, slots=True)
class Pace:
    """Limits in calls a second. The rates of `AWS` are a quarter of ap-south-1's refill rates or less."""

    history: Beat
    ended: Beat
    """For an execution that has ended, and may be redriven by somebody else."""
    listing: Beat
    budgets: dict[str, tuple[float | None, float]]
    """By operation, refill rate and burst."""


LOCAL = Pace(
    history=Beat(0.15, 0.5),
    ended=Beat(1.0, 3.0),
    listing=Beat(0.4, 1.0),
    budgets={},
)
AWS = Pace(
    history=Beat(1.5, 8.0),
    ended=Beat(15.0, 60.0),
    listing=Beat(5.0, 20.0),
    budgets={
        "get_execution_history": (5.0, 60.0),
        "describe_execution": (2.0, 40.0),
        "list_executions": (0.4, 20.0),
        "list_state_machines": (0.2, 10.0),
        "describe_state_machine": (1.0, 20.0),
        "describe_state_machine_for_execution": (1.0, 20.0),
    },
)
