"""From a message of the lake's queue to a row of one kind on one trading date.

Three forms come: a recorded event as it is on the bus, and what `tasks.lake_message` has: a broker's word on an
order, and the end of an execution. Whatever can't be read says why: `Unreadable`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, TypeVar

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from brokers.clock import IST
from tasks.domain import events as e
from tasks.lake.schemas import EXECUTIONS, KINDS, PARTITION, UPDATES, Column, Kind, kind_of
from tasks.lake_message import ExecutionEnded, Told
from tasks.order_update import OrderUpdate
from tasks.stores.journal import Recorded

Model = TypeVar("Model", bound=BaseModel)


class Unreadable(ValueError):
    """This message can never be a row; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Landing:
    """One row, and where it belongs."""

    kind: Kind
    day: date
    row: Mapping[str, Any]

    @property
    def event_id(self) -> str:
        return str(self.row["event_id"])


def landing_of(body: str, kinds: Mapping[str, Kind] = KINDS) -> Landing:
    """The row that a message holds.

    Raises
    ------
    Unreadable
        If it is not JSON, not an event of the catalogue in a known version, or a value does not fit its column.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise Unreadable("not a JSON object")
    if "body" in message:
        return _update(message)
    return _execution(message) if "execution" in message else _event(message, kinds)


def _event(message: dict[str, Any], kinds: Mapping[str, Kind]) -> Landing:
    recorded = _parsed(Recorded, message)
    try:
        event = e.parse_event(recorded.type, recorded.version, recorded.data)
    except e.UnknownEvent as error:
        raise Unreadable(f"{error} is not in the catalogue: deploy what knows it, then redrive") from None
    except (ValidationError, KeyError) as error:
        raise Unreadable(f"{recorded.type} of {recorded.aggregate}: {_wrong(error)}") from None
    kind = kinds[kind_of(type(event)).name]
    values = _values(kind, recorded, event)
    envelope = {
        **recorded.model_dump(exclude={"data", "at"}),
        "event_id": _digest(recorded.event_id),
        "recorded_at": recorded.at,
    }
    day = _day(values.get(PARTITION)) or recorded.at.astimezone(IST).date()
    return Landing(kind, day, _row(kind, {**values, **envelope}, recorded.type, recorded.version))


def _values(kind: Kind, recorded: Recorded, event: e.DomainEvent) -> Mapping[str, Any]:
    """What the event says, in the version it was written in. Today's is completed with its defaults."""
    data = event.model_dump(mode="json") if recorded.version == event.version else recorded.data
    if "data" in kind.schema.names:
        return {"data": data}
    found = data[kind.within] if kind.within else data
    assert isinstance(found, Mapping)  # noqa: S101  (the model says so)
    return found


def _update(message: dict[str, Any]) -> Landing:
    told = _parsed(Told, message)
    # What the broker said makes an update: the same words twice are the same one. What we know of it does not.
    said = json.dumps(told.model_dump(mode="json", include=set(OrderUpdate.model_fields)), sort_keys=True)
    values = told.model_dump(exclude={"at"}) | {"event_id": _digest(said), "updated_at": told.at}
    return Landing(UPDATES, told.at.astimezone(IST).date(), _row(UPDATES, values, "", 1))


def _execution(message: dict[str, Any]) -> Landing:
    ended = _parsed(ExecutionEnded, message)
    values = ended.model_dump() | {"event_id": _digest(f"{ended.execution} {ended.redrives}")}
    return Landing(EXECUTIONS, ended.started_at.astimezone(IST).date(), _row(EXECUTIONS, values, "", 1))


def _digest(name: str) -> str:
    """An id that is the same whenever the event comes, and that names nobody: 96 bits."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def _parsed(model: type[Model], message: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(message)
    except ValidationError as error:
        raise Unreadable(f"not a {model.__name__}: {_wrong(error)}") from None


def _wrong(error: Exception) -> str:
    """Which fields are wrong, and why, without their values."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return f"{type(error).__name__} {error}"


def _day(text: object) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise Unreadable(f"{PARTITION} {text!r} is no date") from None


def _row(kind: Kind, values: Mapping[str, Any], event: str, version: int) -> dict[str, Any]:
    row = {}
    for column in kind.columns:
        value = values.get(column.name)
        if value is None or not column.within(event, version):
            continue
        try:
            row[column.name] = _cell(column, value)
        except (ValueError, TypeError, InvalidOperation, OverflowError):
            raise Unreadable(f"{kind.name}.{column.name}: {value!r} is not {column.type}") from None
    return row


def _cell(column: Column, value: Any) -> Any:
    if column.json:
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    convert = _CONVERT.get(column.type.id)
    return convert(column.type, value) if convert else value


def _decimal(type_: pa.Decimal128Type, value: Any) -> Decimal | None:
    if value == "":
        return None
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-type_.scale), ROUND_HALF_EVEN)
    if len(exact.as_tuple().digits) > type_.precision:
        raise ValueError(value)
    return exact


def _time(_: pa.DataType, value: Any) -> datetime | None:
    if value == "":
        return None
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if at.tzinfo is None:
        raise ValueError(value)
    return at.astimezone(UTC)


def _whole(_: pa.DataType, value: Any) -> int:
    if isinstance(value, bool) or int(value) != Decimal(str(value)):
        raise ValueError(value)
    return int(value)


def _text(_: pa.DataType, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


_CONVERT: dict[int, Callable[[Any, Any], Any]] = {
    pa.decimal128(18, 2).id: _decimal,
    pa.timestamp("us").id: _time,
    pa.int64().id: _whole,
    pa.string().id: _text,
}
