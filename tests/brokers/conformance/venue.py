"""What the cases need of an exchange in order to make things happen there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeVar

from brokers.model import BrokerOrder, Instrument, OrderRequest, Product, Quote, Side
from brokers.protocol import Broker

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds of wall time for something to happen at a venue."""


class Mishap(StrEnum):
    """What a venue can be told to do to the next request."""

    HANG_ACCEPTED = "hang_accepted"
    HANG_LOST = "hang_lost"
    BAD_GATEWAY_ACCEPTED = "bad_gateway_accepted"
    BAD_GATEWAY_LOST = "bad_gateway_lost"
    TIMED_OUT_ACCEPTED = "timed_out_accepted"
    TIMED_OUT_LOST = "timed_out_lost"
    GARBLED_ACCEPTED = "garbled_accepted"
    GARBLED_LOST = "garbled_lost"
    CLOSED_ACCEPTED = "closed_accepted"
    CLOSED_LOST = "closed_lost"
    RATE_LIMITED = "rate_limited"
    ADDRESS_REFUSED = "address_refused"


class Treatment(StrEnum):
    """What a venue can be told to do with the next order that it accepts."""

    REJECT = "reject"
    HALF_FILLED = "half_filled"
    SHOWN_LATE = "shown_late"
    CANCEL_COMES_LATE = "cancel_comes_late"


class Venue(Protocol):
    """One exchange with one account, empty at the beginning of each case."""

    @property
    def option(self) -> Instrument:
        """A contract with a market on both sides."""

    @property
    def secrets(self) -> Sequence[str]: ...

    def broker(self, *, reachable: bool = True, dead_proxy: bool = False) -> Broker:
        """A new adapter for the account."""

    def end_session(self) -> None: ...

    def mishap(self, kind: Mishap, request: str = "place") -> None:
        """Strike the next `request`: place, modify or cancel."""

    def treat(self, kind: Treatment) -> None:
        """Do it to the next order that is placed."""

    def let_time_pass(self, seconds: float) -> None:
        """Move the venue's clock on."""

    def ledger(self) -> Sequence[str]:
        """The tags of all orders the venue accepted, from its own records: the truth."""

    def updates(self) -> Sequence[bytes]:
        """The bodies that were posted to the account's app so far."""

    def understand(self, body: bytes) -> BrokerOrder:
        """The adapter's reading of a posted body. Raises `refusal` if it must not be believed."""

    def understand_with_another_secret(self, body: bytes) -> BrokerOrder: ...

    def spoil(self, body: bytes) -> bytes:
        """`body` with a checksum that is not its own."""

    @property
    def refusal(self) -> type[Exception]: ...


def eventually(look: Callable[[], T | None]) -> T:
    """What `look` finds once it finds something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing came within {PATIENCE} s")


def find(broker: Broker, tag: str) -> BrokerOrder | None:
    """The order with this tag; at most one may have it."""
    found = [order for order in broker.orders() if order.tag == tag]
    assert len(found) <= 1, f"{len(found)} orders with the tag {tag}"
    return found[0] if found else None


def until(broker: Broker, tag: str, reached: Callable[[BrokerOrder], bool]) -> BrokerOrder:
    """The order with this tag, once it is as `reached` wants it."""

    def look() -> BrokerOrder | None:
        order = find(broker, tag)
        return order if order is not None and reached(order) else None

    return eventually(look)


def quote(broker: Broker, option: Instrument) -> Quote:
    key = f"{option.id.exchange}:{option.symbol}"
    return broker.quotes([key])[key]


def request(option: Instrument, tag: str, side: Side, price: Decimal, lots: int = 2) -> OrderRequest:
    return OrderRequest(
        tag, option.id.exchange, option.symbol, side, lots * option.lot_size, price, Product.MIS
    )


def on_tick(price: Decimal, option: Instrument) -> Decimal:
    """`price` rounded down to the tick, at least one tick."""
    return max(price // option.tick * option.tick, option.tick)
