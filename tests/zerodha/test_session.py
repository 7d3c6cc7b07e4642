"""The daily login."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from brokers.errors import BrokerUnavailable, RequestRefused, TokenExpired
from brokers.zerodha import Credentials, complete_login, login_url
from tests.zerodha.loopback import Loopback, answer, refusal, success
from tests.zerodha.samples import CREDENTIALS

SESSION = {"user_id": "ZA1234", "access_token": "newtoken", "login_time": "2026-11-23 08:55:00"}


def test_the_login_page() -> None:
    assert login_url(CREDENTIALS) == "https://kite.zerodha.com/connect/login?api_key=kkkkeyvalue&v=3"


def test_the_login_page_carries_what_should_come_back() -> None:
    url = login_url(CREDENTIALS, carry={"account": "ZA1234", "state": "x&y"})
    assert url.endswith("&redirect_params=account%3DZA1234%26state%3Dx%2526y")


def test_a_request_token_becomes_a_session() -> None:
    with Loopback([success(SESSION)]) as kite:
        renewed = complete_login(CREDENTIALS, "rrrequest", root=kite.url)
        (sent,) = kite.requests
    assert renewed.access_token == "newtoken"
    assert (renewed.account, renewed.api_secret) == (CREDENTIALS.account, CREDENTIALS.api_secret)
    assert (sent.method, sent.target) == ("POST", "/session/token")
    assert "authorization" not in sent.headers
    proof = hashlib.sha256(b"kkkkeyvalue" + b"rrrequest" + b"sssecretvalue").hexdigest()
    assert sent.form["checksum"] == [proof]
    assert CREDENTIALS.api_secret.encode() not in sent.body


def test_kites_sample_of_a_session(kite_data: Path) -> None:
    answer_of_kite = json.loads((kite_data / "responses" / "generate_session.json").read_text())["data"]
    credentials = Credentials(answer_of_kite["user_id"], "k", "s")
    with Loopback([success(answer_of_kite)]) as kite:
        assert complete_login(credentials, "r", root=kite.url).access_token == answer_of_kite["access_token"]


def test_a_request_token_that_is_over_means_log_in_again() -> None:
    with (
        Loopback([refusal(403, "TokenException", "Token is invalid or has expired: rrrequest")]) as kite,
        pytest.raises(TokenExpired) as raised,
    ):
        complete_login(CREDENTIALS, "rrrequest", root=kite.url)
    assert "rrrequest" not in str(raised.value)


def test_somebody_elses_login_is_refused() -> None:
    with (
        Loopback([success(SESSION | {"user_id": "XY9999"})]) as kite,
        pytest.raises(RequestRefused, match="XY9999 logged in, but the account belongs to ZA1234"),
    ):
        complete_login(CREDENTIALS, "r", root=kite.url)


def test_a_login_without_a_token_is_none() -> None:
    odd = [success(SESSION | {"access_token": ""}), success({}), answer(502, "", "text/html")]
    with Loopback(odd) as kite:
        for _ in odd:
            with pytest.raises(BrokerUnavailable):
                complete_login(CREDENTIALS, "r", root=kite.url)


def test_credentials_name_the_field_that_is_wrong_and_never_its_value() -> None:
    with pytest.raises(ValueError, match="api_key is missing"):
        Credentials("ZA1234", "", "s")
    with pytest.raises(ValueError, match="access_token holds blanks") as wrong:
        Credentials("ZA1234", "k", "s", "hidden\r\nX-Evil: 1")
    assert "hidden" not in str(wrong.value)


def test_the_account_is_the_user_unless_told_otherwise() -> None:
    assert Credentials("ZA1234", "k", "s").user_id == "ZA1234"
    secret = {"broker": "zerodha", "api_key": "k", "api_secret": "s", "access_token": "t", "user_id": "AB1234"}
    credentials = Credentials.from_secret("ZA1234", secret)
    assert (credentials.account, credentials.user_id) == ("ZA1234", "AB1234")
