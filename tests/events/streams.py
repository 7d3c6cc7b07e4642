"""A table's stream as Lambda gets it: what a store writes, in DynamoDB's form, with rising sequence numbers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from brokers.clock import IST, FixedClock
from tasks.runtime import Runtime
from tasks.stores.bundle import Stores
from tasks.stores.journal import Recorded
from tasks.stores.memory import memory_stores
from tests.tasks.world import FakeBroker, OneBroker, RecordedAlarms, RecordedCallbacks

NINE = datetime(2026, 11, 23, 9, tzinfo=IST)


class Killed(BaseException):
    """The process is gone: no `except Exception` hears of it."""


@dataclass
class Tables:
    """Items by table and key; each write gives a stream record."""

    images: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def write(self, table: str, key: Mapping[str, str], image: Mapping[str, Any] | None) -> dict[str, Any]:
        """`image` without the key, None to delete. Plain values: text, whole numbers."""
        place = (table, json.dumps(key))
        old = self.images.pop(place, None)
        told: dict[str, Any] = {"SequenceNumber": f"{next(self.numbers) * 100_000_000_000_000_000_000_000}"}
        if old is not None:
            told["OldImage"] = old
        if image is not None:
            self.images[place] = told["NewImage"] = {**_attributes(key), **_attributes(image)}
        told["Keys"] = _attributes(key)
        return {
            "eventSourceARN": f"arn:aws:dynamodb:ap-south-1:111122223333:table/algo-{table}/stream/2026",
            "dynamodb": told,
        }

    def document(self, owner: str, item: str, document: Mapping[str, Any] | None) -> dict[str, Any]:
        """A catalog item."""
        image = None if document is None else {"document": json.dumps(document)}
        return self.write("catalog", {"owner": owner, "item": item}, image)


def _attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()
    }


@dataclass
class KeptBus:
    """What was told, in order."""

    told: list[Recorded] = field(default_factory=list)

    def put(self, events: Any) -> None:
        self.told += events


class Unreliable:
    """Calls through to `target`, and kills the process at random, before or after a call has had its effect."""

    def __init__(self, target: Any, random: Random, chance: float) -> None:
        self._target, self._random, self._chance = target, random, chance

    def __getattr__(self, name: str) -> Any:
        reached = getattr(self._target, name)
        if not callable(reached):
            return reached

        def call(*args: Any, **kwargs: Any) -> Any:
            fate = self._random.random()
            if fate < self._chance / 2:
                raise Killed(f"before {name}")
            answer = reached(*args, **kwargs)
            if fate < self._chance:
                raise Killed(f"after {name}")
            return answer

        return call


def a_runtime(stores: Stores | None = None, **parts: Any) -> Runtime:
    clock = FixedClock(NINE)
    made: dict[str, Any] = {
        "stores": stores or memory_stores(),
        "brokers": OneBroker(FakeBroker(clock)),
        "callbacks": RecordedCallbacks(),
        "alarms": RecordedAlarms(),
        "clock": clock,
        "bus": KeptBus(),
    }
    return Runtime(**(made | parts))


def order_image(**changes: Any) -> dict[str, Any]:
    return {
        "position_id": "s-20261123-S-ZA1-L1",
        "run_key": "s-20261123-S",
        "account": "ZA1",
        "broker": "zerodha",
        "user_id": "user-1",
        "basket_id": "weekly",
        "strategy_id": "s",
        "trading_date": "2026-11-23",
        "purpose": "N",
        "leg": 1,
        "slice": 1,
        "attempt": 1,
        "exchange": "NFO",
        "symbol": "BANKNIFTY26NOV58400CE",
        "exchange_token": "40001",
        "side": "SELL",
        "quantity": 30,
        "product": "MIS",
        "limit_price": "245.00",
        "tick": "0.05",
        "entry_until": "2026-11-23T04:05:00Z",
        "status": "CLAIMED",
        "claimed_at": "2026-11-23T04:00:00Z",
    } | changes
