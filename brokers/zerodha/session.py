"""The daily login: a person opens a page at Zerodha and comes back with a request token.

Kite offers no login without a person (2FA), and a session ends at 06:00 IST the next day at the latest.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from brokers.errors import BrokerUnavailable, RequestRefused
from brokers.zerodha.credentials import Credentials
from brokers.zerodha.failures import read_error
from brokers.zerodha.http import open_wire


def login_url(credentials: Credentials, *, carry: Mapping[str, str] | None = None) -> str:
    """The page the person has to open. Kite appends `carry` to the address it sends the person back to."""
    url: str = open_wire(credentials, None).kite.login_url()
    return f"{url}&{urlencode({'redirect_params': urlencode(carry)})}" if carry else url


def complete_login(credentials: Credentials, request_token: str, *, root: str | None = None) -> Credentials:
    """Exchange the `request_token` (single use, short-lived) for the day's session.

    Raises
    ------
    TokenExpired
        If Kite does not take the request token: log in again.
    RequestRefused
        If somebody else than the account's owner logged in.
    BrokerError
        For everything else that can go wrong with a read.
    """
    wire = open_wire(credentials.with_token(""), root)
    secrets = (*credentials.secrets, request_token) if request_token else credentials.secrets
    try:
        answer = wire.kite.generate_session(request_token, api_secret=credentials.api_secret)
    except Exception as error:  # noqa: BLE001  (every failure has a meaning, see `failures`)
        raise read_error(error, wire.status, secrets, credentials.account) from None
    finally:
        wire.kite.reqsession.close()
    return credentials.with_token(_token_of(answer, credentials))


def _token_of(answer: Mapping[str, object], credentials: Credentials) -> str:
    token, user_id = answer.get("access_token"), answer.get("user_id")
    if not isinstance(token, str) or not token:
        raise BrokerUnavailable("Kite's answer to the login holds no access token", account=credentials.account)
    if user_id != credentials.user_id:
        raise RequestRefused(
            f"{user_id} logged in, but the account belongs to {credentials.user_id}",
            account=credentials.account,
        )
    return token
