"""Lists in pages, with tokens that say where to go on."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from localstack.stepfunctions.errors import ApiError, invalid

T = TypeVar("T")

DEFAULT_PAGE = 100
MAX_PAGE = 1000


def page(
    items: Sequence[T], limit: int | None, token: str | None, *, newest_first: bool = False
) -> tuple[Sequence[T], str | None]:
    """One page and the token of the next. A limit of 0 means the default, 100.

    A list with the newest first grows at its beginning: its tokens count from the end, so that no page repeats
    or leaves out what was there before.

    Raises
    ------
    ApiError
        ValidationException for a limit over 1000, InvalidToken for a token that is not ours.
    """
    size = page_size(limit)
    start = position(token) or 0
    if newest_first and token:
        start = max(0, len(items) - start)
    end = start + size
    if end >= len(items):
        return items[start:end], None
    return items[start:end], token_after(len(items) - end if newest_first else end)


def page_size(limit: int | None) -> int:
    """Raises ApiError(ValidationException)."""
    limit = limit or DEFAULT_PAGE
    if not isinstance(limit, int) or not 0 < limit <= MAX_PAGE:
        raise invalid("maxResults", limit, "Member must have value less than or equal to 1000")
    return limit


def token_after(place: int) -> str:
    return base64.urlsafe_b64encode(f"after:{place}".encode()).decode()


def position(token: str | None) -> int | None:
    """Where a token says to go on; None without a token. Raises ApiError(InvalidToken)."""
    if not token:
        return None
    try:
        label, _, place = base64.urlsafe_b64decode(token).decode().partition(":")
        if label == "after":
            return int(place)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'")
