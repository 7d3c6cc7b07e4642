"""What every broker adapter promises."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from brokers.model import (
    Bar,
    BrokerOrder,
    ChangeOutcome,
    Exchange,
    Fill,
    Funds,
    Instrument,
    InstrumentId,
    NetPosition,
    OrderRequest,
    PlaceOutcome,
    Quote,
)


class Broker(Protocol):
    """One logged-in account at one broker.

    Reads raise `brokers.errors.BrokerError`. Writes return their outcome as a value, are sent exactly once,
    and never retry: whether to send again is the platform's decision, after a look at the order book.
    """

    @property
    def account(self) -> str: ...

    def check_session(self) -> None:
        """Raise `TokenExpired` unless the broker still takes this session."""

    def instruments(
        self, exchange: Exchange, underlyings: Collection[str] | None = None
    ) -> Iterator[Instrument]:
        """Options and futures listed today on `exchange`, all or those of `underlyings`."""

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Newest quotes by `EXCHANGE:SYMBOL`, at most 500 a call. What the broker doesn't know is absent."""

    def indices(self) -> Mapping[str, InstrumentId]:
        """The indices it quotes, by `EXCHANGE:SYMBOL`."""

    def bars(self, instrument: InstrumentId, *, minutes: int, start: datetime, end: datetime) -> Sequence[Bar]:
        """Historical bars of 1, 3, 5, 10, 15, 30 or 60 minutes that begin at `start` or later and are over by
        `end`, oldest first. A long span takes several calls, three a second at Kite."""

    def place(self, order: OrderRequest) -> PlaceOutcome: ...

    def modify(self, broker_order_id: str, *, price: Decimal) -> ChangeOutcome: ...

    def cancel(self, broker_order_id: str) -> ChangeOutcome: ...

    def orders(self) -> Sequence[BrokerOrder]:
        """The whole day's book, oldest first."""

    def trades(self) -> Sequence[Fill]: ...

    def positions(self) -> Sequence[NetPosition]: ...

    def funds(self) -> Funds:
        """What the account may still spend, and the margin and premium that its positions block."""
