"""One day of everybody at one exchange, with things that go wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import requests

from brokers.simulator.exchange import Update
from tasks.lake_message import Told
from tasks.order_update import OrderUpdate
from tests.faults.crossings import Crossing, Strike, Where
from tests.faults.schedule import Killed
from tests.faults.shapes import Shape
from tests.faults.world import World
from tests.month.desk import Desk, Trade

READ_TIMEOUT = 7.0
GATHER = 0.25
"""Seconds after which a stream's changes reach RecordEvents."""
LAMBDAS_KILLED, REPLIES_LOST = 6, 3
"""A day, among all accounts."""


class Everybody(Shape):
    """All accounts of a desk, for the parts of a world that go by its shape."""

    __slots__ = ("_accounts",)

    def __init__(self, desk: Desk) -> None:
        super().__init__("2", 1, "instant")
        object.__setattr__(self, "_accounts", tuple(person.account for person in desk.people))

    @property
    def accounts(self) -> tuple[str, ...]:
        found: tuple[str, ...] = self._accounts  # type: ignore[attr-defined]
        return found


class Day(World):
    """A day. `changed` hears when streams have something new, `told` of every word of a broker."""

    def __init__(
        self,
        desk: Desk,
        day: datetime,
        seed: int,
        changed: Callable[[], None],
        told: Callable[[Told], None],
    ) -> None:
        self.desk = desk
        self._changed, self._told_lake = changed, told
        self._read = 0
        super().__init__(Everybody(desk), seed, day=day)
        self.update_delay = self._delays

    def _link(self) -> None:
        for person in self.desk.people:
            document = {"account": person.account, "broker": "zerodha", "lot_multiplier": 1, "egress": None}
            self.stores.catalog.put(person.user_id, f"ACCOUNT#{person.account}", document)
        for trade in self.desk.trades:
            self.stores.catalog.put(trade.user_id, f"STRATEGY#{trade.strategy_id}", trade.document())

    # --- what happens ---

    def plan(self) -> None:
        """Every strategy's two events, and what goes wrong today."""
        for trade in self.desk.trades:
            for side in ("ENTRY", "EXIT"):
                moment = trade.fires(side, self.day)
                self.at(moment.timestamp() + self.dice.random() * 20, partial(self._fires, trade, side))
        for hour, minute in ((14, 31), (15, 21), (15, 23)):
            self.at(self.clock_time(hour, minute, 7), partial(self._sweep, f"{hour}{minute}"))
        self._go_wrong()

    def _fires(self, trade: Trade, side: str) -> None:
        """EventBridge Scheduler starts the machine, sometimes twice."""
        for n in range(2 if self.dice.random() < 0.05 else 1):
            name = f"{trade.strategy_id}-{self.day:%Y%m%d}-{side}-{n}"
            self.machines.start("StrategyLifecycle", name, trade.event(side, self.day))

    def _sweep(self, name: str) -> None:
        self.machines.start("ExitSweep", f"sweep-{self.day:%Y%m%d}-{name}", {})

    def _go_wrong(self) -> None:
        accounts = [person.account for person in self.desk.people]
        pick = partial(self.dice.choice, accounts)
        self.switch(kind="partial", account=pick(), share=0.5, seconds=7, count=3)
        self.switch(kind="slow_fill", account=pick(), seconds=12, count=3)
        self.switch(kind="reject", account=pick(), side="SELL", tag="N*", count=1, reason="RMS: margin exceeds")
        crossings = 300 * len(self.desk.trades)
        for n in range(LAMBDAS_KILLED):
            self.arm(Strike(f"killed {n}", (Where(),), _die, skip=self.dice.randrange(crossings)))
        orders = 3 * len(self.desk.trades)
        for n in range(REPLIES_LOST):
            after = self.dice.random() < 0.5
            where = Where(("PlaceOrder",), ("broker.place",), ("after",) if after else ("before",))
            self.arm(Strike(f"reply lost {n}", (where,), self._silence, skip=self.dice.randrange(orders)))

    def _silence(self, _: Crossing) -> None:
        self.schedule.pause(READ_TIMEOUT)
        raise requests.ReadTimeout("Read timed out. (read timeout=7.0)")

    def _delays(self, _: Update) -> list[float]:
        """Postbacks: most come at once, some twice, some late, some never."""
        fate = self.dice.random()
        if fate < 0.03:
            return []
        if fate < 0.08:
            return [0.05, self.dice.uniform(0.1, 20)]
        return [self.dice.uniform(5, 40)] if fate < 0.13 else [0.05]

    # --- what is told of it ---

    def _apply(self, message: str, tag: str, attempt: int) -> None:
        super()._apply(message, tag, attempt)
        update = OrderUpdate.model_validate_json(message)
        self._told_lake(Told.about(update, self.stores.orders.get(tag) if tag else None))

    def _perform(self, call: Any) -> None:
        super()._perform(call)
        self._look()

    def _cross(self, operation: str, when: str) -> None:
        super()._cross(operation, when)
        self._look()

    def _look(self) -> None:
        """Changes gather for a moment before their function is called."""
        if len(self.streams.records) > self._read:
            self._read = len(self.streams.records)
            self.schedule.after(GATHER, self._changed)

    @property
    def killed(self) -> int:
        return sum(strike.hits for strike in self.strikes if strike.what.startswith("killed"))

    @property
    def lost(self) -> int:
        return sum(strike.hits for strike in self.strikes if strike.what.startswith("reply"))


def _die(_: Crossing) -> None:
    raise Killed("Lambda.Unknown")
