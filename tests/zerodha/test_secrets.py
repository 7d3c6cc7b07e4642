"""No key, secret or token in a repr, an outcome, an error, a traceback or a log."""

from __future__ import annotations

import logging
import traceback

import pytest

from brokers.clock import FixedClock
from brokers.errors import BrokerError
from brokers.zerodha import Zerodha
from brokers.zerodha.adapter import Zerodha as Adapter
from tests.zerodha.loopback import Loopback, answer, refusal
from tests.zerodha.samples import CREDENTIALS, NOW, ORDER, Connect

HIDDEN = (*CREDENTIALS.secrets, "pppassword")
PARROT = f"you sent token {CREDENTIALS.api_key}:{CREDENTIALS.access_token} and {CREDENTIALS.api_secret}"


def assert_clean(text: str) -> None:
    assert not [secret for secret in HIDDEN if secret in text]


def test_reprs_hide_secrets(connect: Connect) -> None:
    assert_clean(repr(CREDENTIALS) + str(CREDENTIALS) + repr(connect("http://127.0.0.1:9")))
    assert Zerodha is Adapter
    assert "ZA1234" in repr(CREDENTIALS)


@pytest.mark.parametrize("action", [answer(502, PARROT, "text/html"), refusal(400, "InputException", PARROT)])
def test_a_broker_that_repeats_our_secrets_does_not_spread_them(
    action: object, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), Loopback([action]) as kite:  # type: ignore[list-item]
        broker = connect(kite.url)
        assert_clean(repr(broker.place(ORDER)))
        with pytest.raises(BrokerError) as raised:
            broker.orders()
    assert_clean("".join(traceback.format_exception(raised.value)))
    assert_clean(caplog.text)


def test_a_proxys_password_stays_hidden(caplog: pytest.LogCaptureFixture) -> None:
    def broker(proxy: str) -> Zerodha:
        url = f"http://user:pppassword@{proxy}"
        return Zerodha(CREDENTIALS, clock=FixedClock(NOW), root="http://kite.invalid", proxy_url=url)

    with caplog.at_level(logging.DEBUG):
        with Loopback([answer(407, "no: pppassword", "text/plain")]) as proxy:
            refused = broker(f"127.0.0.1:{proxy.port}").place(ORDER)
        down = broker("127.0.0.1:9").place(ORDER)
    assert_clean(f"{refused} {down} {broker('127.0.0.1:9')!r}")
    assert_clean(caplog.text)


def test_long_answers_are_cut(connect: Connect) -> None:
    with Loopback([answer(502, "x" * 100_000, "text/html")]) as kite:
        assert len(repr(connect(kite.url).place(ORDER))) < 400
