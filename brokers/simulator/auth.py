"""Accounts, the login with its request token, and sessions that end at 06:00 IST."""

from __future__ import annotations

import hashlib
import hmac
import random
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from brokers.clock import IST
from brokers.simulator.replies import token_refused

END_OF_SESSION = time(6, 0)


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the broker and its API key. `access_token` is one to accept from the start."""

    user_id: str
    api_key: str
    api_secret: str = field(repr=False)
    access_token: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Account:
        """An account from `USER:API_KEY:API_SECRET[:ACCESS_TOKEN]`.

        Raises
        ------
        ValueError
            If `text` has another form.
        """
        parts = text.split(":")
        if len(parts) not in (3, 4) or not all(parts):
            raise ValueError("expected USER:API_KEY:API_SECRET or USER:API_KEY:API_SECRET:ACCESS_TOKEN")
        return cls(*parts)


def session_end(at: datetime) -> datetime:
    """When a session that began at `at` ends: the next 06:00 IST."""
    end = datetime.combine(at.date(), END_OF_SESSION, IST)
    return end if at < end else end + timedelta(days=1)


class Sessions:
    """Who is logged in. Tokens come from the seed, so that a run can be repeated."""

    def __init__(self, accounts: tuple[Account, ...], seed: int) -> None:
        self.accounts = {account.user_id: account for account in accounts}
        self._by_key = {account.api_key: account for account in accounts}
        self._dice = random.Random(f"sessions/{seed}")
        self._requests: dict[str, str] = {}
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def open_given(self, at: datetime) -> None:
        """Log in the accounts that came with a token."""
        for account in self.accounts.values():
            if account.access_token:
                self.open(account, at, account.access_token)

    def open(self, account: Account, at: datetime, token: str = "") -> str:
        """Begin a session and return its access token. The account's earlier sessions end."""
        self.expire(account.user_id)
        token = token or self._random()
        self._tokens[token] = (account.user_id, session_end(at))
        return token

    def expire(self, user_id: str) -> None:
        """End the account's sessions."""
        self._tokens = {token: s for token, s in self._tokens.items() if s[0] != user_id}

    def request_token(self, api_key: str) -> str:
        """What a login page hands to the redirect URL: good for one exchange."""
        account = self._known(api_key)
        token = self._random()
        self._requests[token] = account.user_id
        return token

    def owner(self, api_key: str) -> str:
        """The user id of the account that an API key belongs to."""
        return self._known(api_key).user_id

    def exchange(self, api_key: str, request_token: str, checksum: str, at: datetime) -> tuple[Account, str]:
        """Trade a request token for an access token. The checksum is sha256(key + request token + secret)."""
        account = self._known(api_key)
        expected = hashlib.sha256(f"{api_key}{request_token}{account.api_secret}".encode()).hexdigest()
        if not hmac.compare_digest(expected, checksum):
            raise token_refused("Invalid `checksum`.")
        if self._requests.pop(request_token, None) != account.user_id:
            raise token_refused("Token is invalid or has expired.")
        return account, self.open(account, at)

    def check(self, authorization: str, at: datetime) -> Account:
        """The account that a request's `Authorization: token key:token` belongs to.

        Raises
        ------
        KiteError
            403 TokenException: no such session, or it has ended.
        """
        key, _, token = authorization.removeprefix("token ").partition(":")
        user_id, ends = self._tokens.get(token, ("", at))
        account = self.accounts.get(user_id)
        if account is None or account.api_key != key or at >= ends:
            raise token_refused()
        return account

    def close(self, access_token: str) -> None:
        self._tokens.pop(access_token, None)

    def _known(self, api_key: str) -> Account:
        account = self._by_key.get(api_key)
        if account is None:
            raise token_refused("Invalid `api_key`.")
        return account

    def _random(self) -> str:
        return f"{self._dice.getrandbits(160):040x}"[:32]
