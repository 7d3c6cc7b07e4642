"""Does a value of one type fit where another type is wanted, once both are JSON?

Types are pydantic models and ordinary annotations. What a state's arguments hold is described by `Constant`
(a literal), `Record` (an object) and `Row` (an array).
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

TEXT_FORMS = (date, datetime, time, timedelta, Decimal, UUID)
"""What travels as a JSON string and is read back from one."""

_NUMBERS: Mapping[type, tuple[type, ...]] = {bool: (bool,), int: (int, float), float: (float,)}


@dataclass(frozen=True)
class Constant:
    value: Any


@dataclass(frozen=True)
class Record:
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    items: tuple[Any, ...]


def misfit(given: Any, wanted: Any) -> str | None:
    """Why a `given` value can't go where `wanted` stands; None if it always can."""
    given, wanted = _bare(given), _bare(wanted)
    if _is_anything(wanted) or given == wanted:
        return None
    if _is_anything(given):
        return "its type is not declared"
    return _rule(given, wanted)(given, wanted)


def _rule(given: Any, wanted: Any) -> Callable[[Any, Any], str | None]:
    rules = (
        (isinstance(given, Constant), _constant),
        (closed_set(given) is not None, _each_value),
        (is_union(given), _each_part),
        (is_union(wanted), _any_part),
        (fields_given(given) is not None, _object),
        (isinstance(given, Row) or element_of(given) is not None, _array),
    )
    return next((rule for applies, rule in rules if applies), _scalar)


def _constant(given: Constant, wanted: Any) -> str | None:
    """A literal is checked by its value."""
    try:
        TypeAdapter(wanted).validate_json(json.dumps(given.value), strict=True)
    except ValidationError:
        return f"{given.value!r} is no {describe(wanted)}"
    return None


def _each_value(given: Any, wanted: Any) -> str | None:
    return _first(misfit(Constant(value), wanted) for value in closed_set(given) or ())


def _each_part(given: Any, wanted: Any) -> str | None:
    return _first(misfit(part, wanted) for part in get_args(given))


def _any_part(given: Any, wanted: Any) -> str | None:
    fits = any(misfit(given, part) is None for part in get_args(wanted))
    return None if fits else _no_fit(given, wanted)


def _object(given: Any, wanted: Any) -> str | None:
    fields = fields_given(given) or {}
    if is_model(wanted):
        return _model(fields, wanted)
    if get_origin(wanted) in (dict, Mapping):
        value_type = get_args(wanted)[1]
        return _first(_under(name, misfit(value, value_type)) for name, value in fields.items())
    return None if wanted is dict else _no_fit(given, wanted)


def _model(fields: Mapping[str, Any], wanted: type[BaseModel]) -> str | None:
    takes = wanted.model_fields
    unknown = [name for name in fields if name not in takes]
    missing = [name for name, field in takes.items() if field.is_required() and name not in fields]
    if unknown:
        return f"{unknown[0]} is not a field of {wanted.__qualname__}"
    if missing:
        return f"{missing[0]} is missing"
    return _first(_under(name, misfit(value, takes[name].annotation)) for name, value in fields.items())


def _array(given: Any, wanted: Any) -> str | None:
    element = element_of(wanted)
    if element is None:
        return _no_fit(given, wanted)
    items = given.items if isinstance(given, Row) else (element_of(given),)
    return _first(_under("[]", misfit(item, element)) for item in items)


def _scalar(given: Any, wanted: Any) -> str | None:
    number = given in _NUMBERS and wanted in _NUMBERS[given]
    text = (given is str and wanted in TEXT_FORMS) or (given in TEXT_FORMS and wanted is str)
    if number or text:
        return None
    if get_origin(given) is dict and get_origin(wanted) is dict:
        return misfit(get_args(given)[1], get_args(wanted)[1])
    if (get_origin(given) or given) is dict and wanted is dict:
        return None
    return _no_fit(given, wanted)


def fields_given(given: Any) -> Mapping[str, Any] | None:
    """The fields of an object with known fields; None for anything else."""
    if isinstance(given, Record):
        return given.fields
    if is_model(given):
        return {name: field.annotation for name, field in given.model_fields.items()}
    return None


def element_of(annotation: Any) -> Any | None:
    """The type of a list's items; None if it is no list."""
    origin = get_origin(annotation)
    if origin in (list, set, frozenset, Sequence, tuple):
        return get_args(annotation)[0]
    return None


def closed_set(annotation: Any) -> tuple[Any, ...] | None:
    """The JSON values of an enum or a Literal; None for anything open."""
    if get_origin(annotation) is Literal:
        return tuple(value.value if isinstance(value, Enum) else value for value in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(member.value for member in annotation)
    return None


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def may_be_null(annotation: Any) -> bool:
    return is_union(annotation) and type(None) in get_args(annotation)


def describe(annotation: Any) -> str:
    """A type as people write it."""
    values = closed_set(annotation)
    if values is not None:
        return "one of " + ", ".join(map(str, values))
    if isinstance(annotation, Constant):
        return repr(annotation.value)
    if isinstance(annotation, Record):
        return "an object"
    if isinstance(annotation, Row):
        return "an array"
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_anything(annotation: Any) -> bool:
    return annotation is Any or annotation is object


def _first(reasons: Iterable[str | None]) -> str | None:
    return next((reason for reason in reasons if reason), None)


def _under(name: str, reason: str | None) -> str | None:
    return f"{name}: {reason}" if reason else None


def _no_fit(given: Any, wanted: Any) -> str:
    return f"{describe(given)} is no {describe(wanted)}"
