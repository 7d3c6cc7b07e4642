"""One order and a basket of four, from the intent to the broker's reply, in the process.

The real tasks and the real Zerodha adapter, and a broker on loopback that answers at once. The stores are in
memory, and on DynamoDB by moto: its own cost is in the figure (a transaction copies its tables whole, and it is
not safe for threads, so there the legs go one after the other).
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import boto3
from moto import mock_aws

from bench._broker import loopback_broker
from brokers.clock import IST, FixedClock
from brokers.zerodha import Credentials, Zerodha
from tasks import place_order, plan_account
from tasks.contracts import PlannedOrder, ResolvedLeg, TransactionType
from tasks.plan_account import Input as AccountTask
from tasks.runtime import Runtime
from tasks.stores import Stores
from tasks.stores.dynamodb import dynamodb_stores
from tasks.stores.memory import memory_stores
from tasks.stores.ports import OrderRow
from tests.stores.tables import create_tables

REPEATS = {"in-memory stores": 400, "DynamoDB by moto": 30}
WARM_UP = 20
ONE = "OpenAlgo, live path: p50 17.7, p95 23.9 ms"
FOUR = "OpenAlgo, live path: p50 28.0, p95 35.8 ms"
_NOW = datetime(2026, 11, 23, 9, 30, tzinfo=IST)


def run() -> list[dict[str, object]]:
    with loopback_broker() as root, ThreadPoolExecutor(4) as pool:
        in_memory = _figures("in-memory stores", memory_stores(), root, pool)
        with mock_aws():
            return [*in_memory, *_figures("DynamoDB by moto", _dynamodb(), root, _OneByOne())]


@dataclass(frozen=True)
class _OneAccount:
    broker: Zerodha

    def reader(self, account: str) -> Zerodha:
        return self.broker

    def trader(self, user_id: str, account: str) -> Zerodha:
        return self.broker


class _Quiet:
    def succeed(self, token: str, output: dict[str, object]) -> None: ...

    def count(self, name: str, *, account: str) -> None: ...


class _LoggedIn(Zerodha):
    """The loopback broker has no sessions to check."""

    def check_session(self) -> None: ...


def _figures(where: str, stores: Stores, root: str, pool: Executor) -> list[dict[str, object]]:
    clock = FixedClock(_NOW)
    broker = _OneAccount(_LoggedIn(Credentials("ZA1234", "key", "secret", "token"), clock=clock, root=root))
    rt = Runtime(stores=stores, brokers=broker, callbacks=_Quiet(), alarms=_Quiet(), clock=clock)
    stores.catalog.put("user", "ACCOUNT#ZA1234", {"account": "ZA1234", "lot_multiplier": 1, "egress": None})
    return [
        figure
        for legs, label, reference in ((1, "one", ONE), (4, "basket of four", FOUR))
        for figure in _timed(
            f"orders: {label}, {where}", reference, REPEATS[where], partial(_basket, rt, pool, legs)
        )
    ]


def _timed(
    name: str, reference: str, repeats: int, prepare: Callable[[int], Callable[[], None]]
) -> list[dict[str, object]]:
    times = []
    for number in range(WARM_UP + repeats):
        send = prepare(number)
        started = time.perf_counter()
        send()
        times.append((time.perf_counter() - started) * 1000)
    cuts = statistics.quantiles(times[WARM_UP:], n=20)
    rate = round(1000 / statistics.mean(times[WARM_UP:]))
    return [
        {"name": f"{name}, p50", "value": round(cuts[9], 2), "unit": "ms", "reference": reference},
        {"name": f"{name}, p95", "value": round(cuts[18], 2), "unit": "ms", "reference": ""},
        {"name": f"{name}, one after the other", "value": rate, "unit": "/s", "reference": ""},
    ]


def _basket(rt: Runtime, pool: Executor, legs: int, number: int) -> Callable[[], None]:
    """Plan a basket; what is returned claims and sends its orders, and fails if one of them did."""
    orders = plan_account.run(_task(f"{legs}-{number}", legs), rt).sells

    def send() -> None:
        for sent in [pool.submit(_send, rt, order) for order in orders]:
            sent.result()

    return send


class _OneByOne(Executor):
    """Runs at once what it is given."""

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*args, **kwargs))
        return done


def _send(rt: Runtime, order: PlannedOrder) -> None:
    rt.stores.orders.claim(OrderRow.model_validate(order.model_dump() | {"claimed_at": rt.clock.now()}))
    output = place_order.run(place_order.Input(order_id=order.order_id), rt)
    assert output.outcome == "PLACED", output


def _task(run_key: str, legs: int) -> AccountTask:
    return AccountTask(
        side=TransactionType.ENTRY,
        run_key=run_key,
        account="ZA1234",
        broker="zerodha",
        user_id="user",
        basket_id="bench",
        strategy_id="bench",
        underlying="BANKNIFTY",
        trading_date="2026-11-23",
        entry_until=_NOW.replace(hour=10).isoformat(),
        exit_at=_NOW.replace(hour=15).isoformat(),
        product="MIS",
        on_leg_reject="unwind",
        chase="",
        multiplier=1,
        legs=[_leg(number) for number in range(1, legs + 1)],
        exit_legs=[],
    )


def _leg(number: int) -> ResolvedLeg:
    return ResolvedLeg(
        leg=number,
        exchange="NFO",
        symbol=f"BANKNIFTY26NOV58{number}00CE",
        exchange_token=str(number),
        strike=f"58{number}00",
        right="CE",
        expiry="2026-11-23",
        side="SELL",
        lots=1,
        lot_size=30,
        tick="0.05",
        freeze=600,
        limit_price="200.00",
        quote="204.00",
        reason="bench",
    )


def _dynamodb() -> Stores:
    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    client = boto3.client("dynamodb", region_name="ap-south-1")
    return dynamodb_stores(client, create_tables(client))
