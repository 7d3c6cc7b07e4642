"""JSON as it travels between states: never changed in place, serialized once.

Values are shared between states, events and iterations, so nothing here or elsewhere in the interpreter may
change one in place.
"""

from __future__ import annotations

import json
from typing import Any

Json = Any
"""A JSON value: dict, list, str, int, float, bool or None. Recursive types cost more than they tell here."""

MAX_PAYLOAD_BYTES = 262_144
"""256 KiB, the most that Step Functions passes on as input or output (service quotas)."""

MAX_EXPRESSION = 4 * MAX_PAYLOAD_BYTES
"""The most that an expression may stand for inside a state; what leaves the state is held to the payload's."""

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dumps(value: Json) -> str:
    """JSON the way Step Functions writes it: no spaces, text as it is."""
    return _encoder.encode(value)


def exceeds(value: Json, limit: int = MAX_PAYLOAD_BYTES) -> bool:
    """Would the JSON text surely be longer than `limit`? Stops counting there, however large the value is.

    Values are shared, so a small template over a large input can stand for gigabytes of text: whoever could
    have made such a value asks before it is written out. Characters and commas are counted, escapes are not.
    """
    size, stack = 0, [value]
    while stack and size <= limit:
        node = stack.pop()
        if isinstance(node, str):
            size += len(node) + 2
        elif isinstance(node, dict):
            size += 2 + sum(len(name) + 4 for name in node)
            stack.extend(node.values())
        elif isinstance(node, list):
            size += 1 + len(node)
            stack.extend(node if len(node) <= limit else ())
        else:
            size += 1
    return size > limit


class Data:
    """A value together with its JSON text, which is made when it is first asked for."""

    __slots__ = ("_text", "value")

    def __init__(self, value: Json, text: str | None = None) -> None:
        self.value = value
        self._text = text

    @classmethod
    def parse(cls, text: str) -> Data:
        """Keeps the text as it was given.

        Raises
        ------
        ValueError
            If the text is not JSON.
        """
        return cls(json.loads(text), text)

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = dumps(self.value)
        return self._text

    @property
    def length(self) -> int:
        """Characters of the text, if it was ever asked for."""
        return 0 if self._text is None else len(self._text)

    @property
    def too_large(self) -> bool:
        """Over 256 KiB as UTF-8. A character is at most 4 bytes, so most texts need no encoding to know."""
        text = self.text
        if len(text) * 4 <= MAX_PAYLOAD_BYTES:
            return False
        return len(text.encode("utf-8", "surrogatepass")) > MAX_PAYLOAD_BYTES
