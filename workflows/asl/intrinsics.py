"""The intrinsic functions of Amazon States Language as typed Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from workflows.asl.expressions import Expression

Argument = str | int | float | bool | None | Expression
Text = str | Expression
Number = int | Expression
Algorithm = Literal["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"]


@dataclass(frozen=True)
class Intrinsic(Expression):
    """A call of one of the language's functions; `result` is the type of what it gives."""

    name: str
    arguments: tuple[Argument, ...]
    result: Any = str

    @property
    def text(self) -> str:
        return f"States.{self.name}({', '.join(_argument(argument) for argument in self.arguments)})"


def _argument(value: Argument) -> str:
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def format_text(template: str, *values: Argument) -> Intrinsic:
    """`template` with each `{}` replaced by the next value: how a number becomes the string DynamoDB wants."""
    return Intrinsic("Format", (template, *values))


def string_to_json(text: Text) -> Intrinsic:
    return Intrinsic("StringToJson", (text,), Any)


def json_to_string(value: Expression) -> Intrinsic:
    return Intrinsic("JsonToString", (value,))


def json_merge(first: Expression, second: Expression) -> Intrinsic:
    """A shallow merge (the only one there is); keys of `second` win."""
    return Intrinsic("JsonMerge", (first, second, False), dict[str, Any])


def array(*values: Argument) -> Intrinsic:
    return Intrinsic("Array", values, list[Any])


def array_partition(values: Expression, size: Number) -> Intrinsic:
    return Intrinsic("ArrayPartition", (values, size), list[Any])


def array_contains(values: Expression, value: Argument) -> Intrinsic:
    return Intrinsic("ArrayContains", (values, value), bool)


def array_range(first: Number, last: Number, step: Number) -> Intrinsic:
    return Intrinsic("ArrayRange", (first, last, step), list[int])


def array_get_item(values: Expression, index: Number) -> Intrinsic:
    return Intrinsic("ArrayGetItem", (values, index), Any)


def array_length(values: Expression) -> Intrinsic:
    return Intrinsic("ArrayLength", (values,), int)


def array_unique(values: Expression) -> Intrinsic:
    return Intrinsic("ArrayUnique", (values,), list[Any])


def base64_encode(text: Text) -> Intrinsic:
    return Intrinsic("Base64Encode", (text,))


def base64_decode(text: Text) -> Intrinsic:
    return Intrinsic("Base64Decode", (text,))


def hash_text(data: Argument, algorithm: Algorithm) -> Intrinsic:
    """The hexadecimal digest of `data`."""
    return Intrinsic("Hash", (data, algorithm))


def math_add(first: Number, second: Number) -> Intrinsic:
    return Intrinsic("MathAdd", (first, second), int)


def math_random(start: Number, end: Number, seed: Number | None = None) -> Intrinsic:
    """From `start` to just below `end`."""
    arguments = (start, end) if seed is None else (start, end, seed)
    return Intrinsic("MathRandom", arguments, int)


def string_split(text: Text, separator: Text) -> Intrinsic:
    return Intrinsic("StringSplit", (text, separator), list[str])


def uuid() -> Intrinsic:
    return Intrinsic("UUID", ())
