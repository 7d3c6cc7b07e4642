"""People whose data was erased: a list that does not say who they are, and what is done to their rows.

A user's id and accounts are kept as digests, each with the pseudonym that stands in their place. Rows that
arrive late, from a queue or a redriven dead letter, get the pseudonym too: nobody comes back.

What the law makes a broker's client keep (orders, positions, runs: `Kind.kept`) stays under the pseudonym. The
rest of a user's rows is dropped.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from tasks.lake.messages import Landing
from tasks.lake.schemas import Kind
from tasks.objects import REGISTER, Objects

_WORDS = (
    re.compile(r"[^:#/\s,\"{}\[\]]+"),
    re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    re.compile(r"[A-Za-z0-9]+"),
)
"""What may be a name within a text: a part of an aggregate, a user's id, an account within a run's key."""


@lru_cache(maxsize=65536)
def digest(word: str) -> str:
    """What the register knows a name by."""
    return hashlib.sha256(f"algo erasure {word}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Erasures:
    """Whom to make unknown.

    Attributes
    ----------
    pseudonyms
        By the digest of a user's id or account, what is written instead.
    """

    pseudonyms: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, objects: Objects) -> Erasures:
        found = objects.get(REGISTER)
        return cls(json.loads(found)) if found else cls()

    def save(self, objects: Objects) -> None:
        objects.put(REGISTER, json.dumps(dict(self.pseudonyms), sort_keys=True, indent=1).encode())

    def with_names(self, names: Mapping[str, str]) -> Erasures:
        """`names`: what identifies somebody, and what stands for it."""
        return Erasures({**self.pseudonyms, **{digest(name): stand_in for name, stand_in in names.items()}})

    def of(self, name: str) -> str:
        """What stands for a name; empty if nobody of that name was erased."""
        return self.pseudonyms.get(digest(name), "")

    def concerns(self, row: Mapping[str, Any]) -> bool:
        """Is this a row of somebody who was erased?"""
        names = (row.get("user_id"), row.get("owner"), row.get("account"))
        return any(name and digest(name) in self.pseudonyms for name in names)

    def applied(self, landing: Landing) -> Landing | None:
        """The row without the person; None where nothing of it may stay."""
        if not self.pseudonyms or not self.concerns(landing.row):
            return landing
        row = self.without_names(landing.kind, landing.row)
        return None if row is None else replace(landing, row=row)

    def without_names(self, kind: Kind, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """A row of a person who was erased, as it may stay. Its event id says nothing of anybody, and stays."""
        if not kind.kept:
            return None
        return {name: value if name == "event_id" else self._unknown(value) for name, value in row.items()}

    def _unknown(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._unknown(each) for each in value]
        return self.unnamed(value) if isinstance(value, str) else value

    def unnamed(self, text: str) -> str:
        """A text in which everybody who was erased has a pseudonym."""
        for words in _WORDS:
            text = words.sub(lambda found: self.pseudonyms.get(digest(found[0]), found[0]), text)
        return text
