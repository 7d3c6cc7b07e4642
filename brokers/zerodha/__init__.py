"""Zerodha (Kite Connect), through the official `kiteconnect` client.

`Zerodha` is one account behind the `Broker` protocol; `login_url` and `complete_login` make its daily session;
`parse_postback` reads the order updates that Kite posts. Facts about Kite that shaped the code stand where they
matter: `failures` for what an answer means, `http` for how an order travels.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from brokers.zerodha.credentials import Credentials
from brokers.zerodha.postback import BadChecksum, MalformedPostback, Postback, PostbackRefused, parse_postback

if TYPE_CHECKING:
    from brokers.zerodha.adapter import Zerodha
    from brokers.zerodha.http import HTTP_TIMEOUT
    from brokers.zerodha.session import complete_login, login_url

__all__ = [
    "HTTP_TIMEOUT",
    "BadChecksum",
    "Credentials",
    "MalformedPostback",
    "Postback",
    "PostbackRefused",
    "Zerodha",
    "complete_login",
    "login_url",
    "parse_postback",
]

_NEEDS_THE_CLIENT = {
    "Zerodha": "adapter",
    "HTTP_TIMEOUT": "http",
    "complete_login": "session",
    "login_url": "session",
}


def __getattr__(name: str) -> object:
    """Import what needs the HTTP client on first use: a Lambda that only verifies postbacks needs none."""
    if name not in _NEEDS_THE_CLIENT:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_NEEDS_THE_CLIENT[name]}"), name)
