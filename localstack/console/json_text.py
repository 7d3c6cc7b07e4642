"""The JSON that travels in histories as text."""

from __future__ import annotations

import json
from typing import Any


def parsed(text: object) -> Any:
    """What the text says, or None if it is no JSON (or was cut off)."""
    if not isinstance(text, str):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
