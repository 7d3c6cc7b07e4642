"""The unmodified KiteTicker in front of the simulator: it can't tell it from Kite."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brokers.clock import IST
from brokers.simulator.auth import Account
from brokers.simulator.packets import Mode, frame, packet
from brokers.simulator.underlyings import underlyings
from tests.simulator.conftest import ACCOUNTS, MARKET_MORNING, Sim, eventually, simulator

CLIENT = Path(__file__).with_name("ticker_client.py")
BANKNIFTY = 260105
pytestmark = pytest.mark.slow


@dataclass
class Kite:
    """A running KiteTicker and everything it has heard."""

    process: subprocess.Popen[str]
    heard: list[dict[str, Any]] = field(default_factory=list)

    def say(self, *command: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.heard if one["kind"] == kind]

    @property
    def ticks(self) -> list[dict[str, Any]]:
        return [tick for one in self.of("ticks") for tick in one["ticks"]]

    def wait(self, condition: Callable[[], Any], within: float = 8.0) -> None:
        assert eventually(lambda: bool(condition()), within), self.heard[-10:]

    def wait_for(self, token: int, mode: str) -> None:
        self.wait(lambda: [t for t in self.ticks if (t["instrument_token"], t["mode"]) == (token, mode)])

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.heard.append(json.loads(line))


@contextmanager
def kite_ticker(sim: Sim, account: Account = ACCOUNTS[0], token: str = "") -> Iterator[Kite]:
    root = sim.url.replace("http", "ws")
    process = subprocess.Popen(
        [sys.executable, str(CLIENT), root, account.api_key, token or account.access_token],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    kite = Kite(process)
    reader = threading.Thread(target=kite.listen, daemon=True)
    reader.start()
    try:
        yield kite
    finally:
        process.kill()
        process.wait()
        reader.join(2)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture(scope="module")
def market() -> Iterator[Sim]:
    with simulator() as running:
        yield running


@pytest.fixture(scope="module")
def connected(market: Sim) -> Iterator[Kite]:
    """One client for the tests that break nothing: Twisted takes most of a second to import."""
    with kite_ticker(market) as kite:
        kite.wait(lambda: kite.of("connect"))
        yield kite


def test_all_three_modes_of_a_contract(market: Sim, connected: Kite) -> None:
    contract = market.atm("CE")
    token = contract.instrument_token
    connected.say("subscribe", [token])
    for mode in ("quote", "ltp", "full"):
        connected.say("set_mode", mode, [token])
        connected.wait_for(token, mode)
    by_mode = {tick["mode"]: tick for tick in connected.ticks if tick["instrument_token"] == token}
    assert set(by_mode["ltp"]) == {"tradable", "mode", "instrument_token", "last_price"}
    assert by_mode["quote"]["volume_traded"] > 0
    full = by_mode["full"]
    at = datetime.fromisoformat(full["exchange_timestamp"]).astimezone(IST)
    truth = market.world.market
    assert full["last_price"] == float(truth.last(contract, at))
    book = truth.book(contract, at)
    for side, levels in (("buy", book.bids), ("sell", book.asks)):
        shown = [(row["price"], row["quantity"], row["orders"]) for row in full["depth"][side]]
        assert shown == [(float(level.price), level.quantity, level.orders) for level in levels]
    assert full["ohlc"]["low"] <= full["last_price"] <= full["ohlc"]["high"]
    assert full["oi"] == truth.traded(contract, at)["oi"]
    assert full["tradable"]


def test_index_packets_in_all_modes(market: Sim, connected: Kite) -> None:
    connected.say("subscribe", [BANKNIFTY])
    for mode in ("quote", "full", "ltp"):
        connected.say("set_mode", mode, [BANKNIFTY])
        connected.wait_for(BANKNIFTY, mode)
    by_mode = {tick["mode"]: tick for tick in connected.ticks if tick["instrument_token"] == BANKNIFTY}
    full = by_mode["full"]
    at = datetime.fromisoformat(full["exchange_timestamp"]).astimezone(IST)
    index = underlyings()["BANKNIFTY"].index
    assert Decimal(str(full["last_price"])) == market.world.market.index_price(index, at)
    assert not full["tradable"]
    assert "exchange_timestamp" not in by_mode["quote"]
    connected.say("unsubscribe", [BANKNIFTY])


def test_every_second_brings_a_tick(market: Sim, connected: Kite) -> None:
    token = market.atm("PE").instrument_token
    connected.say("subscribe", [token])
    connected.say("set_mode", "full", [token])

    def seconds() -> set[str]:
        mine = [t for t in connected.ticks if t["instrument_token"] == token and t["mode"] == "full"]
        return {t["exchange_timestamp"] for t in mine}

    connected.wait(lambda: len(seconds()) >= 3)
    connected.say("unsubscribe", [token])


def test_an_order_is_told_as_text_without_a_checksum(market: Sim, connected: Kite) -> None:
    order_id = market.order("SELL", tag="NSTREAM")
    connected.wait(lambda: [o for o in connected.of("order") if o["data"]["status"] == "COMPLETE"])
    told = connected.of("order")[-1]["data"]
    assert (told["order_id"], told["tag"], told["checksum"]) == (order_id, "NSTREAM", "")


def test_nonsense_gets_an_error_frame(connected: Kite) -> None:
    connected.say("set_mode", "everything", [BANKNIFTY])
    connected.wait(lambda: [e for e in connected.of("error") if e["reason"] == "Invalid message"])


def test_too_many_instruments_are_refused(connected: Kite) -> None:
    connected.say("subscribe", list(range(1, 3_002)))
    connected.wait(lambda: [e for e in connected.of("error") if "Too many instruments" in str(e["reason"])])


def test_a_session_that_is_none_gets_403(market: Sim) -> None:
    with kite_ticker(market, token="stale") as kite:
        kite.wait(lambda: kite.of("error"))
        assert "403" in kite.of("error")[0]["reason"]
        assert not kite.of("connect")


def test_it_connects_again_by_itself_and_subscribes_again(sim: Sim) -> None:
    with kite_ticker(sim) as kite:
        kite.wait(lambda: kite.of("connect"))
        kite.say("subscribe", [BANKNIFTY])
        kite.wait(lambda: kite.ticks)
        sim.set("stream_cut")
        kite.wait(lambda: len(kite.of("connect")) == 2, within=10)
        before = len(kite.ticks)
        kite.wait(lambda: len(kite.ticks) > before)


def test_a_silent_line_has_heartbeats_and_a_dead_one_has_nothing(sim: Sim) -> None:
    with kite_ticker(sim) as kite:
        kite.wait(lambda: kite.of("connect"))
        kite.say("subscribe", [BANKNIFTY])
        kite.wait(lambda: kite.ticks)
        sim.set("stream_silent", seconds=60)
        kite.wait(lambda: len([m for m in kite.of("message") if m["size"] == 1]) >= 2)
        ticks = len(kite.ticks)
        sim.post("/_sim/reset")
        kite.wait(lambda: len(kite.ticks) > ticks)
        sim.set("stream_half_open", seconds=60)
        assert eventually(lambda: sim.get("/_sim/stream")["connections"][0]["dead"])
        time.sleep(0.2)
        heard = len(kite.heard)
        time.sleep(1.5)
        assert len(kite.heard) == heard, "and the client doesn't notice"
        assert not kite.of("close")


def test_late_and_repeated_frames(sim: Sim) -> None:
    with kite_ticker(sim) as kite:
        kite.wait(lambda: kite.of("connect"))
        kite.say("subscribe", [BANKNIFTY])
        kite.say("set_mode", "full", [BANKNIFTY])
        kite.wait(lambda: len(kite.ticks) >= 2)
        sim.set("stream_late", seconds=2.5)
        sim.set("stream_repeated", skip=3, count=2)

        def times() -> list[str]:
            return [tick["exchange_timestamp"] for tick in kite.ticks if tick["mode"] == "full"]

        kite.wait(lambda: times() != sorted(times()), within=6)
        kite.wait(lambda: len(times()) > len(set(times())) + 1, within=6)


def test_a_session_that_ends_closes_its_connections(sim: Sim) -> None:
    with kite_ticker(sim) as kite:
        kite.wait(lambda: kite.of("connect"))
        sim.post("/_sim/expire-token", {"account": "ZA1234"})
        kite.wait(lambda: kite.of("close"))
        kite.wait(lambda: [e for e in kite.of("error") if "403" in str(e["reason"])], within=8)


def test_a_jump_is_over_when_the_client_has_heard_its_tick(sim: Sim) -> None:
    """What lets the platform's clock go on without leaving the feed behind."""
    with kite_ticker(sim) as kite:
        kite.wait(lambda: kite.of("connect"))
        sim.clock.freeze()
        kite.say("subscribe", [BANKNIFTY])
        kite.say("set_mode", "full", [BANKNIFTY])
        kite.wait(lambda: kite.ticks)
        began, kite.heard[:] = time.monotonic(), []
        for _ in range(200):
            sim.jump(1)
        took = time.monotonic() - began
        time.sleep(0.3)  # for the pipe between the client and this test; the client itself had it before
        assert len([tick for tick in kite.ticks if tick["mode"] == "full"]) == 200
        assert took < 8, f"{took:.1f} s for 200 seconds"


def test_a_jump_of_up_to_a_minute_brings_every_second_on_the_way(sim: Sim) -> None:
    with kite_ticker(sim) as kite:
        kite.wait(lambda: kite.of("connect"))
        sim.clock.freeze()
        kite.say("subscribe", [BANKNIFTY])
        kite.say("set_mode", "full", [BANKNIFTY])
        kite.wait(lambda: kite.ticks)
        kite.heard.clear()
        sim.jump(60)
        kite.wait(lambda: len(kite.ticks) == 60)
        assert len({tick["exchange_timestamp"] for tick in kite.ticks}) == 60
        sim.jump(3_600)
        kite.wait(lambda: len(kite.ticks) == 61)


def test_packets_have_the_sizes_that_kite_documents() -> None:
    with simulator() as sim:
        contract, index = sim.atm("CE"), underlyings()["BANKNIFTY"].index
        sizes = [
            len(packet(sim.world.market, item, mode, MARKET_MORNING))
            for item in (contract, index)
            for mode in (Mode.LTP, Mode.QUOTE, Mode.FULL)
        ]
    assert sizes == [8, 44, 184, 8, 28, 32]
    assert frame([b"ab", b"c"]) == b"\x00\x02" + b"\x00\x02ab" + b"\x00\x01c"
