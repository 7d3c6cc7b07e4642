"""Order updates that Kite posts to the app's URL.

The checksum is SHA-256 of order_id, order_timestamp and the app's secret: it proves who sent the update, but
the other fields are not covered by it. Apply an update forward only, and let the order book have the last word.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from brokers.clock import IST
from brokers.model import BrokerOrder
from brokers.zerodha.books import order_of, time_of

MAX_BODY = 64 * 1024
"""Bytes. A real postback has about 1 KB."""


class PostbackRefused(Exception):
    """This body changes nothing. The message holds nothing of the body's text."""


class MalformedPostback(PostbackRefused):
    """Not a postback of Kite's: too long, not JSON, or fields are missing."""


class BadChecksum(PostbackRefused):
    """Not sent by Kite for this account's app, or altered on the way."""


@dataclass(frozen=True, slots=True)
class Postback:
    """Which account (Zerodha's user id) an update is for, and the order as it now is.

    `body` is what Kite wrote, without the checksum: whoever has that can guess at the app's secret.
    """

    account: str
    order: BrokerOrder
    body: Mapping[str, Any] = field(default_factory=dict)


def parse_postback(body: bytes, api_secret: str) -> Postback:
    """The update in `body`, if `api_secret` proves it.

    Raises
    ------
    MalformedPostback
        If it is longer than `MAX_BODY`, not JSON, or lacks a field.
    BadChecksum
        If the checksum is not that of this secret.
    ValueError
        If `api_secret` is empty: everybody can compute that checksum.
    """
    if not api_secret:
        raise ValueError("no api_secret: without it a postback can't be verified")
    fields = _fields(body)
    _verify(fields, api_secret)
    try:
        placed_at = time_of(fields["order_timestamp"])
        if placed_at is None:
            raise ValueError("order_timestamp is empty")
        order = order_of(fields, placed_at.astimezone(IST))
        words = {name: value for name, value in fields.items() if name != "checksum"}
        return Postback(_text(fields, "user_id"), order, words)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedPostback(f"a field is missing or wrong ({type(error).__name__})") from None


def checksum_of(order_id: str, order_timestamp: str, api_secret: str) -> str:
    """Kite's checksum, in hexadecimal."""
    return hashlib.sha256(f"{order_id}{order_timestamp}{api_secret}".encode()).hexdigest()


def _fields(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY:
        raise MalformedPostback(f"{len(body)} bytes are more than {MAX_BODY}")
    try:
        fields = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # 64 KB of "[" would nest deeper than Python goes
        raise MalformedPostback("not JSON") from None
    if not isinstance(fields, dict):
        raise MalformedPostback("not a JSON object")
    return fields


def _verify(fields: dict[str, Any], api_secret: str) -> None:
    expected = checksum_of(_text(fields, "order_id"), _text(fields, "order_timestamp"), api_secret)
    given = _text(fields, "checksum").encode("utf-8", "replace")
    if not hmac.compare_digest(given, expected.encode()):
        raise BadChecksum("the checksum is not that of this account's app")


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise MalformedPostback(f"{name} is missing or not a text")
    return value


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
