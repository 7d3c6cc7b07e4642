"""Cases 701 to 706."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from brokers.model import BrokerOrder, OrderStatus, Side
from brokers.protocol import Broker
from tests.brokers.conformance.venue import Treatment, Venue, eventually, find, on_tick, quote, request, until

pytestmark = pytest.mark.slow
TAG = "N0123456789ABCDEF101"


def buy(venue: Venue, broker: Broker) -> None:
    price = on_tick(quote(broker, venue.option).last * Decimal("1.1"), venue.option)
    broker.place(request(venue.option, TAG, Side.BUY, price))


def posted(venue: Venue, wanted: Callable[[BrokerOrder], bool]) -> bytes:
    """The first body whose order is as `wanted`."""

    def look() -> bytes | None:
        return next((body for body in venue.updates() if wanted(venue.understand(body))), None)

    return eventually(look)


def test_701_a_fill_is_posted(venue: Venue) -> None:
    broker = venue.broker()
    buy(venue, broker)
    update = venue.understand(posted(venue, lambda order: order.status is OrderStatus.FILLED))
    booked = find(broker, TAG)
    assert booked is not None
    assert (update.tag, update.broker_order_id) == (TAG, booked.broker_order_id)
    assert (update.filled_quantity, update.average_price) == (booked.filled_quantity, booked.average_price)
    assert (update.status, update.side, update.symbol) == (booked.status, booked.side, booked.symbol)


def test_702_a_rejection_is_posted(venue: Venue) -> None:
    venue.treat(Treatment.REJECT)
    buy(venue, venue.broker())
    update = venue.understand(posted(venue, lambda order: order.status is OrderStatus.REJECTED))
    assert (update.tag, update.filled_quantity) == (TAG, 0)
    assert update.reason


def test_703_a_cancellation_with_fills_is_posted(venue: Venue) -> None:
    broker = venue.broker()
    venue.treat(Treatment.HALF_FILLED)
    buy(venue, broker)
    half = until(broker, TAG, lambda order: order.filled_quantity > 0)
    broker.cancel(half.broker_order_id)
    update = venue.understand(posted(venue, lambda order: order.status is OrderStatus.CANCELLED))
    assert (update.filled_quantity, update.average_price) == (venue.option.lot_size, half.average_price)


def test_704_a_bad_checksum_is_refused(venue: Venue) -> None:
    buy(venue, venue.broker())
    body = posted(venue, lambda order: order.status is OrderStatus.FILLED)
    with pytest.raises(venue.refusal):
        venue.understand(venue.spoil(body))


def test_705_a_repeated_update_is_the_same(venue: Venue) -> None:
    buy(venue, venue.broker())
    body = posted(venue, lambda order: order.status is OrderStatus.FILLED)
    assert venue.understand(body) == venue.understand(bytes(body))


def test_706_another_apps_secret_proves_nothing(venue: Venue) -> None:
    buy(venue, venue.broker())
    body = posted(venue, lambda order: order.status is OrderStatus.FILLED)
    with pytest.raises(venue.refusal):
        venue.understand_with_another_secret(body)
