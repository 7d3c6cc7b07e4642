"""What an account needs to talk to Kite, kept out of every repr."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

_HEADER_SAFE = re.compile(r"[\x21-\x7e]*")


@dataclass(frozen=True, slots=True)
class Credentials:
    """One account's app at Zerodha.

    Parameters
    ----------
    account
        The platform's id of the broker account.
    api_key, api_secret
        The app's, from developers.kite.trade.
    access_token
        Of the day's session; empty before the login. Ends at 06:00 IST.
    user_id
        Zerodha's id of the person, where it differs from `account`.

    Raises
    ------
    ValueError
        If the account or the key is missing, or a value could not travel in an HTTP header. Names the field,
        never its value.
    """

    account: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    access_token: str = field(default="", repr=False)
    user_id: str = ""

    def __post_init__(self) -> None:
        for name in ("account", "api_key"):
            if not getattr(self, name):
                raise ValueError(f"Zerodha credentials: {name} is missing")
        for name in ("api_key", "access_token"):
            if not _HEADER_SAFE.fullmatch(getattr(self, name)):
                raise ValueError(
                    f"Zerodha credentials of {self.account}: {name} holds blanks or odd characters"
                )
        if not self.user_id:
            object.__setattr__(self, "user_id", self.account)

    @classmethod
    def from_secret(cls, account: str, secret: Mapping[str, str]) -> Credentials:
        """From the account's secret: `api_key`, `api_secret`, `access_token`, `user_id`."""
        return cls(
            account=account,
            api_key=secret.get("api_key", ""),
            api_secret=secret.get("api_secret", ""),
            access_token=secret.get("access_token", ""),
            user_id=secret.get("user_id", ""),
        )

    def with_token(self, access_token: str) -> Credentials:
        return replace(self, access_token=access_token)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that must not appear in a log, longest first."""
        values = (self.api_key, self.api_secret, self.access_token)
        return tuple(sorted(filter(None, values), key=len, reverse=True))
