"""The feed as the conductor sees it: what it has under way, and how far the clock may jump past ticks."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from localstack.conductor import Idleness, Pace


@dataclass(frozen=True, slots=True)
class Feeding:
    """One feed at `url`. One that doesn't run has nothing to say.

    Parameters
    ----------
    runs
        Whether there is one.
    """

    url: str
    runs: Callable[[], bool]

    def look(self) -> Idleness:
        answer = self._ask("GET", "/_local/idle") if self.runs() else None
        return Idleness(int(answer["busy"]) if answer else 0, None)

    def stirring(self) -> Idleness:
        return self.look()

    def pace(self) -> Pace | None:
        """None where nobody would miss a tick. `ready`: its stream is up, so that no tick passes it by."""
        answer = self._ask("POST", "/_local/follow") if self.runs() else None
        if answer is None or answer["stride"] is None:
            return None
        return Pace(
            stride=timedelta(seconds=answer["stride"]),
            opens=datetime.fromisoformat(answer["opens"]),
            closes=datetime.fromisoformat(answer["closes"]),
            ready=bool(answer["ready"]),
        )

    def _ask(self, method: str, path: str) -> dict[str, Any] | None:
        """None if it is just dying or just being born: somebody starts it again."""
        data = b"{}" if method == "POST" else None
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)  # noqa: S310  (our own)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
        except (urllib.error.URLError, OSError):
            return None
        return found
