"""How the official client reaches Kite: sessions, time-outs, the egress proxy.

The client is used as it is published. What it leaves to `requests` is decided here: nothing is retried,
redirects are not followed (a 307 would send an order a second time), and the environment's proxies and
`.netrc` are not read (the way an order takes is the account's, not the machine's).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from brokers.zerodha._kite import KiteConnect
from brokers.zerodha.credentials import Credentials

CONNECT_TIMEOUT = 2.0
"""Seconds to make a connection, for each address that the name has."""

READ_TIMEOUT = 7.0
"""Seconds without a byte before an answer is given up: kiteconnect's own default."""

HTTP_TIMEOUT = CONNECT_TIMEOUT + READ_TIMEOUT
"""Seconds after which a request has given up. A function's own time-out must be longer."""


@dataclass(slots=True)
class Wire:
    """One client and the HTTP status of its last answer, which kiteconnect does not always pass on.

    (Its DataException says 502 whatever the server said, so a plain-text 429 would look like an outage.)
    """

    kite: Any
    status: int | None = None

    def record(self, response: requests.Response, **_: object) -> None:
        self.status = response.status_code


def open_wire(credentials: Credentials, root: str | None, proxies: Mapping[str, str] | None = None) -> Wire:
    """A client of its own connection pool. `root` replaces https://api.kite.trade and has no path."""
    kite = KiteConnect(
        api_key=credentials.api_key,
        access_token=credentials.access_token or None,
        root=root,
        timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
        proxies=dict(proxies or {}),
    )
    wire = Wire(kite)
    session: requests.Session = kite.reqsession
    session.trust_env = False
    session.max_redirects = 0
    session.hooks["response"].append(wire.record)
    session.mount("https://", _VerifiedOnce(max_retries=0))
    session.mount("http://", HTTPAdapter(max_retries=0))
    return wire


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """The certificate authorities of `certifi`, read once.

    Left alone, requests reads the file again for every connection: 13 ms that each order would wait.
    """
    context = create_urllib3_context()
    context.load_verify_locations(certifi.where())
    return context


class _VerifiedOnce(HTTPAdapter):
    """HTTPS against `trust()`, to Kite and to a proxy alike. Certificates and names are verified as ever."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=trust(), **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=trust(), proxy_ssl_context=trust(), **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        if verify is True:
            conn.ca_certs = None  # they are in the context: don't read them again


@contextmanager
def sending(credentials: Credentials, root: str | None, proxy_url: str | None) -> Iterator[Wire]:
    """A client for one order call: a connection that nobody used before can't have been closed meanwhile."""
    wire = open_wire(credentials, root, {"http": proxy_url, "https": proxy_url} if proxy_url else None)
    try:
        yield wire
    finally:
        wire.kite.reqsession.close()


def check_proxy_url(proxy_url: str) -> str:
    """`proxy_url` if it names an HTTP proxy, with its port.

    Raises
    ------
    ValueError
        Otherwise. The message leaves out the URL, which may hold a password.
    """
    try:
        parts = urlsplit(proxy_url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("the egress proxy is not of the form http://[user:password@]host:port")
    return proxy_url


def secrets_of_proxy(proxy_url: str | None) -> tuple[str, ...]:
    """What of a proxy's URL must not appear in a log: its password, as written and as sent."""
    password = urlsplit(proxy_url or "").password
    return (password, unquote(password)) if password else ()
