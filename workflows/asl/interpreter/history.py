"""The history of an execution, in the form GetExecutionHistory gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows.asl.interpreter.data import Data, Json

MAX_EVENTS = 25_000
"""Event 25,000 is the failure itself, and event 24,999 the last one the machine produced (measured on AWS)."""


MAX_CHARACTERS = 128 * 1_048_576
"""Of inputs and outputs in one history. AWS has no such limit; here histories are held in memory."""


class HistoryFull(Exception):
    """The next event would be the last that a history can hold; the message is the execution's cause."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `details` is None where AWS gives none; `at` is in seconds since the epoch."""

    id: int
    previous: int
    type: str
    at: float
    details_name: str | None = None
    details: dict[str, Json | Data] | None = None

    def render(self, *, include_data: bool = True) -> dict[str, Json]:
        """As JSON for the API; without data, inputs and outputs are left out, as includeExecutionData asks."""
        event: dict[str, Json] = {
            "timestamp": self.at,
            "type": self.type,
            "id": self.id,
            "previousEventId": self.previous,
        }
        if self.details_name is not None and self.details is not None:
            event[self.details_name] = _rendered(self.details, include_data)
        return event


def _rendered(details: dict[str, Json | Data], include_data: bool) -> dict[str, Json]:
    out: dict[str, Json] = {}
    for name, value in details.items():
        if not isinstance(value, Data):
            out[name] = value
        elif include_data:
            out[name] = value.text
            if name in ("input", "output"):
                out[f"{name}Details"] = {"truncated": False}
    return out


@dataclass(slots=True)
class History:
    events: list[Event] = field(default_factory=list)
    characters: int = 0
    """Of the inputs and outputs, each counted once though two events may share it."""
    _last: Data | None = None

    def add(
        self,
        type_: str,
        previous: int,
        at: float,
        details_name: str | None = None,
        details: dict[str, Json | Data] | None = None,
        *,
        last: bool = False,
    ) -> int:
        """Append an event and give its id. `last` marks the event that ends the execution.

        Raises
        ------
        HistoryFull
            If only the place for the last event is left, or the data is more than memory should hold.
        """
        number = len(self.events) + 1
        if number >= MAX_EVENTS and not last:
            raise HistoryFull(f"The execution reached the maximum number of history events ({MAX_EVENTS}).")
        self._measure(details or {})
        if self.characters > MAX_CHARACTERS and not last:
            raise HistoryFull(f"The execution's history holds more than {MAX_CHARACTERS} characters of data.")
        self.events.append(Event(number, previous, type_, at, details_name, details))
        return number

    def _measure(self, details: Mapping[str, Json | Data]) -> None:
        for value in details.values():
            if isinstance(value, Data) and value is not self._last:
                self.characters += value.length
                self._last = value

    @property
    def newest(self) -> int:
        return len(self.events)
