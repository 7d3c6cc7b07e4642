"""One stream with the account's newest token: a login needs no restart.

Kite ends every session at 06:00 and a person logs in later. A stream that is refused is left alone until the
account's secret holds another token; a token that changes while the stream is up replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from brokers.model import InstrumentId
from brokers.stream import Stream

LOOK_EVERY = 10.0
"""Seconds between two looks at the secret while the stream is up."""

WAITING_LOOKS_EVERY = 2.0

Secret = Mapping[str, str]


@dataclass(slots=True)
class Session:
    """Called on one thread, except `refused`.

    Parameters
    ----------
    secret
        The account's, as it is now; None without one.
    open_stream
        A stream with that secret, not connected yet.
    """

    secret: Callable[[], Secret | None]
    open_stream: Callable[[Secret], Stream]
    stopwatch: Callable[[], float]
    closed: Callable[[], None] = lambda: None
    """Called when a stream was closed."""
    _stream: Stream | None = None
    _token: str = field(default="", repr=False)
    _refused: str = field(default="", repr=False)
    _looked_at: float | None = None
    _wanted: Mapping[str, InstrumentId] = field(default_factory=dict)

    @property
    def waits_for_login(self) -> bool:
        """There is no session to connect with."""
        return self._stream is None

    def step(self) -> None:
        """See whether there is a new token, and go on with that."""
        now = self.stopwatch()
        if self._stream is not None and self._token == self._refused:
            self._close()
        every = LOOK_EVERY if self._stream is not None else WAITING_LOOKS_EVERY
        if self._looked_at is not None and now - self._looked_at < every:
            return
        self._looked_at = now
        secret = self.secret()
        token = secret.get("access_token", "") if secret else ""
        if secret is None or not token or token in (self._token, self._refused):
            return
        self._close()
        self._token = token
        self._stream = self.open_stream(secret)
        self._stream.follow(self._wanted)
        self._stream.connect()

    def follow(self, wanted: Mapping[str, InstrumentId]) -> None:
        if wanted != self._wanted:
            self._wanted = dict(wanted)
            if self._stream is not None:
                self._stream.follow(self._wanted)

    def refused(self) -> None:
        """The broker no longer takes the token. (Called on the stream's thread.)"""
        self._refused = self._token

    def close(self) -> None:
        """Until the next `step`."""
        self._close()
        self._token = ""
        self._looked_at = None

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self.closed()
