"""Timestamps of the Amazon States Language: RFC 3339, with an upper-case T and either Z or an offset.

Times inside the interpreter are seconds since the epoch (UTC) as a float, kept to the millisecond, as AWS does.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))\Z"
)


def parse(text: object) -> float | None:
    """Seconds since the epoch, or None if `text` is not such a timestamp."""
    if not isinstance(text, str):
        return None
    found = _RFC3339.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    if found[8]:
        offset = timedelta(hours=int(found[9]), minutes=int(found[10]))
        moment -= offset if found[8] == "+" else -offset
    fraction = float(f"0.{found[7]}") if found[7] else 0.0
    return moment.timestamp() + fraction


def render(at: float) -> str:
    """The form of `$$.Execution.StartTime` and `$$.State.EnteredTime`: 2026-11-23T04:00:00.123Z."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def milliseconds(at: float) -> float:
    return round(at, 3)
