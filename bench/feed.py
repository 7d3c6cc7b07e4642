"""The feed: ticks a second with 3,000 instruments and 1,000 stops, tick to exit, and what it costs to start."""

from __future__ import annotations

import logging
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kiteconnect import KiteTicker

from brokers.clock import IST, FixedClock
from brokers.model import Tick
from brokers.simulator.packets import Mode, frame, packet
from brokers.simulator.world import build_world
from brokers.zerodha.ticks import tick_of
from tasks.feed.doing import Doer
from tasks.feed.hearing import Hearing
from tasks.feed.watching import Action
from tasks.runtime import Runtime
from tasks.stores.ports import AccountRun
from tests.tasks.world import World

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
INSTRUMENTS, STOPS, ROUNDS = 3_000, 1_000, 12
EXITS = 200


@dataclass(slots=True)
class Stops:
    """A thousand levels, three a contract or so, found by the contract: what a feed of stops has to look up."""

    levels: dict[str, list[Decimal]] = field(default_factory=dict)

    def follow(self, rt: Runtime, open_runs: Sequence[AccountRun]) -> None:
        """They stand."""

    def symbols(self) -> frozenset[str]:
        return frozenset(self.levels)

    def on_tick(self, tick: Tick) -> Sequence[Action]:
        levels = self.levels.get(tick.symbol, ())
        return [Exit(f"{tick.symbol}-{n}") for n, level in enumerate(levels) if tick.last >= level]


@dataclass(slots=True)
class Exit:
    """Notes when it was sent."""

    name: str
    why: str = "bench"
    sent: dict[str, float] = field(default_factory=dict)
    event: threading.Event | None = None

    def perform(self, rt: Runtime) -> None:
        self.sent[self.name] = time.perf_counter()
        if self.event is not None:
            self.event.set()


def run() -> Iterator[dict[str, Any]]:
    yield from _start()
    yield from _ticks()
    yield from _to_exit()


def _start() -> Iterator[dict[str, Any]]:
    """In processes of their own: the import, and the memory after it."""
    text = (
        "import time, resource; began = time.perf_counter()\n"
        "import tasks.feed.__main__, brokers.zerodha.ticker, tasks.feed.lake\n"
        "print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    runs = [
        [float(each) for each in subprocess.check_output([sys.executable, "-c", text], text=True).split()]
        for _ in range(3)
    ]
    yield _figure("import of the feed, with ticker and Parquet", min(run[0] for run in runs), "s", "")
    yield _figure("memory after it", runs[0][1] / 1024, "MiB", "task: 1,024 MiB")


def _ticks() -> Iterator[dict[str, Any]]:
    """Full frames as Kite sends them, through the client's own parser, to quotes, bars and levels."""
    frames, symbols = _frames()
    parser = KiteTicker("key", "token")
    keys = list(symbols.values())
    far = Decimal(10**6)
    hearing = Hearing(act=lambda _: None)
    stops = Stops({keys[n % len(keys)]: [far] * (STOPS // min(len(keys), STOPS)) for n in range(STOPS)})
    hearing.watch([stops], lambda _: None)
    parsed = heard = 0.0
    for second, content in enumerate(frames):
        began = time.perf_counter()
        rows = parser._parse_binary(content)
        middle = time.perf_counter()
        now = NOW + timedelta(seconds=second, milliseconds=200)
        hearing.on_ticks([tick_of(symbols[row["instrument_token"]], row, now) for row in rows])
        heard += time.perf_counter() - middle
        parsed += middle - began
    ticks = sum(len(parser._split_packets(content)) for content in frames)
    assert hearing.counts.stale == 0
    name = f"ticks a second, {len(symbols)} instruments in full, {STOPS} stops"
    yield _figure(name, ticks / (parsed + heard), "/s", "3,000 come at most")
    yield _figure("  of a tick's time, in the client's parser", 100 * parsed / (parsed + heard), "%", "")
    yield _figure(
        "memory of this process then", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB", ""
    )


def _frames() -> tuple[list[bytes], dict[int, str]]:
    """A frame a second. Two seconds are made and the others are those with another time in them."""
    world = build_world(FixedClock(NOW), [])
    listed = [c for c in world.listing(NOW).contracts if c.is_option][:INSTRUMENTS]
    base = [packet(world.market, contract, Mode.FULL, NOW) for contract in listed]
    frames = []
    for second in range(ROUNDS):
        stamp = int((NOW + timedelta(seconds=second)).timestamp()).to_bytes(4, "big")
        frames.append(frame([one[:44] + stamp + one[48:60] + stamp + one[64:] for one in base]))
    return frames, {contract.instrument_token: contract.key for contract in listed}


def _to_exit() -> Iterator[dict[str, Any]]:
    """From the call with the tick to the action's own thread, one at a time, in the process."""
    logging.getLogger("tasks.feed.doing").setLevel(logging.ERROR)
    world = World.at(NOW)
    doer = Doer(world.rt, lambda: True)
    delays: list[float] = []
    for n in range(EXITS):
        done, sent = threading.Event(), dict[str, float]()
        began = time.perf_counter()
        doer.do(Exit(f"exit-{n}", sent=sent, event=done))
        done.wait(5)
        delays.append(sent[f"exit-{n}"] - began)
    doer.stop()
    delays.sort()
    yield _figure("tick to exit begun, in the process, median", 1000 * statistics.median(delays), "ms", "")
    yield _figure("tick to exit begun, in the process, p95", 1000 * delays[int(0.95 * len(delays))], "ms", "")


def _figure(name: str, value: float, unit: str, reference: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3 if value < 10 else 0), "unit": unit, "reference": reference}
