"""Which address an account's orders really leave from.

Brokers take orders only from the address registered for the account. A proxy that was moved or set up wrongly
would have every order of the day refused, so it is asked before anything is planned.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

import requests

from brokers.errors import EgressRefused

ECHO = "https://checkip.amazonaws.com"
"""Answers with the caller's address."""

_CONNECT, _READ = 2.0, 5.0


def secret_name(egress: str) -> str:
    """Of the secret that holds an egress's `proxy_url`, beside the accounts': no account has a small letter."""
    return f"egress/{egress}"


@dataclass(frozen=True, slots=True)
class EchoedAddress:
    """Asks a server that answers with the address it sees. `proxy_of` knows each egress's proxy."""

    proxy_of: Callable[[str], str]
    url: str = ECHO

    def address(self, egress: str) -> str:
        proxy_url = self.proxy_of(egress)
        session = requests.Session()
        session.trust_env = False
        session.proxies = {"http": proxy_url, "https": proxy_url}
        try:
            answer = session.get(self.url, timeout=(_CONNECT, _READ))
            answer.raise_for_status()
            return str(ipaddress.ip_address(answer.text.strip().strip('"')))
        except (requests.RequestException, ValueError):
            # The error's own words hold the proxy's address, and with it perhaps its password.
            raise EgressRefused(
                "the egress does not answer, so no order could leave: look at its proxy"
            ) from None
        finally:
            session.close()
