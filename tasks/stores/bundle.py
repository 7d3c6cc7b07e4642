"""All the tables a task may need, in one hand."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.stores.feed_ports import BarStore, FeedStateStore, LeaseStore, QuoteStore
from tasks.stores.halts import HaltStore
from tasks.stores.journal import EventStore, ViewStore
from tasks.stores.ports import (
    CallbackStore,
    CatalogStore,
    MarketStore,
    OrderStore,
    PaceStore,
    PositionStore,
    RunStore,
)


@dataclass(frozen=True, slots=True)
class Stores:
    orders: OrderStore
    positions: PositionStore
    runs: RunStore
    callbacks: CallbackStore
    catalog: CatalogStore
    market: MarketStore
    views: ViewStore
    events: EventStore
    pace: PaceStore
    halts: HaltStore
    quotes: QuoteStore
    bars: BarStore
    leases: LeaseStore
    feeds: FeedStateStore
