"""A simulator on a free port, whose clock a test can move, and the real client in front of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from kiteconnect import KiteConnect

from brokers.clock import IST
from brokers.simulator.auth import Account
from brokers.simulator.instruments import Contract
from brokers.simulator.server import server
from brokers.simulator.world import Settings, World, build_world

MARKET_MORNING = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
ACCOUNTS = (
    Account("ZA1234", "keyone", "secretone", "tokenone"),
    Account("ZB5678", "keytwo", "secrettwo", "tokentwo"),
)


@dataclass
class SteeredClock:
    """The wall's pace from a time of the test's choosing, which it can jump."""

    start: datetime
    began: float = field(default_factory=time.time)
    frozen: bool = False

    def now(self) -> datetime:
        return self.start if self.frozen else self.start + timedelta(seconds=time.time() - self.began)

    def freeze(self) -> None:
        """Stand still; only jumps move it from now on."""
        self.start, self.frozen = self.now(), True

    def jump(self, seconds: float) -> None:
        self.start += timedelta(seconds=seconds)


@dataclass
class Postbox:
    """Where postbacks arrive. `answers` are HTTP codes to give first, 200 after that."""

    url: str
    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def statuses(self) -> list[str]:
        return [body["status"] for _, body in self.received]


@dataclass
class Sim:
    """A running simulator."""

    url: str
    world: World
    clock: SteeredClock

    def kite(self, account: Account = ACCOUNTS[0], timeout: float = 5) -> KiteConnect:
        return KiteConnect(account.api_key, account.access_token, root=self.url, timeout=timeout)

    def get(self, path: str) -> Any:
        return requests.get(self.url + path, timeout=5).json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = requests.post(self.url + path, json=body, timeout=5)
        answer.raise_for_status()
        return answer.json()

    def set(self, kind: str, **fields: Any) -> None:
        self.post("/_sim/faults", {"kind": kind, **fields})

    def settings(self, **changes: Any) -> None:
        requests.put(self.url + "/_sim/settings", json=changes, timeout=5).raise_for_status()

    def ledger(self) -> Any:
        return self.get("/_sim/ledger")

    def jump(self, seconds: float) -> None:
        self.clock.jump(seconds)
        self.post("/_local/clock")

    def atm(self, right: str = "CE", underlying: str = "BANKNIFTY") -> Contract:
        now = self.clock.now()
        spot = self.world.walk.spot(underlying, now)
        listed = [
            c for c in self.world.listing(now).contracts if c.underlying == underlying and c.right == right
        ]
        first = min(c.expiry for c in listed)
        return min((c for c in listed if c.expiry == first), key=lambda c: abs(float(c.strike) - spot))

    def quoted(self, contract: Contract, side: str) -> Decimal:
        """The price at which an order of `side` would trade now."""
        book = self.world.market.book(contract, self.clock.now())
        return (book.asks if side == "BUY" else book.bids)[0].price

    def marketable(self, contract: Contract, side: str) -> float:
        """A limit that trades at once, a little past the quote."""
        away = max(self.quoted(contract, side) * Decimal("0.05"), Decimal(1)) // contract.tick * contract.tick
        return float(self.quoted(contract, side) + (away if side == "BUY" else -away))

    def resting(self, contract: Contract, side: str) -> float:
        """A limit that is far from trading, yet within the price bands."""
        away = self.quoted(contract, side) * Decimal("0.3") // contract.tick * contract.tick
        return float(self.quoted(contract, side) - (away if side == "BUY" else -away))

    def order(self, side: str = "SELL", right: str = "CE", **changes: Any) -> str:
        """Place one lot at the money, marketable unless told otherwise; returns its id."""
        kite = changes.pop("kite", None) or self.kite()
        contract = changes.pop("contract", None) or self.atm(right)
        fields = {
            "variety": "regular",
            "exchange": contract.exchange,
            "tradingsymbol": contract.symbol,
            "transaction_type": side,
            "quantity": contract.lot,
            "product": "MIS",
            "order_type": "LIMIT",
            "price": self.marketable(contract, side),
            "tag": "N1",
        } | changes
        return str(kite.place_order(**{k: v for k, v in fields.items() if v is not None}))

    def truth(self, order_id: str) -> dict[str, Any]:
        """The order as the ledger has it."""
        return next(order for order in self.ledger()["orders"] if order["order_id"] == order_id)

    def until(self, order_id: str, status: str) -> dict[str, Any]:
        """The order once it has that status."""
        assert eventually(lambda: self.truth(order_id)["status"] == status), self.truth(order_id)["status"]
        return self.truth(order_id)


def eventually(condition: Callable[[], bool], within: float = 3.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


@contextmanager
def simulator(**settings: Any) -> Iterator[Sim]:
    """A simulator on a trading morning, with fast orders and without rate limits unless told otherwise."""
    clock = SteeredClock(MARKET_MORNING)
    world = build_world(clock, ACCOUNTS, settings=Settings(**{"step_ms": 5, "limits": False, **settings}))
    web = server(world, 0)
    thread = threading.Thread(target=web.run, daemon=True)
    thread.start()
    assert eventually(lambda: web.started)
    try:
        yield Sim(f"http://127.0.0.1:{web.port}", world, clock)
    finally:
        web.should_exit = True
        thread.join(5)


@pytest.fixture
def sim() -> Iterator[Sim]:
    with simulator() as running:
        yield running


@pytest.fixture(scope="module")
def shared_sim() -> Iterator[Sim]:
    """For tests that leave nothing behind."""
    with simulator() as running:
        yield running


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    box = Postbox("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code = box.answers.pop(0) if box.answers else 200
            if code == 200:
                box.received.append((self.path, body))
            self.send_response(code)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box.url = f"http://127.0.0.1:{web.server_port}"
    thread = threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield box
    web.shutdown()
    web.server_close()
