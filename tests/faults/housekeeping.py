"""The platform's own machines, each minute: the sweep for exits that are due, and the reconciler."""

from __future__ import annotations

from functools import partial

from tasks.stores.ports import OrderState, Phase
from tests.faults.world import RUN, World

EVERY = 60.0
WITHIN = 7.0
"""Seconds into the minute at which they start: EventBridge Scheduler fires within it."""

LAST = (9, 52)
"""By then whatever a day does to its accounts has been done: looking on would cost time and find nothing."""


def each_minute(world: World, machines: tuple[str, ...]) -> None:
    """Start them each minute from 09:28 on, but for minutes of which `_Rest` knows that they find nothing."""
    rest = _Rest(world)
    moment = world.clock_time(9, 28).timestamp() + WITHIN
    while moment < world.clock_time(*LAST).timestamp():
        world.at(moment, partial(_look, world, machines, rest))
        moment += EVERY


def _look(world: World, machines: tuple[str, ...], rest: _Rest) -> None:
    if rest.since_the_last_look():
        return
    for name in machines:
        world.machines.start(name, f"{name}-{world.schedule.now:.0f}", {})


class _Rest:
    """Whether the next look must find what the last one found. Looks are a third of what a day costs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: tuple[int, ...] = ()

    def since_the_last_look(self) -> bool:
        """Nothing has changed since, in our tables or at the exchange, and nothing will by the clock alone."""
        world = self._world
        exchange = world.venue.exchange
        histories = sum(len(order.history) for order in exchange.orders.values())
        now = (len(world.streams.records), len(exchange.trades), histories)
        same, self._last = now == self._last, now
        return same and not world.venue.shut_out and self._all_is_over() and self._none_is_due()

    def _all_is_over(self) -> bool:
        world = self._world
        rows = [history[-1][1] for history in world.rows.values() if history]
        at = world.true_clock.now()
        return all(row.status.terminal and row.status is not OrderState.ABSENT for row in rows) and all(
            order.terminal and order.visible(at) for order in world.venue.orders()
        )

    def _none_is_due(self) -> bool:
        at = self._world.clock.now()
        plans = self._world.stores.runs.accounts(RUN.format(day=self._world.day))
        return all(
            plan.phase is Phase.FLAT or (plan.phase is Phase.OPEN and at < plan.exit_at) for plan in plans
        )
