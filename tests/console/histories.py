"""Histories for tests, written as short as they can be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

BEGIN = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


class History:
    """Events with numbers and times; each follows the one before, unless `after` says otherwise."""

    def __init__(self, *, previous: bool = True) -> None:
        self.events: list[dict[str, Any]] = []
        self._tells_previous = previous

    def add(self, kind: str, *, after: int | None = None, **details: Any) -> int:
        number = len(self.events) + 1
        event: dict[str, Any] = {"id": number, "type": kind, "timestamp": BEGIN + timedelta(seconds=number)}
        if self._tells_previous:
            event["previousEventId"] = number - 1 if after is None else after
        if details:
            told = {
                key: json.dumps(value) if key in ("input", "output") else value
                for key, value in details.items()
            }
            event[f"{kind[0].lower()}{kind[1:]}EventDetails"] = told
        self.events.append(event)
        return number

    def enter(self, name: str, kind: str = "Task", *, after: int | None = None, data: Any = None) -> int:
        number = self.add(f"{kind}StateEntered", after=after)
        self.events[-1]["stateEnteredEventDetails"] = {"name": name, "input": json.dumps(data or {})}
        return number

    def leave(self, name: str, kind: str = "Task", *, after: int | None = None, data: Any = None) -> int:
        number = self.add(f"{kind}StateExited", after=after)
        self.events[-1]["stateExitedEventDetails"] = {"name": name, "output": json.dumps(data or {})}
        return number
