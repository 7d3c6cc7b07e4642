"""Zerodha's stream against the simulator, with the unmodified KiteTicker in between."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from brokers.clock import IST
from brokers.model import BrokerOrder, InstrumentId, OrderStatus, Tick
from brokers.registry import UnknownBroker, open_stream
from brokers.simulator.instruments import Contract
from brokers.stream import TooManyInstruments
from brokers.zerodha.credentials import Credentials
from brokers.zerodha.ticker import SILENCE, KiteStream
from brokers.zerodha.ticks import kite_token, tick_of
from tests.simulator.conftest import Sim, eventually, simulator

BANKNIFTY, INDEX_ID = "NSE:NIFTY BANK", InstrumentId("NSE", "1016")  # type: ignore[arg-type]
pytestmark = pytest.mark.slow


@dataclass
class Ear:
    """Hears everything."""

    ticks: list[Tick] = field(default_factory=list)
    orders: list[BrokerOrder] = field(default_factory=list)
    ups: int = 0
    downs: list[tuple[str, bool]] = field(default_factory=list)

    def on_up(self) -> None:
        self.ups += 1

    def on_down(self, reason: str, *, refused: bool) -> None:
        self.downs.append((reason, refused))

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        self.ticks += ticks

    def on_order(self, order: BrokerOrder) -> None:
        self.orders.append(order)

    def of(self, symbol: str) -> list[Tick]:
        return [tick for tick in self.ticks if tick.symbol == symbol]


@pytest.fixture
def sim() -> Iterator[Sim]:
    with simulator() as running:
        yield running


@pytest.fixture
def ear() -> Ear:
    return Ear()


def stream_of(sim: Sim, ear: Ear, token: str = "") -> KiteStream:
    credentials = Credentials("ZA1234", "keyone", "secretone", token or "tokenone")
    return KiteStream(credentials, ear, clock=sim.clock, root=sim.url.replace("http", "ws"))


@pytest.fixture
def stream(sim: Sim, ear: Ear) -> Iterator[KiteStream]:
    opened = stream_of(sim, ear)
    opened.connect()
    yield opened
    opened.close()


def instrument(contract: Contract) -> InstrumentId:
    return InstrumentId(contract.exchange, str(contract.exchange_token))  # type: ignore[arg-type]


def test_ticks_have_the_exchanges_time_whatever_zone_the_host_is_in(
    sim: Sim, ear: Ear, stream: KiteStream
) -> None:
    contract = sim.atm()
    stream.follow({contract.key: instrument(contract), BANKNIFTY: INDEX_ID})
    assert eventually(lambda: bool(ear.of(contract.key) and ear.of(BANKNIFTY)), 8)
    call, index = ear.of(contract.key)[-1], ear.of(BANKNIFTY)[-1]
    assert timedelta(0) <= call.received_at - call.at < timedelta(seconds=2)
    assert call.at.tzinfo is IST
    book = sim.world.market.book(contract, call.at)
    assert (call.last, call.bid, call.ask) == (book.last, book.bids[0].price, book.asks[0].price)
    assert call.volume == sim.world.market.traded(contract, call.at)["volume"]
    assert index.last == sim.world.market.index_price(sim.world.listing(index.at).indices[1], index.at)
    assert (index.bid, index.ask, index.volume) == (None, None, 0)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_a_naive_time_of_the_client_is_read_in_the_hosts_zone(zone: str) -> None:
    """In a process of its own, because a process reads its zone once."""
    text = """
from datetime import datetime
from brokers.zerodha.ticks import tick_of
row = {"last_price": 1.0, "exchange_timestamp": datetime.fromtimestamp(1795406415)}
print(tick_of("X", row, datetime.now().astimezone()).at.isoformat())
"""
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, env={**os.environ, "TZ": zone}
    )
    assert done.stdout.strip() == datetime.fromtimestamp(1795406415, IST).isoformat()


def test_it_follows_changes(sim: Sim, ear: Ear, stream: KiteStream) -> None:
    call, put = sim.atm("CE"), sim.atm("PE")
    stream.follow({call.key: instrument(call)})
    assert eventually(lambda: bool(ear.of(call.key)), 8)
    stream.follow({put.key: instrument(put)})
    assert eventually(lambda: bool(ear.of(put.key)), 8)
    [connection] = sim.get("/_sim/stream")["connections"]
    assert connection["tokens"] == [put.instrument_token]


def test_what_is_followed_may_be_told_before_connecting(sim: Sim, ear: Ear) -> None:
    stream = stream_of(sim, ear)
    stream.follow({BANKNIFTY: INDEX_ID})
    stream.connect()
    assert eventually(lambda: bool(ear.ticks), 8)
    assert len(sim.get("/_sim/stream")["connections"]) == 1, "none is left to itself"
    stream.close()
    assert eventually(lambda: sim.get("/_sim/stream")["connections"] == [])


def test_an_order_is_heard_as_a_postback_would_tell_it(sim: Sim, ear: Ear, stream: KiteStream) -> None:
    assert eventually(lambda: ear.ups == 1, 8)
    sim.order("SELL", tag="N1")
    assert eventually(lambda: any(order.status is OrderStatus.FILLED for order in ear.orders))
    filled = ear.orders[-1]
    assert (filled.tag, filled.filled_quantity) == ("N1", filled.quantity)


def test_a_connection_that_is_cut_is_there_again_at_once(sim: Sim, ear: Ear, stream: KiteStream) -> None:
    stream.follow({BANKNIFTY: INDEX_ID})
    assert eventually(lambda: bool(ear.ticks), 8)
    sim.set("stream_cut")
    assert eventually(lambda: len(ear.downs) == 1)
    began, before = time.monotonic(), len(ear.ticks)
    assert eventually(lambda: len(ear.ticks) > before, 5)
    assert time.monotonic() - began < 2
    assert ear.downs[0][1] is False


def test_a_dead_connection_is_noticed_and_replaced(sim: Sim, ear: Ear, stream: KiteStream) -> None:
    """The official client notices nothing."""
    stream.follow({BANKNIFTY: INDEX_ID})
    assert eventually(lambda: bool(ear.ticks), 8)
    sim.set("stream_half_open", seconds=0.5)
    assert eventually(lambda: sim.get("/_sim/stream")["connections"][0]["dead"])
    began, before = time.monotonic(), len(ear.ticks)
    assert eventually(lambda: len(ear.ticks) > before, 8)
    assert time.monotonic() - began < SILENCE + 2
    assert "nothing came" in ear.downs[0][0]


def test_a_silent_market_keeps_its_connection(sim: Sim, ear: Ear, stream: KiteStream) -> None:
    stream.follow({BANKNIFTY: INDEX_ID})
    assert eventually(lambda: bool(ear.ticks), 8)
    sim.set("stream_silent", seconds=60)
    time.sleep(SILENCE + 1.5)
    assert ear.downs == []


def test_a_session_that_is_over_is_not_tried_again(sim: Sim, ear: Ear) -> None:
    stream = stream_of(sim, ear, token="of-yesterday")
    stream.connect()
    assert eventually(lambda: bool(ear.downs), 8)
    assert ear.downs[0][1] is True
    time.sleep(1)
    assert len(ear.downs) == 1
    assert "of-yesterday" not in repr(stream) + ear.downs[0][0]


def test_a_broker_that_is_not_there_is_waited_for(ear: Ear, sim: Sim) -> None:
    stream = stream_of(sim, ear)
    sim.post("/_sim/offline", {"seconds": 1.5})
    time.sleep(0.3)
    stream.connect()
    assert eventually(lambda: ear.ups == 1, 12)
    stream.close()


def test_a_login_elsewhere_ends_the_session(sim: Sim, ear: Ear, stream: KiteStream) -> None:
    assert eventually(lambda: ear.ups == 1, 8)
    sim.post("/_sim/login", {"account": "ZA1234"})
    assert eventually(lambda: any(refused for _, refused in ear.downs), 8)


def test_three_thousand_instruments_fill_a_connection(sim: Sim, ear: Ear, stream: KiteStream) -> None:
    listed = [c for c in sim.world.listing(sim.clock.now()).contracts if c.underlying == "NIFTY"]
    many = {c.key: instrument(c) for c in listed}
    others = [c for c in sim.world.listing(sim.clock.now()).contracts if c.underlying == "SENSEX"]
    many |= {c.key: instrument(c) for c in others[: 3_100 - len(many)]}
    assert len(many) > 3_000
    sim.clock.freeze()  # a full frame of so many each second is more than a busy machine has time for
    stream.follow(many)
    assert eventually(
        lambda: sum(one["instruments"] for one in sim.get("/_sim/stream")["connections"]) == len(many), 10
    )
    sizes = sorted(one["instruments"] for one in sim.get("/_sim/stream")["connections"])
    assert sizes == [len(many) - 3_000, 3_000]


def test_more_than_an_account_may_follow_is_refused(sim: Sim, ear: Ear) -> None:
    stream = stream_of(sim, ear)
    with pytest.raises(TooManyInstruments, match="9000"):
        stream.follow({str(n): InstrumentId("NFO", str(n)) for n in range(9_001)})  # type: ignore[arg-type]


def test_every_listed_contract_has_kites_token(sim: Sim) -> None:
    for contract in sim.world.listing(sim.clock.now()).contracts[::50]:
        assert kite_token(instrument(contract)) == contract.instrument_token
    assert kite_token(INDEX_ID) == 260105


def test_a_tick_without_a_time_is_of_the_moment_it_came() -> None:
    now = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
    tick = tick_of("X", {"last_price": 250.05, "exchange_timestamp": datetime(1970, 1, 1)}, now)
    assert (tick.at, tick.last) == (now, Decimal("250.05"))


def test_a_broker_without_a_stream_is_named(ear: Ear, sim: Sim) -> None:
    with pytest.raises(UnknownBroker, match="no stream of broker 'shoonya'"):
        open_stream("shoonya", {}, ear, account="A", clock=sim.clock)
