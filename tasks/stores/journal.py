"""The ports to the journal of events and to the read-models folded from it.

An aggregate is one item of one table, so that its events are in the order of its changes. Whatever a table's
stream delivers twice is recorded once: the head of an aggregate holds the stream position it has come to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict


class Recorded(BaseModel):
    """One event as it stands in the `events` table and travels on the bus.

    `sequence` counts an aggregate's events from 1 without a gap. `cause` is the stream position of the change
    it came from: several events of one change share it. `version` is that of the schema of `data`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    aggregate: str
    sequence: int
    type: str
    version: int
    at: datetime
    user_id: str
    cause: str
    data: dict[str, Any]

    @property
    def event_id(self) -> str:
        return f"{self.aggregate}@{self.sequence}"


@dataclass(frozen=True, slots=True)
class Head:
    """How far an aggregate has come: its last sequence, and the stream position of the last change seen."""

    last: int = 0
    position: str = ""


class EventStore(Protocol):
    def head(self, aggregate: str) -> Head: ...

    def append(self, aggregate: str, events: Sequence[Recorded], *, after: Head, position: str) -> bool:
        """Write the events and move the head, all or nothing. False if the head is no longer `after`."""

    def read(self, aggregate: str) -> Sequence[Recorded]:
        """All events of an aggregate in order, strongly consistent."""

    def everything(self) -> Iterator[Recorded]:
        """Every event there is, each aggregate's own in order: for a rebuild."""


@dataclass(frozen=True, slots=True)
class ViewRow:
    """One read-model document. `sequence` is the sum of its aggregates' sequences, None is one that is gone."""

    owner: str
    item: str
    sequence: int
    document: dict[str, Any] | None


class ViewStore(Protocol):
    """The read-models. What is gone stays as a row without a document, so that it can't come back."""

    def get(self, owner: str, item: str) -> dict[str, Any] | None: ...

    def list(self, owner: str, prefix: str) -> Sequence[dict[str, Any]]:
        """The documents of the items that begin with `prefix`, by item."""

    def row(self, owner: str, item: str) -> ViewRow | None:
        """With its sequence, also where it is gone."""

    def put(self, row: ViewRow) -> bool:
        """Write it unless what stands is as new or newer; False then."""

    def replace(self, row: ViewRow) -> None:
        """Write it whatever stands: only a rebuild may."""

    def forget(self, owner: str, item: str) -> None:
        """Remove a row that no event speaks of: only a rebuild may."""

    def everything(self) -> Iterator[ViewRow]: ...
