"""The lake's catalogue beside the events': nothing that an event says is lost on its way."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tasks.domain import events as e
from tasks.lake.schemas import EXECUTIONS, KINDS, OTHERS, PARTITION, UPDATES, kind_of, schemas
from tasks.lake_message import ExecutionEnded, Told
from tasks.stores.journal import Recorded

_RENAMED = {"at": "recorded_at"}


@pytest.mark.parametrize("event", e.CATALOGUE.values(), ids=e.CATALOGUE)
def test_every_field_of_an_event_has_a_column(event: type[e.DomainEvent]) -> None:
    kind = kind_of(event)
    if kind is OTHERS:
        return
    facts = event.model_fields[kind.within].annotation if kind.within else event
    assert isinstance(facts, type)
    assert issubclass(facts, e.Facts)
    missing = facts.model_fields.keys() - {PARTITION} - set(kind.schema.names)
    assert not missing, f"add a Column to {kind.name} in tasks/lake/schemas.py for each of {missing}"


def test_every_field_of_an_envelope_and_of_an_update_has_a_column() -> None:
    envelope = {_RENAMED.get(name, name) for name in Recorded.model_fields} - {"data"}
    assert all(envelope <= set(kind.schema.names) for kind in KINDS.values() if kind.base)
    assert Told.model_fields.keys() - {"at"} <= set(UPDATES.schema.names)
    assert ExecutionEnded.model_fields.keys() <= set(EXECUTIONS.schema.names)


def test_a_schema_for_each_version_of_each_event() -> None:
    found = schemas()
    assert {name for name, _ in found} == set(e.CATALOGUE)
    assert all(
        found[name, version] for name in e.CATALOGUE for version in range(1, e.CATALOGUE[name].version + 1)
    )


def test_money_and_prices_are_decimals_and_times_know_their_zone() -> None:
    for kind in KINDS.values():
        for each in kind.schema:
            assert not pa.types.is_floating(each.type), f"{kind.name}.{each.name}"
            assert not pa.types.is_timestamp(each.type) or each.type.tz == "UTC", f"{kind.name}.{each.name}"


def test_a_column_has_one_type_wherever_it_is() -> None:
    types: dict[str, set[str]] = {}
    for kind in KINDS.values():
        for each in kind.schema:
            types.setdefault(each.name, set()).add(str(each.type))
    several = {name: found for name, found in types.items() if len(found) > 1}
    assert not several
