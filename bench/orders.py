"""Orders in the process, from the intent to the broker's reply: what they cost, and what the guards cost of it.

The real tasks and the real Zerodha adapter, and a broker on loopback that answers at once. Beside it the naive
way, in the same process: the adapter alone, without intent, pace, phase, state or tag look-up, as a platform
without guards sends. The stores are in memory, and on DynamoDB by moto: its own cost is in the figure (a
transaction copies its tables whole, and it is not safe for threads, so there the legs go one after the other).
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import boto3
from moto import mock_aws

from bench._broker import loopback_broker
from brokers.clock import IST, FixedClock
from brokers.model import Exchange, OrderRequest, Placed, Product, Side
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

REPEATS = {"in-memory stores": 320, "DynamoDB by moto": 45}
WARM_UP = 20
ONE = "OpenAlgo, live path: p50 17.7, p95 23.9 ms; aim p50 3"
FOUR = "OpenAlgo, live path: p50 28.0, p95 35.8 ms; aim p50 12"
BASKETS = ((1, "one", ONE), (4, "basket of four", FOUR))
MANY = "OpenAlgo, live path: 51.6; aim 400"
ACCOUNTS, ORDERS_EACH, ROUNDS = 40, 5, 10
_NOW = datetime(2026, 11, 23, 9, 30, tzinfo=IST)

Figure = dict[str, object]


def run() -> Iterator[Figure]:
    with loopback_broker() as root, ThreadPoolExecutor(4) as pool:
        yield from _beside_naive(root, pool)
        yield _many(root)
        with mock_aws():
            world, where = _world(root, _dynamodb()), "DynamoDB by moto"
            for legs, label, reference in BASKETS:
                times = [_milliseconds(world.prepare(_OneByOne(), legs, n)) for n in range(REPEATS[where])]
                yield from _figures(f"{label}, {where}", times, reference)


def _beside_naive(root: str, pool: Executor) -> Iterator[Figure]:
    """One after the other in turn, so that both meet the same machine."""
    world, broker = _world(root, memory_stores()), _broker("ZA1234", FixedClock(_NOW), root)
    for legs, label, reference in BASKETS:
        naive, ours = list[float](), list[float]()
        for number in range(REPEATS["in-memory stores"]):
            naive.append(_milliseconds(_unguarded(broker, pool, legs, number)))
            ours.append(_milliseconds(world.prepare(pool, legs, number)))
        yield from _figures(f"{label}, naive, without guards", naive, "")[:2]
        yield from _figures(f"{label}, in-memory stores", ours, reference)
        cost = statistics.median(after - before for before, after in zip(naive, ours, strict=True))
        yield _figure(f"{label}, what the guards cost at the median", round(cost, 2), "ms", "")


@dataclass(frozen=True)
class _Brokers:
    """Each account's own."""

    by_account: Mapping[str, Zerodha]

    def reader(self, account: str) -> Zerodha:
        return self.by_account[account]

    def trader(self, user_id: str, account: str) -> Zerodha:
        return self.by_account[account]


class _Quiet:
    def succeed(self, token: str, output: dict[str, object]) -> None: ...

    def count(self, name: str, *, account: str) -> None: ...


class _LoggedIn(Zerodha):
    """The loopback broker has no sessions to check."""

    def check_session(self) -> None: ...


@dataclass(frozen=True)
class _World:
    """One platform in the process. Between two measurements time passes, so that no pace is met."""

    rt: Runtime
    clock: FixedClock

    def prepare(self, pool: Executor, legs: int, number: int) -> Callable[[], None]:
        """Plan a basket; what is returned claims and sends its orders, and fails if one of them did."""
        self.clock.advance(2)
        orders = plan_account.run(_task(f"{legs}-{number}", legs), self.rt).sells

        def send() -> None:
            for sent in [pool.submit(_send, self.rt, order) for order in orders]:
                sent.result()

        return send


def _world(root: str, stores: Stores, accounts: Sequence[str] = ("ZA1234",)) -> _World:
    clock = FixedClock(_NOW)
    brokers = _Brokers({account: _broker(account, clock, root) for account in accounts})
    for account in accounts:
        known = {"account": account, "lot_multiplier": 1, "egress": None}
        stores.catalog.put("user", f"ACCOUNT#{account}", known)
    return _World(
        Runtime(stores=stores, brokers=brokers, callbacks=_Quiet(), alarms=_Quiet(), clock=clock), clock
    )


def _broker(account: str, clock: FixedClock, root: str) -> Zerodha:
    return _LoggedIn(Credentials(account, "key", "secret", "token"), clock=clock, root=root)


def _unguarded(broker: Zerodha, pool: Executor, legs: int, number: int) -> Callable[[], None]:
    """The adapter alone: what a click would send."""
    requests = [_request(number, leg) for leg in range(1, legs + 1)]

    def send() -> None:
        for sent in [pool.submit(broker.place, request) for request in requests]:
            assert isinstance(sent.result(), Placed)

    return send


def _request(number: int, leg: int) -> OrderRequest:
    return OrderRequest(
        tag=f"naive{number}-{leg}",
        exchange=Exchange.NFO,
        symbol=f"BANKNIFTY26NOV58{leg}00CE",
        side=Side.SELL,
        quantity=30,
        price=Decimal("200.00"),
        product=Product.MIS,
    )


def _many(root: str) -> Figure:
    """Many accounts at once, each as fast as entries may go (7 in a second)."""
    accounts = [f"ZM{number:04d}" for number in range(ACCOUNTS)]
    world = _world(root, memory_stores(), accounts)
    rates = []
    with ThreadPoolExecutor(8) as pool:
        for number in range(ROUNDS):
            world.clock.advance(2)
            tasks = [_task(f"many-{number}", ORDERS_EACH, account) for account in accounts]
            orders = [order for task in tasks for order in plan_account.run(task, world.rt).sells]
            began = time.perf_counter()
            for sent in [pool.submit(_send, world.rt, order) for order in orders]:
                sent.result()
            rates.append(len(orders) / (time.perf_counter() - began))
    name = f"over {ACCOUNTS} accounts at once, median of {ROUNDS} seconds"
    return _figure(name, round(statistics.median(rates)), "/s", MANY)


def _milliseconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _figures(name: str, times: Sequence[float], reference: str) -> list[Figure]:
    times = times[WARM_UP:]
    cuts = statistics.quantiles(times, n=20)
    return [
        _figure(f"{name}, p50", round(cuts[9], 2), "ms", reference),
        _figure(f"{name}, p95", round(cuts[18], 2), "ms", ""),
        _figure(f"{name}, one after the other", round(1000 / statistics.mean(times)), "/s", ""),
    ]


def _figure(name: str, value: float, unit: str, reference: str) -> Figure:
    return {"name": f"orders: {name}", "value": value, "unit": unit, "reference": reference}


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


def _task(run_key: str, legs: int, account: str = "ZA1234") -> AccountTask:
    return AccountTask(
        side=TransactionType.ENTRY,
        run_key=run_key,
        account=account,
        broker="zerodha",
        user_id="user",
        basket_id="bench",
        strategy_id="bench",
        underlying="BANKNIFTY",
        trading_date="2026-11-23",
        entry_until=_NOW.replace(hour=14).isoformat(),
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
