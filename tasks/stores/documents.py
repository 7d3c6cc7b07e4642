"""JSON documents as attributes of an item: text while small, so that people can read it, packed when large.

DynamoDB takes 400 KB an item and charges by the kilobyte; a chain or a quote snapshot packs to a fifth.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.stores.wire import Stored

_READABLE = 8_192
_FASTEST = 1


def pack(document: dict[str, Any]) -> dict[str, str | bytes]:
    """The attribute that holds the document.

    Raises
    ------
    TypeError
        If it is not JSON-shaped: decimals travel as text.
    """
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if len(text) <= _READABLE:
        return {"document": text}
    return {"packed": zlib.compress(text.encode(), _FASTEST)}


def unpack(item: Mapping[str, Stored]) -> dict[str, Any]:
    packed = item.get("packed")
    text = zlib.decompress(bytes(packed["B"])).decode() if packed else str(item["document"]["S"])
    document: dict[str, Any] = json.loads(text)
    return document
