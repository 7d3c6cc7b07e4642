"""Brokers by name."""

from __future__ import annotations

import pytest

from brokers.clock import FixedClock
from brokers.registry import UnknownBroker, connect, supported
from brokers.zerodha import Zerodha
from tests.zerodha.loopback import Loopback, success
from tests.zerodha.samples import NOW

SECRET = {"broker": "zerodha", "api_key": "k", "api_secret": "s", "access_token": "t", "user_id": "ZA1234"}


def test_zerodha_by_name() -> None:
    with Loopback([success({"user_id": "ZA1234"})]) as kite:
        broker = connect("zerodha", SECRET, account="ZA1234", clock=FixedClock(NOW), root=kite.url)
        broker.check_session()
    assert isinstance(broker, Zerodha)
    assert broker.account == "ZA1234"


@pytest.mark.parametrize("name", ["", "kite", "ZERODHA"])
def test_an_unknown_broker_is_told_which_there_are(name: str) -> None:
    with pytest.raises(UnknownBroker, match=f"no broker '{name}': there is zerodha"):
        connect(name, SECRET, account="ZA1234", clock=FixedClock(NOW))
    assert supported() == ("zerodha",)


def test_a_secret_without_a_key_names_the_field() -> None:
    with pytest.raises(ValueError, match="api_key is missing"):
        connect("zerodha", {}, account="ZA1234", clock=FixedClock(NOW))
