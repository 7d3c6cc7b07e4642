"""The kill switch's flags: who may enter nothing, since when, and who said so.

A *place* is held: everything (`ALL`), what is a user's (`USER#{user_id}`), or one account
(`ACCOUNT#{account}`). A command writes the place that it is about first, and after it each account under it:
the account's own flag is read in the transaction that sends an order. One account can be held by several
scopes, and is free when none of them holds it any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

from tasks.stores.wire import attributes

if TYPE_CHECKING:
    from tasks.stores.table import DynamoTable

ITEM = "HALT"
_PREFIX = "HALT#"
_HELD = "held_"


class Scope(StrEnum):
    """How far the command reached that holds a place."""

    ACCOUNT = "ACCOUNT"
    USER = "USER"
    ALL = "ALL"


EVERYTHING = Scope.ALL.value


def of_user(user_id: str) -> str:
    return f"{Scope.USER}#{user_id}"


def of_account(account: str) -> str:
    return f"{Scope.ACCOUNT}#{account}"


class Halt(BaseModel):
    """Why a place is held. `by` is the user who said so, `user_id` whose it is; empty for everybody's."""

    model_config = ConfigDict(frozen=True)

    place: str
    scope: Scope
    at: datetime
    by: str
    reason: str = ""
    user_id: str = ""


class HaltStore(Protocol):
    """Reads are strongly consistent."""

    def hold(self, halt: Halt) -> None:
        """Hold the place. Held by that scope already, the first word stands."""

    def release(self, place: str, scope: Scope) -> None:
        """That scope holds the place no longer. If it did not, nothing happens."""

    def held(self, places: Iterable[str]) -> dict[str, list[Halt]]:
        """What holds each place; those that are free are left out."""


class MemoryHalts:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._halts: dict[str, dict[Scope, Halt]] = {}

    def hold(self, halt: Halt) -> None:
        with self._lock:
            self._halts.setdefault(halt.place, {}).setdefault(halt.scope, halt)

    def release(self, place: str, scope: Scope) -> None:
        with self._lock:
            self._halts.get(place, {}).pop(scope, None)

    def held(self, places: Iterable[str]) -> dict[str, list[Halt]]:
        with self._lock:
            found = {place: list(self._halts.get(place, {}).values()) for place in places}
        return {place: halts for place, halts in found.items() if halts}


class DynamoHalts:
    """One item for each place in `runs`, with an attribute for each scope that holds it."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def hold(self, halt: Halt) -> None:
        said = halt.model_dump(mode="json", include={"at", "by", "reason"})
        held = _HELD + halt.scope
        self._table.update(
            key(halt.place),
            {held: json.dumps(said), "user_id": halt.user_id or None},
            condition=f"attribute_not_exists(#{held})",
        )

    def release(self, place: str, scope: Scope) -> None:
        held = _HELD + scope
        self._table.update(key(place), {}, remove=(held,), condition=f"attribute_exists(#{held})")

    def held(self, places: Iterable[str]) -> dict[str, list[Halt]]:
        items = self._table.get_many(key(place) for place in places)
        found = {str(item["run_key"]["S"]).removeprefix(_PREFIX): item for item in items}
        halts = {place: _halts(place, item) for place, item in found.items()}
        return {place: some for place, some in halts.items() if some}


def key(place: str) -> dict[str, str]:
    """Of the place's item in `runs`."""
    return {"run_key": _PREFIX + place, "item": ITEM}


def _halts(place: str, item: Mapping[str, Any]) -> list[Halt]:
    user = item.get("user_id", {}).get("S", "")
    return [
        Halt(place=place, scope=scope, user_id=user, **json.loads(item[_HELD + scope]["S"]))
        for scope in Scope
        if _HELD + scope in item
    ]


def free() -> str:
    """The condition that nothing holds the place of an item."""
    return " AND ".join(f"attribute_not_exists(#{_HELD}{scope})" for scope in Scope)


def free_account(table: str, account: str) -> tuple[dict[str, Any], str]:
    """A ConditionCheck's table and key, and its condition: that nothing holds the account."""
    return {"TableName": table, "Key": attributes(key(of_account(account)))}, free()
