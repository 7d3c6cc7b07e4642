"""Rows in DynamoDB's form and back.

Text, dates, times and enumerations are S, numbers N. Times are ISO 8601 in IST, so that they sort. What is
None or empty text is absent: a key of an index may not be empty. Reading takes what a state machine wrote as
well: numbers as S, times in UTC, attributes left out where the row has a default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from brokers.clock import IST

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UniversalAttributeValueTypeDef

    Attribute = UniversalAttributeValueTypeDef
    Stored = AttributeValueTypeDef

_LISTS = ("legs", "orders")
"""Attributes that hold a JSON list."""

RowT = TypeVar("RowT", bound=BaseModel)


def attribute(value: object) -> Attribute:  # noqa: PLR0911 (one line for each type reads best)
    """One value in DynamoDB's form.

    Raises
    ------
    TypeError
        For a type no row has; a float among them, because money is Decimal.
    """
    match value:
        case bool():
            return {"BOOL": value}
        case Enum():
            return {"S": str(value.value)}
        case int():
            return {"N": str(value)}
        case Decimal():
            return {"N": f"{value:f}"}
        case datetime():
            return {"S": instant(value)}
        case date():
            return {"S": value.isoformat()}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case tuple() | list():
            return {"S": json.dumps([_json(one) for one in value], separators=(",", ":"))}
    raise TypeError(f"{type(value).__name__} has no form in a table")


def instant(moment: datetime) -> str:
    """ISO 8601 in IST: as text it sorts like time."""
    if moment.tzinfo is None:
        raise TypeError(f"{moment} has no time zone")
    return moment.astimezone(IST).isoformat()


def attributes(values: Mapping[str, object]) -> dict[str, Attribute]:
    """Several values; what is None or empty text is left out."""
    return {name: attribute(value) for name, value in values.items() if value is not None and value != ""}


def to_item(row: BaseModel) -> dict[str, Attribute]:
    """A row; what is empty text is left out only where the row has that as its default."""
    model = type(row)
    values = {name: getattr(row, name) for name in model.model_fields}
    empty = {name: attribute("") for name in _required(model) if values[name] == ""}
    return empty | attributes(values)


@cache
def _required(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, field in model.model_fields.items() if field.is_required())


def from_item(model: type[RowT], item: Mapping[str, Stored]) -> RowT:
    """Attributes that the row doesn't have are ignored."""
    return model.model_validate({name: _value(name, stored) for name, stored in item.items()})


def _value(name: str, stored: Stored) -> Any:
    ((_, value),) = stored.items()
    return json.loads(str(value)) if name in _LISTS else value


def _json(value: object) -> object:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value
