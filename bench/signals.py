"""SignalScan: 10, 100 and 1,000 strategies over 20 distinct series, with the stores in memory."""

from __future__ import annotations

import json
import statistics
import time
from datetime import datetime, timedelta
from decimal import Decimal

from brokers.clock import IST
from brokers.model import Bar, Exchange, InstrumentId
from tasks import find_signals
from tasks.domain import items
from tasks.domain.strategy import parse_strategy
from tasks.signals.watched import agree
from tests.domain.signals.series import bars
from tests.tasks.world import World, strategy
from workflows.catalogue import DEFINITIONS

_COUNTS = (10, 100, 1000)
_SERIES = 20
_ROUNDS = 7
_BANKNIFTY = InstrumentId(Exchange.NSE, "1016")
_AT = datetime(2026, 11, 23, 11, 0, 3, tzinfo=IST)


def run() -> list[dict[str, object]]:
    """Medians of one FindSignals in milliseconds, and what a scan passes through."""
    rows = [_row(f"signals: scan of {count} strategies, {_SERIES} series", _scan(count)) for count in _COUNTS]
    return [*rows, _transitions()]


def _row(name: str, milliseconds: float) -> dict[str, object]:
    return {"name": name, "value": round(milliseconds, 1), "unit": "ms", "reference": "runs each minute"}


def _transitions() -> dict[str, object]:
    """Every state but those that fail is passed once; each run or exit that is started adds two."""
    states = json.loads((DEFINITIONS / "signal_scan.asl.json").read_text())["States"]
    passed = sum(1 for state in states.values() if state["Type"] != "Fail")
    name = "signals: state transitions of a scan, whatever the strategies"
    return {"name": name, "value": passed, "unit": "states", "reference": "2 more for each that is started"}


def _scan(count: int) -> float:
    world = _world(count)
    find_signals.run(
        find_signals.Input(), world.rt
    )  # reads the history and the strategies, as each morning's first
    taken = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        found = find_signals.run(find_signals.Input(), world.rt)
        taken.append(time.perf_counter() - started)
        assert (found.looked_at, found.series, found.unknown) == (count, _SERIES, [])
    return statistics.median(taken) * 1000


def _world(count: int) -> World:
    world = World.at(_AT)
    world.link_account()
    world.broker.history[_BANKNIFTY, 5] = [*bars(1, 700, start=58_000), *_today()]
    for number in range(count):
        length = 5 + number % (_SERIES // 2)
        document = strategy(
            strategy_id=f"s{number:04d}",
            basket_id="bench",
            entry_time="09:20",
            dte=None,
            trigger="indicator",
            indicators={
                "timeframe": 5,
                "entry": {"all": [f"ema({length}) above 99999", f"sma({length}) above 1"]},
            },
        )
        strategy_id = str(document["strategy_id"])
        world.stores.catalog.put("user-1", items.strategy(strategy_id), document)
        agree("user-1", strategy_id, parse_strategy(document), world.rt)
    return world


def _today() -> list[Bar]:
    opens, price = datetime(2026, 11, 23, 9, 15, tzinfo=IST), Decimal(58_000)
    return [Bar(opens + n * timedelta(minutes=5), price, price, price, price, 0) for n in range(21)]
