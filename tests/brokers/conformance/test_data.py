"""Cases 101 to 105 and 801."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from brokers.errors import BrokerError, BrokerUnavailable, TokenExpired
from brokers.model import Right, Side
from brokers.protocol import Broker
from tests.brokers.conformance.venue import Mishap, Venue, find, on_tick, quote, request

pytestmark = pytest.mark.slow


def reads_of(venue: Venue, broker: Broker) -> dict[str, Callable[[], object]]:
    option = venue.option
    return {
        "session": broker.check_session,
        "instruments": lambda: list(broker.instruments(option.id.exchange)),
        "quotes": lambda: quote(broker, option),
        "orders": broker.orders,
        "trades": broker.trades,
        "positions": broker.positions,
        "funds": broker.funds,
    }


def test_101_a_live_session(venue: Venue) -> None:
    broker = venue.broker()
    broker.check_session()
    assert broker.account


def test_102_a_dead_session(venue: Venue) -> None:
    reads = reads_of(venue, venue.broker())
    venue.end_session()
    for read in reads.values():
        with pytest.raises(TokenExpired):
            read()


def test_103_instruments(venue: Venue) -> None:
    listed = list(venue.broker().instruments(venue.option.id.exchange))
    assert venue.option in listed
    assert len({one.id for one in listed}) == len(listed)
    for one in listed:
        assert one.id.exchange is venue.option.id.exchange
        assert one.lot_size > 0
        assert one.tick > 0
        assert (one.strike == 0) is (one.right is Right.FUT)


def test_104_quotes(venue: Venue) -> None:
    option, broker = venue.option, venue.broker()
    key = f"{option.id.exchange}:{option.symbol}"
    quotes = broker.quotes([key, f"{option.id.exchange}:NOSUCHCONTRACT"])
    assert set(quotes) == {key}
    one = quotes[key]
    assert one.bid is not None
    assert one.ask is not None
    assert 0 < one.bid < one.ask
    assert not [price for price in (one.last, one.bid, one.ask) if price % option.tick]
    assert one.at.tzinfo is not None


def test_105_nobody_there(venue: Venue) -> None:
    for read in reads_of(venue, venue.broker(reachable=False)).values():
        with pytest.raises(BrokerUnavailable):
            read()


def test_801_secrets_stay_secret(venue: Venue, caplog: pytest.LogCaptureFixture) -> None:
    option, said = venue.option, []
    with caplog.at_level(logging.DEBUG):
        broker = venue.broker()
        price = on_tick(quote(broker, option).last, option)
        for number, mishap in enumerate((Mishap.BAD_GATEWAY_LOST, Mishap.CLOSED_LOST, Mishap.RATE_LIMITED)):
            venue.mishap(mishap)
            said.append(repr(broker.place(request(option, f"S{number}", Side.BUY, price))))
        venue.end_session()
        said.append(repr(broker.place(request(option, "S9", Side.BUY, price))))
        for doubtful in (broker, venue.broker(reachable=False)):
            with pytest.raises(BrokerError) as raised:
                find(doubtful, "S1")
            said.append(f"{raised.value!r} {doubtful!r}")
    text = " ".join(said) + caplog.text
    assert not [secret for secret in venue.secrets if secret in text]
