"""What a failed call means: the one place where exceptions become outcomes and errors.

=============================================  ============  ==================
what came back                                 of a send     of a read
=============================================  ============  ==================
no connection was ever made                    NotSent       BrokerUnavailable
HTTP 429                                       NotSent       RateLimited
TokenException                                 NotSent       TokenExpired
"IP (...) is not allowed"                      NotSent       EgressRefused
PermissionException                            NotSent       RequestRefused
400 "... timed out, check the order book ..."  Unknown       BrokerUnavailable
any other 4xx with Kite's envelope             Rejected      RequestRefused
5xx, garbled, closed, timed out, anything new  Unknown       BrokerUnavailable
=============================================  ============  ==================
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from brokers.errors import (
    BrokerError,
    BrokerUnavailable,
    EgressRefused,
    RateLimited,
    RequestRefused,
    TokenExpired,
)
from brokers.model import NotSent, NotSentCause, Rejected, Unknown
from brokers.zerodha._kite import kite_errors

_PERHAPS_PLACED = re.compile(r"tim(?:ed|e)[\s-]?out|check the order\s?book", re.IGNORECASE)
_ADDRESS_REFUSED = re.compile(r"\bIP\b.*\bnot allowed\b|unregistered IP|static IP", re.IGNORECASE | re.DOTALL)
_TUNNEL_REFUSED = re.compile(r"^Tunnel connection failed: (\d{3})")
_LONGEST_REASON = 300

_REFUSALS = (kite_errors.InputException, kite_errors.OrderException, kite_errors.GeneralException)
"""The classes of a clean no. GeneralException is among them because kiteconnect 5.2.2 knows no MarginException,
HoldingException or UserException and raises GeneralException instead."""


class Meaning(Enum):
    """What is known after a call that did not succeed."""

    NEVER_CONNECTED = auto()
    RATE_LIMITED = auto()
    TOKEN_OVER = auto()
    ADDRESS_REFUSED = auto()
    NOT_PERMITTED = auto()
    REFUSED = auto()
    SAYS_NOTHING = auto()


_NOT_SENT = {
    Meaning.NEVER_CONNECTED: NotSentCause.CONNECT,
    Meaning.RATE_LIMITED: NotSentCause.RATE_LIMIT,
    Meaning.TOKEN_OVER: NotSentCause.TOKEN,
    Meaning.ADDRESS_REFUSED: NotSentCause.EGRESS,
    Meaning.NOT_PERMITTED: NotSentCause.EGRESS,
}

_READ_ERRORS: dict[Meaning, type[BrokerError]] = {
    Meaning.NEVER_CONNECTED: BrokerUnavailable,
    Meaning.RATE_LIMITED: RateLimited,
    Meaning.TOKEN_OVER: TokenExpired,
    Meaning.ADDRESS_REFUSED: EgressRefused,
    Meaning.NOT_PERMITTED: RequestRefused,
    Meaning.REFUSED: RequestRefused,
    Meaning.SAYS_NOTHING: BrokerUnavailable,
}


def send_outcome(
    error: Exception, status: int | None, secrets: tuple[str, ...]
) -> Rejected | NotSent | Unknown:
    """What became of an order call that raised `error` after the HTTP answer `status` (None: no answer)."""
    meaning = meaning_of(error, status)
    reason = reason_of(error, secrets)
    if meaning is Meaning.REFUSED:
        return Rejected(reason)
    cause = _NOT_SENT.get(meaning)
    return NotSent(cause, reason) if cause else Unknown(reason)


def read_error(error: Exception, status: int | None, secrets: tuple[str, ...], account: str) -> BrokerError:
    """The error to raise for a read that raised `error`."""
    return _READ_ERRORS[meaning_of(error, status)](reason_of(error, secrets), account=account)


def meaning_of(error: Exception, status: int | None) -> Meaning:
    """What is known after `error`. Whatever is not recognised says nothing."""
    if status == 429:
        return Meaning.RATE_LIMITED
    if isinstance(error, requests.ConnectionError):
        return _meaning_of_connection(error)
    if isinstance(error, kite_errors.KiteException):
        return _meaning_of_answer(error)
    return Meaning.SAYS_NOTHING


def _meaning_of_answer(error: Exception) -> Meaning:
    """Kite's own words, by class and HTTP code."""
    code, message = getattr(error, "code", 500), str(error)
    if not 400 <= code < 500 or code == 408:
        return Meaning.SAYS_NOTHING
    if _ADDRESS_REFUSED.search(message):
        return Meaning.ADDRESS_REFUSED
    if isinstance(error, kite_errors.TokenException):
        return Meaning.TOKEN_OVER
    if isinstance(error, kite_errors.PermissionException):
        return Meaning.NOT_PERMITTED
    if _PERHAPS_PLACED.search(message):
        return Meaning.SAYS_NOTHING
    return Meaning.REFUSED if isinstance(error, _REFUSALS) else Meaning.SAYS_NOTHING


def _meaning_of_connection(error: requests.ConnectionError) -> Meaning:
    """Only a connection that was never made surely carried nothing.

    `requests` raises the same ConnectionError for a server that read the order and then closed.
    """
    for cause in _causes(error):
        if isinstance(cause, NewConnectionError | ConnectTimeoutError):
            return Meaning.NEVER_CONNECTED
        refused = _TUNNEL_REFUSED.match(str(cause)) if isinstance(cause, OSError) else None
        if refused:  # raised by http.client before a byte of the request itself
            return Meaning.ADDRESS_REFUSED if refused[1] in ("403", "407") else Meaning.NEVER_CONNECTED
    return Meaning.SAYS_NOTHING


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what requests and urllib3 wrapped in it.

    Not by `__context__`: that would find an unrelated error that the caller happened to be handling.
    """
    found: object = error
    while isinstance(found, BaseException):
        yield found
        if isinstance(found, MaxRetryError):
            found = found.reason
        else:
            found = next((part for part in found.args if isinstance(part, BaseException)), None)


def reason_of(error: Exception, secrets: tuple[str, ...]) -> str:
    """The broker's words or the failure's, short and without secrets."""
    words = " ".join(str(error).split()) or "no message"
    for secret in secrets:
        words = words.replace(secret, "***")
    if not isinstance(error, kite_errors.KiteException):
        words = f"{type(error).__name__}: {words}"
    return words if len(words) <= _LONGEST_REASON else words[: _LONGEST_REASON - 1] + "…"
