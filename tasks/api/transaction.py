"""One command: read what stands, decide, write it all in one transaction with the client's idempotency key.

The key's item and the changes are written together, so the same command sent twice has one effect and one
answer, whoever of the two comes first. Keys are kept for two days.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tasks.api.here import Here
from tasks.api.problems import Conflict, VersionNeeded
from tasks.domain import items
from tasks.domain.stored import version_of
from tasks.stores.ports import Change

KEPT = timedelta(days=2)
MOST_CHANGES = 100
"""DynamoDB takes no more in one transaction."""

_RACES = 6
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a command decided: the changes, and the answer to the client."""

    changes: Sequence[Change]
    answer: dict[str, Any]


def perform(here: Here, decide: Callable[[], Effect], *, key: str = "", body: object = None) -> dict[str, Any]:
    """Do the command once, and give its answer; with a key that was used before, that command's answer.

    `decide` reads and decides; it is asked again if what it read has changed before its changes were written.

    Raises
    ------
    Conflict
        If the key was used for something else, or others are always faster.
    """
    fingerprint = _fingerprint(here, body)
    for _ in range(_RACES):
        done = _answered(here, key, fingerprint)
        if done is not None:
            return done
        effect = decide()
        changes = [*effect.changes, *_remember(here, key, fingerprint, effect.answer)]
        if len(changes) > MOST_CHANGES:
            raise Conflict("that is too much for one command: do it in parts")
        if not changes or not here.stores.catalog.commit(changes):
            return effect.answer
    raise Conflict("others are changing the same thing at this moment: try again")


def expect(document: Mapping[str, Any], if_match: str | None, *, needed: bool = True) -> int:
    """The version that stands, if it is the one that the client has seen.

    Raises
    ------
    VersionNeeded
        If the client named none and `needed` says it must.
    Conflict
        With the version that stands, if it is another.
    """
    version = version_of(document)
    seen = (if_match or "").strip().removeprefix("W/").strip('"')
    if not seen and needed:
        raise VersionNeeded(f'say which version you saw: If-Match: "{version}"')
    if seen not in ("", "*", str(version)):
        raise Conflict(f"it was changed meanwhile: version {version} stands", version=version)
    return version


def made_id(here: Here, key: str, name: str, *, longest: int, nth: int = 0) -> str:
    """An id for people and machines: the name's words, and ten characters that nobody else has.

    The same command (of the same user and key) makes the same id again.
    """
    digest = hashlib.sha256(f"{here.user_id}|{here.method} {here.path}|{key}|{nth}".encode()).digest()
    number = int.from_bytes(digest[:8], "big")
    tail = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(45, -1, -5))
    words = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower())
    slug = "-".join(word for word in words.split("-") if word)[: longest - len(tail) - 1].strip("-")
    return f"{slug}-{tail}" if slug else tail


def _answered(here: Here, key: str, fingerprint: str) -> dict[str, Any] | None:
    if not key:
        return None
    known = here.stores.catalog.get(here.user_id, items.idempotency(key))
    if known is None:
        return None
    if known["fingerprint"] != fingerprint:
        raise Conflict("this Idempotency-Key was used for another command")
    answer: dict[str, Any] = known["answer"]
    return answer


def _remember(here: Here, key: str, fingerprint: str, answer: dict[str, Any]) -> list[Change]:
    if not key:
        return []
    document = {"fingerprint": fingerprint, "answer": answer, "at": here.now.isoformat()}
    item = items.idempotency(key)
    return [Change(here.user_id, item, document, 0, expires_at=here.now + KEPT)]


def _fingerprint(here: Here, body: object) -> str:
    said = json.dumps([here.method, here.path, body], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()
