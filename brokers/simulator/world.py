"""Everything that the server's routes share: the clock, the market, the exchange, who is who, the switches."""

from __future__ import annotations

import asyncio
import gzip
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from brokers.clock import Clock
from brokers.simulator.auth import Account, Sessions
from brokers.simulator.calendar import trading_calendar
from brokers.simulator.exchange import Exchange
from brokers.simulator.faults import Faults
from brokers.simulator.instruments import Listing, generate, guess_levels, read_dump
from brokers.simulator.limits import RateLimits
from brokers.simulator.market import Market
from brokers.simulator.postbacks import Postbacks
from brokers.simulator.prices import Walk
from brokers.simulator.ticker import Ticker
from brokers.simulator.underlyings import underlyings

REFERENCE_DAY = date(2026, 11, 20)
"""Indices stand at the level of `data/underlyings.json` at this day's close."""
LONGEST_NAP = 0.1
"""Seconds of wall time after which the clock is read again, in case it has jumped."""


class Settings(BaseModel):
    """How the exchange behaves as a whole; changed over `/_sim/settings`."""

    model_config = ConfigDict(extra="forbid")

    always_open: bool = False
    limits: bool = True
    registered_ips: dict[str, list[str]] = Field(default_factory=dict)
    postback_url: str = ""
    redirect_url: str = ""
    step_ms: float = Field(default=15.0, gt=0)
    cash: Decimal = Decimal(10_000_000)
    price_bands: bool = True


@dataclass(slots=True)
class Request:
    """One request that came in, for the ledger. `fault` names the switch that struck it."""

    at: datetime
    account: str
    method: str
    path: str
    fault: str = ""
    code: int = 0


@dataclass(slots=True)
class World:
    clock: Clock
    seed: int
    settings: Settings
    sessions: Sessions
    walk: Walk
    market: Market
    exchange: Exchange
    faults: Faults
    limits: RateLimits
    postbacks: Postbacks
    dump: Listing | None
    ticker: Ticker = field(init=False)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    in_progress: int = 0
    go_offline: Callable[[float], None] | None = None
    requests: deque[Request] = field(default_factory=lambda: deque(maxlen=20_000))

    def __post_init__(self) -> None:
        self.ticker = Ticker(
            self.market,
            self.faults,
            check=lambda key, token: self.sessions.check(f"token {key}:{token}", self.clock.now()),
            listing=self.listing,
            now=self.clock.now,
            is_open=self.exchange.is_open,
        )

    def now(self) -> datetime:
        """The platform's time, with everything done that was due by then."""
        now = self.clock.now()
        self.exchange.advance(now)
        for update in self.exchange.take_updates():
            self.postbacks.submit(update)
            self.ticker.tell(update)
        return now

    def tick(self) -> datetime:
        """The platform's time, with everything done, and every postback and tick sent, that was due by then."""
        now = self.now()
        self.postbacks.send_due(now)
        self.ticker.pulse(now)
        return now

    def listing(self, now: datetime) -> Listing:
        """What is listed today."""
        return _still_listed(self.dump, now.date()) if self.dump else _listing(self.walk, now.date())

    def instruments_csv(self, exchange: str, now: datetime) -> bytes:
        """The gzipped instruments CSV of an exchange, or of all for an empty name."""
        return _gzipped_csv(self.listing(now), exchange)

    def next_due(self) -> datetime | None:
        return min(
            filter(None, (self.exchange.next_due(), self.postbacks.next_due(), self.ticker.next_due())),
            default=None,
        )

    @property
    def busy(self) -> int:
        """Requests being answered and postbacks on their way."""
        return self.in_progress + self.postbacks.busy

    async def run(self) -> None:
        """Keep the exchange going: do what is due, nap until the next thing, or until woken."""
        while True:
            now = self.tick()
            due = self.next_due()
            nap = LONGEST_NAP if due is None else min((due - now).total_seconds(), LONGEST_NAP)
            self.wake.clear()
            try:
                await asyncio.wait_for(self.wake.wait(), max(nap, 0.001))
            except TimeoutError:
                continue

    def reset(self) -> None:
        """Forget orders, trades, switches, counters and logs. Sessions and settings stay."""
        self.exchange.reset()
        self.faults.clear()
        self.limits.reset()
        self.postbacks.reset()
        self.ticker.reset()
        self.walk.forget_moves()
        self.requests.clear()

    def change_settings(self, changed: Settings) -> None:
        for name in Settings.model_fields:
            setattr(self.settings, name, getattr(changed, name))
        self.exchange.step = timedelta(milliseconds=changed.step_ms)


@lru_cache(maxsize=4)
def _listing(walk: Walk, day: date) -> Listing:
    calendar = trading_calendar()
    yesterday = calendar.previous(day)
    return generate(day, {name: walk.close(name, yesterday) for name in walk.names}, calendar)


@lru_cache(maxsize=4)
def _still_listed(dump: Listing, day: date) -> Listing:
    """A dump without what has expired since it was made."""
    return Listing(contract for contract in dump.contracts if contract.expiry >= day)


@lru_cache(maxsize=16)
def _gzipped_csv(listing: Listing, exchange: str) -> bytes:
    return gzip.compress(listing.csv(exchange).encode(), compresslevel=5, mtime=0)


def build_world(
    clock: Clock,
    accounts: Iterable[Account],
    *,
    seed: int = 7,
    instruments: Path | None = None,
    day: date | None = None,
    settings: Settings | None = None,
) -> World:
    """A world that has just begun.

    With a dump, the indices start from the middle of its strikes on `day` (today, if not given).

    Raises
    ------
    ValueError
        If `instruments` is not a Kite dump.
    """
    settings = settings or Settings()
    calendar = trading_calendar()
    levels = {name: underlying.level for name, underlying in underlyings().items()}
    dump, reference = None, REFERENCE_DAY
    if instruments is not None:
        dump = read_dump(instruments)
        levels |= guess_levels(dump)
        reference = calendar.previous(day or clock.now().date())
    walk = Walk(seed, levels, reference, calendar)
    market = Market(walk, calendar)
    sessions = Sessions(tuple(accounts), seed)
    sessions.open_given(clock.now())
    faults = Faults()
    step = timedelta(milliseconds=settings.step_ms)
    return World(
        clock=clock,
        seed=seed,
        settings=settings,
        sessions=sessions,
        walk=walk,
        market=market,
        exchange=Exchange(
            market,
            calendar,
            step=step,
            always_open=lambda: settings.always_open,
            price_bands=lambda: settings.price_bands,
        ),
        faults=faults,
        limits=RateLimits(),
        postbacks=Postbacks(sessions.accounts, faults, lambda: settings.postback_url),
        dump=dump,
    )
