"""A watcher of fixed levels, what it needs of a world, and a run to watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import Any, cast

from brokers.clock import IST
from brokers.model import Exchange, Product, Side, Tick
from tasks.feed.actions import StartExit
from tasks.feed.watching import Action
from tasks.runtime import Executions, KnownExecutions, Runtime
from tasks.stores.ports import AccountRun, Phase, PlannedLeg

CALL = "NFO:BANKNIFTY26NOV58400CE"
PUT = "NFO:BANKNIFTY26NOV58400PE"
NINE_THIRTY = datetime(2026, 11, 23, 9, 30, tzinfo=IST)


@dataclass
class FixedLevels:
    """Closes the whole run when a contract trades at its level or above."""

    levels: Mapping[str, Decimal]
    runs: dict[str, list[AccountRun]] = field(default_factory=dict)

    def follow(self, rt: Runtime, open_runs: Sequence[AccountRun]) -> None:
        self.runs = {
            symbol: [
                run for run in open_runs if any(f"{leg.exchange}:{leg.symbol}" == symbol for leg in run.legs)
            ]
            for symbol in self.levels
        }

    def symbols(self) -> frozenset[str]:
        return frozenset(symbol for symbol, runs in self.runs.items() if runs)

    def on_tick(self, tick: Tick) -> Sequence[Action]:
        level = self.levels.get(tick.symbol)
        if level is None or tick.last < level:
            return []
        why = f"{tick.symbol} traded at {tick.last}, its stop is {level}"
        return [StartExit.of(run, why) for run in self.runs.get(tick.symbol, [])]


@dataclass
class Started:
    """Executions by their names: a name that is there is not started again."""

    executions: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def start(self, machine: str, name: str, document: dict[str, Any]) -> tuple[str, str]:
        with self.lock:
            self.calls.append(name)
            if (machine, name) in {(m, n) for m, n, _ in self.executions}:
                return name, "RUNNING"
            self.executions.append((machine, name, document))
            return name, "STARTED"

    def arn(self, machine: str, name: str) -> str:
        return f"{machine}:{name}"


def lifted(rt: Runtime, started: Executions) -> Runtime:
    """`rt`, with a way to start executions."""
    return replace(rt, executions=cast("KnownExecutions", started))


def a_run(strategy_id: str = "straddle", account: str = "ZA1234") -> AccountRun:
    """A short straddle that is open, to be closed at 15:15."""
    day = date(2026, 11, 23)
    run_key = f"{strategy_id}-20261123-S"
    return AccountRun(
        run_key=run_key,
        account=account,
        broker="zerodha",
        user_id="user-1",
        basket_id="weekly",
        strategy_id=strategy_id,
        trading_date=day,
        underlying="BANKNIFTY",
        product=Product.MIS,
        on_leg_reject="unwind",
        phase=Phase.OPEN,
        entry_until=NINE_THIRTY + timedelta(minutes=5),
        exit_at=NINE_THIRTY.replace(hour=15, minute=15),
        legs=tuple(
            PlannedLeg(
                leg=number,
                position_id=f"{run_key}-{account}-L{number}",
                exchange=Exchange.NFO,
                symbol=symbol.partition(":")[2],
                exchange_token=f"4000{number}",
                side=Side.SELL,
                lot_size=30,
                tick=Decimal("0.05"),
                freeze=600,
                slices=(30,),
                limit_price=Decimal(240),
            )
            for number, symbol in ((1, CALL), (2, PUT))
        ),
    )
