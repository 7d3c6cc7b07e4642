"""What every broker adapter promises."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from brokers.model import (
    BrokerOrder,
    ChangeOutcome,
    Exchange,
    Fill,
    Funds,
    Instrument,
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

    def place(self, order: OrderRequest) -> PlaceOutcome: ...

    def modify(self, broker_order_id: str, *, price: Decimal) -> ChangeOutcome: ...

    def cancel(self, broker_order_id: str) -> ChangeOutcome: ...

    def orders(self) -> Sequence[BrokerOrder]:
        """The whole day's book, oldest first."""

    def trades(self) -> Sequence[Fill]: ...

    def positions(self) -> Sequence[NetPosition]: ...

    def funds(self) -> Funds:
        """What the account may still spend, and the margin and premium that its positions block."""
