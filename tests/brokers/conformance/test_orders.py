"""Cases 201 to 604."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from brokers.model import (
    Accepted,
    NotSent,
    NotSentCause,
    OrderStatus,
    Placed,
    PlaceOutcome,
    Rejected,
    Side,
    Unknown,
)
from brokers.protocol import Broker
from tests.brokers.conformance.venue import Mishap, Treatment, Venue, find, on_tick, quote, request, until

pytestmark = pytest.mark.slow
TAG = "N0123456789ABCDEF101"


def buy_now(venue: Venue, broker: Broker, tag: str = TAG, side: Side = Side.BUY) -> PlaceOutcome:
    """Send an order that the market takes at once."""
    seen = quote(broker, venue.option)
    away = Decimal("1.1") if side is Side.BUY else Decimal("0.9")
    return broker.place(request(venue.option, tag, side, on_tick(seen.last * away, venue.option)))


def buy_later(venue: Venue, broker: Broker, tag: str = TAG) -> PlaceOutcome:
    """Send an order that rests far below the market."""
    price = on_tick(quote(broker, venue.option).last * Decimal("0.8"), venue.option)
    return broker.place(request(venue.option, tag, Side.BUY, price))


def working(venue: Venue, broker: Broker, tag: str = TAG) -> str:
    """The id of an order that rests at the exchange."""
    buy_later(venue, broker, tag)
    return until(broker, tag, lambda order: order.status is OrderStatus.OPEN).broker_order_id


def filled(venue: Venue, broker: Broker, tag: str = TAG) -> str:
    buy_now(venue, broker, tag)
    return until(broker, tag, lambda order: order.status is OrderStatus.FILLED).broker_order_id


def test_201_a_fill(venue: Venue) -> None:
    broker = venue.broker()
    outcome = buy_now(venue, broker)
    assert isinstance(outcome, Placed)
    order = until(broker, TAG, lambda order: order.status.terminal)
    assert order.broker_order_id == outcome.broker_order_id
    assert (order.status, order.filled_quantity) == (OrderStatus.FILLED, 2 * venue.option.lot_size)
    assert 0 < order.average_price <= order.price
    trades = [trade for trade in broker.trades() if trade.broker_order_id == order.broker_order_id]
    assert sum(trade.quantity for trade in trades) == order.filled_quantity
    value = sum((trade.price * trade.quantity for trade in trades), Decimal(0))
    assert abs(value / order.filled_quantity - order.average_price) < Decimal("0.01")
    assert {trade.side for trade in trades} == {Side.BUY}


def test_202_a_resting_order(venue: Venue) -> None:
    broker = venue.broker()
    outcome = buy_later(venue, broker)
    assert isinstance(outcome, Placed)
    order = until(broker, TAG, lambda order: order.status is OrderStatus.OPEN)
    assert (order.broker_order_id, order.filled_quantity) == (outcome.broker_order_id, 0)
    assert (order.symbol, order.side, order.quantity) == (
        venue.option.symbol,
        Side.BUY,
        2 * venue.option.lot_size,
    )


def test_203_a_partial_fill(venue: Venue) -> None:
    broker = venue.broker()
    venue.treat(Treatment.HALF_FILLED)
    buy_now(venue, broker)
    order = until(broker, TAG, lambda order: order.filled_quantity > 0)
    assert (order.status, order.filled_quantity) == (OrderStatus.OPEN, venue.option.lot_size)
    assert order.average_price > 0


def test_204_a_rejection_by_the_exchange(venue: Venue) -> None:
    broker = venue.broker()
    venue.treat(Treatment.REJECT)
    assert isinstance(buy_now(venue, broker), Placed)
    order = until(broker, TAG, lambda order: order.status.terminal)
    assert (order.status, order.filled_quantity) == (OrderStatus.REJECTED, 0)
    assert order.reason


def test_205_a_broken_rule(venue: Venue) -> None:
    broker, option = venue.broker(), venue.option
    good = request(option, TAG, Side.BUY, on_tick(quote(broker, option).last, option))
    odd_price = dataclasses.replace(good, price=good.price + option.tick / 2)
    odd_quantity = dataclasses.replace(good, quantity=option.lot_size + 1)
    odd_symbol = dataclasses.replace(good, symbol="NOSUCHCONTRACT")
    for wrong in (odd_price, odd_quantity, odd_symbol):
        outcome = broker.place(wrong)
        assert isinstance(outcome, Rejected), outcome
        assert outcome.reason
    assert list(venue.ledger()) == []
    assert find(broker, TAG) is None


def test_206_a_tag_that_is_too_long(venue: Venue) -> None:
    broker = venue.broker()
    assert isinstance(buy_now(venue, broker, "N" * 21), Rejected)
    assert list(venue.ledger()) == []


def test_207_a_dead_session(venue: Venue) -> None:
    broker = venue.broker()
    price = on_tick(quote(broker, venue.option).last, venue.option)
    venue.end_session()
    outcome = broker.place(request(venue.option, TAG, Side.BUY, price))
    assert_not_sent(venue, outcome, NotSentCause.TOKEN)


def test_208_too_many_requests(venue: Venue) -> None:
    venue.mishap(Mishap.RATE_LIMITED)
    assert_not_sent(venue, buy_now(venue, venue.broker()), NotSentCause.RATE_LIMIT)


def test_209_nobody_there(venue: Venue) -> None:
    price = on_tick(quote(venue.broker(), venue.option).last, venue.option)
    outcome = venue.broker(reachable=False).place(request(venue.option, TAG, Side.BUY, price))
    assert_not_sent(venue, outcome, NotSentCause.CONNECT)


def test_210_an_egress_that_is_down(venue: Venue) -> None:
    broker = venue.broker(dead_proxy=True)
    assert_not_sent(venue, buy_now(venue, broker), NotSentCause.CONNECT)
    assert list(broker.orders()) == []


def test_211_an_address_that_is_not_registered(venue: Venue) -> None:
    venue.mishap(Mishap.ADDRESS_REFUSED)
    assert_not_sent(venue, buy_now(venue, venue.broker()), NotSentCause.EGRESS)


def assert_not_sent(venue: Venue, outcome: PlaceOutcome, cause: NotSentCause) -> None:
    assert isinstance(outcome, NotSent), outcome
    assert outcome.cause is cause
    assert list(venue.ledger()) == []


def test_212_the_order_of_the_book(venue: Venue) -> None:
    broker = venue.broker()
    price = on_tick(quote(broker, venue.option).last * Decimal("0.8"), venue.option)
    tags = ["N1", "N2", "N3"]
    for lots, tag in enumerate(tags, 1):
        broker.place(request(venue.option, tag, Side.BUY, price, lots))
    book = broker.orders()
    assert [order.tag for order in book] == tags
    assert [order.quantity // venue.option.lot_size for order in book] == [1, 2, 3]


def lost_but_accepted(venue: Venue, mishap: Mishap) -> None:
    broker = venue.broker()
    venue.mishap(mishap)
    outcome = buy_now(venue, broker)
    assert isinstance(outcome, Unknown), outcome
    order = until(broker, TAG, lambda order: order.status is OrderStatus.FILLED)
    assert order.filled_quantity == 2 * venue.option.lot_size
    assert list(venue.ledger()) == [TAG], "sent once, accepted once"


def lost_altogether(venue: Venue, mishap: Mishap) -> None:
    broker = venue.broker()
    venue.mishap(mishap)
    outcome = buy_now(venue, broker)
    assert isinstance(outcome, Unknown), outcome
    venue.let_time_pass(30)
    assert find(broker, TAG) is None
    assert list(venue.ledger()) == []


def test_301_no_reply_accepted(venue: Venue) -> None:
    lost_but_accepted(venue, Mishap.HANG_ACCEPTED)


def test_302_no_reply_not_accepted(venue: Venue) -> None:
    lost_altogether(venue, Mishap.HANG_LOST)


def test_303_bad_gateway_accepted(venue: Venue) -> None:
    lost_but_accepted(venue, Mishap.BAD_GATEWAY_ACCEPTED)


def test_304_bad_gateway_not_accepted(venue: Venue) -> None:
    lost_altogether(venue, Mishap.BAD_GATEWAY_LOST)


def test_305_timed_out_accepted(venue: Venue) -> None:
    lost_but_accepted(venue, Mishap.TIMED_OUT_ACCEPTED)


def test_306_timed_out_not_accepted(venue: Venue) -> None:
    lost_altogether(venue, Mishap.TIMED_OUT_LOST)


def test_307_garbled_accepted(venue: Venue) -> None:
    lost_but_accepted(venue, Mishap.GARBLED_ACCEPTED)


def test_308_garbled_not_accepted(venue: Venue) -> None:
    lost_altogether(venue, Mishap.GARBLED_LOST)


def test_309_closed_accepted(venue: Venue) -> None:
    lost_but_accepted(venue, Mishap.CLOSED_ACCEPTED)


def test_310_closed_not_accepted(venue: Venue) -> None:
    lost_altogether(venue, Mishap.CLOSED_LOST)


def test_311_a_book_that_lags(venue: Venue) -> None:
    broker = venue.broker()
    venue.treat(Treatment.SHOWN_LATE)
    venue.mishap(Mishap.BAD_GATEWAY_ACCEPTED)
    assert isinstance(buy_now(venue, broker), Unknown)
    assert find(broker, TAG) is None
    venue.let_time_pass(25)
    assert until(broker, TAG, lambda order: order.status.terminal).status is OrderStatus.FILLED


def test_401_moving_a_limit(venue: Venue) -> None:
    broker = venue.broker()
    order_id = working(venue, broker)
    before = find(broker, TAG)
    assert before is not None
    wanted = before.price + venue.option.tick
    assert isinstance(broker.modify(order_id, price=wanted), Accepted)
    after = until(broker, TAG, lambda order: order.price == wanted)
    assert (after.broker_order_id, after.quantity) == (order_id, before.quantity)


def test_402_moving_to_the_market(venue: Venue) -> None:
    broker = venue.broker()
    order_id = working(venue, broker)
    venue.let_time_pass(2)
    price = on_tick(quote(broker, venue.option).last * Decimal("1.1"), venue.option)
    assert isinstance(broker.modify(order_id, price=price), Accepted)
    assert until(broker, TAG, lambda order: order.status.terminal).status is OrderStatus.FILLED


def test_403_moving_what_has_filled(venue: Venue) -> None:
    broker = venue.broker()
    outcome = broker.modify(filled(venue, broker), price=Decimal(100))
    assert isinstance(outcome, Rejected), outcome


def test_404_a_modification_without_reply(venue: Venue) -> None:
    broker = venue.broker()
    order_id = working(venue, broker)
    before = find(broker, TAG)
    assert before is not None
    wanted = before.price + venue.option.tick
    venue.mishap(Mishap.BAD_GATEWAY_ACCEPTED, "modify")
    assert isinstance(broker.modify(order_id, price=wanted), Unknown)
    assert until(broker, TAG, lambda order: order.price == wanted).status is OrderStatus.OPEN


def test_405_moving_what_is_not_there(venue: Venue) -> None:
    assert isinstance(venue.broker().modify("999999999999999", price=Decimal(100)), Rejected)


def test_501_cancelling(venue: Venue) -> None:
    broker = venue.broker()
    assert isinstance(broker.cancel(working(venue, broker)), Accepted)
    order = until(broker, TAG, lambda order: order.status.terminal)
    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELLED, 0)


def test_502_cancelling_keeps_fills(venue: Venue) -> None:
    broker = venue.broker()
    venue.treat(Treatment.HALF_FILLED)
    buy_now(venue, broker)
    half = until(broker, TAG, lambda order: order.filled_quantity > 0)
    assert isinstance(broker.cancel(half.broker_order_id), Accepted)
    order = until(broker, TAG, lambda order: order.status.terminal)
    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELLED, venue.option.lot_size)
    assert order.average_price == half.average_price


def test_503_cancelling_what_has_filled(venue: Venue) -> None:
    broker = venue.broker()
    assert isinstance(broker.cancel(filled(venue, broker)), Rejected)


def test_504_cancelling_too_late(venue: Venue) -> None:
    broker = venue.broker()
    venue.treat(Treatment.CANCEL_COMES_LATE)
    assert isinstance(broker.cancel(working(venue, broker)), Accepted)
    assert until(broker, TAG, lambda order: order.status.terminal).status is OrderStatus.FILLED


def test_505_a_cancellation_without_reply(venue: Venue) -> None:
    broker = venue.broker()
    order_id = working(venue, broker)
    venue.mishap(Mishap.CLOSED_ACCEPTED, "cancel")
    assert isinstance(broker.cancel(order_id), Unknown)
    assert until(broker, TAG, lambda order: order.status.terminal).status is OrderStatus.CANCELLED


def test_506_cancelling_what_is_not_there(venue: Venue) -> None:
    assert isinstance(venue.broker().cancel("999999999999999"), Rejected)


def net(venue: Venue, broker: Broker) -> int:
    return sum(one.quantity for one in broker.positions() if one.symbol == venue.option.symbol)


def test_601_positions_are_signed_units(venue: Venue) -> None:
    broker = venue.broker()
    buy_now(venue, broker, side=Side.SELL)
    order = until(broker, TAG, lambda order: order.status is OrderStatus.FILLED)
    (position,) = [one for one in broker.positions() if one.symbol == venue.option.symbol]
    assert position.quantity == -2 * venue.option.lot_size
    assert abs(position.average_price - order.average_price) < Decimal("0.01")


def test_602_closing_is_flat(venue: Venue) -> None:
    broker = venue.broker()
    filled(venue, broker)
    assert net(venue, broker) == 2 * venue.option.lot_size
    venue.let_time_pass(2)
    buy_now(venue, broker, "X0123456789ABCDEF101", Side.SELL)
    until(broker, "X0123456789ABCDEF101", lambda order: order.status is OrderStatus.FILLED)
    assert net(venue, broker) == 0


def test_603_the_brokers_own_profit(venue: Venue) -> None:
    broker = venue.broker()
    buy_now(venue, broker, side=Side.SELL)
    sold = until(broker, TAG, lambda order: order.status is OrderStatus.FILLED)
    venue.let_time_pass(2)
    (position,) = [one for one in broker.positions() if one.symbol == venue.option.symbol]
    expected = sold.filled_quantity * (sold.average_price - position.last)
    assert position.last > 0
    assert abs(position.profit - expected) < Decimal("0.05")


def test_604_a_sold_option_blocks_funds(venue: Venue) -> None:
    broker = venue.broker()
    before = broker.funds()
    buy_now(venue, broker, side=Side.SELL)
    until(broker, TAG, lambda order: order.status is OrderStatus.FILLED)
    during = broker.funds()
    assert during.blocked > before.blocked == 0
    assert during.available < before.available
    venue.let_time_pass(2)
    buy_now(venue, broker, "X0123456789ABCDEF101", Side.BUY)
    until(broker, "X0123456789ABCDEF101", lambda order: order.status is OrderStatus.FILLED)
    assert broker.funds().blocked == 0
