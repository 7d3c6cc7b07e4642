"""The 18 intrinsic functions of the JSONPath dialect, with the limits AWS documents for each."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import random
from collections.abc import Callable, Sequence

from workflows.asl.interpreter.data import MAX_EXPRESSION, Json, dumps, exceeds
from workflows.asl.interpreter.entropy import Entropy
from workflows.asl.interpreter.errors import TooLarge
from workflows.asl.interpreter.jsonpath_filter import same

Arguments = Sequence[Json]

MAX_TEXT = 10_000
"""Characters that Base64Encode, Base64Decode and Hash take."""
MAX_RANGE = 1_000


class ArgumentError(ValueError):
    """A function was called with arguments it does not take."""


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise ArgumentError(message)


def _count(arguments: Arguments, least: int, most: int | None = None) -> None:
    most = least if most is None else most
    _need(
        least <= len(arguments) <= most, f"The function takes {least} to {most} arguments, not {len(arguments)}"
    )


def _is_integer(value: Json) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and value.is_integer()
    )


def _integer(value: Json) -> int:
    _need(_is_integer(value), f"The argument must be an integer: {dumps(value)}")
    return int(value)


def _rounded(value: Json) -> int:
    """AWS rounds a number that is not an integer to the nearest one."""
    _need(isinstance(value, (int, float)) and not isinstance(value, bool), f"Not a number: {dumps(value)}")
    return int(value + 0.5) if value >= 0 else -int(-value + 0.5)


def _array(value: Json) -> list[Json]:
    _need(isinstance(value, list), f"The argument must be an array: {dumps(value)}")
    return list(value)


def _text(value: Json) -> str:
    _need(isinstance(value, str), f"The argument must be a string: {dumps(value)}")
    return str(value)


def _format(arguments: Arguments, _entropy: Entropy) -> Json:
    _need(bool(arguments), "The function takes a template")
    template, values = _text(arguments[0]), list(arguments[1:])
    out, at, used, length = [], 0, 0, 0
    while at < len(template):
        if template.startswith("\\", at) and template[at + 1 : at + 2] in ("{", "}"):
            out.append(template[at + 1])
            at += 2
        elif template.startswith("{}", at):
            _need(used < len(values), "There are fewer arguments than {} in the template")
            out.append(_formatted(values[used]))
            length += len(out[-1])
            if length > MAX_EXPRESSION:
                raise TooLarge
            used, at = used + 1, at + 2
        else:
            out.append(template[at])
            at += 1
    _need(used == len(values), "There are more arguments than {} in the template")
    return "".join(out)


def _formatted(value: Json) -> str:
    return value if isinstance(value, str) else _written(value)


def _written(value: Json) -> str:
    if exceeds(value, MAX_EXPRESSION):
        raise TooLarge
    return dumps(value)


def _string_to_json(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 1)
    try:
        return json.loads(_text(arguments[0]))
    except (ValueError, RecursionError):
        raise ArgumentError("The argument is not valid JSON") from None


def _json_to_string(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 1)
    return _written(arguments[0])


def _array_of(arguments: Arguments, _entropy: Entropy) -> Json:
    return list(arguments)


def _array_partition(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 2)
    items, size = _array(arguments[0]), _rounded(arguments[1])
    _need(size > 0, "The chunk size must be a positive integer")
    return [items[at : at + size] for at in range(0, len(items), size)]


def _array_contains(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 2)
    return any(same(item, arguments[1]) for item in _array(arguments[0]))


def _array_range(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 3)
    first, last, step = (_rounded(value) for value in arguments)
    _need(step != 0, "The step must not be zero")
    count = (last - first) // step + 1
    _need(count <= MAX_RANGE, f"The array would hold more than {MAX_RANGE} items")
    return list(range(first, last + (1 if step > 0 else -1), step))


def _array_get_item(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 2)
    items, index = _array(arguments[0]), _integer(arguments[1])
    _need(0 <= index < len(items), f"The index {index} is outside of the array")
    return items[index]


def _array_length(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 1)
    return len(_array(arguments[0]))


def _array_unique(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 1)
    seen: dict[str, Json] = {}
    if exceeds(arguments[0], MAX_EXPRESSION):
        raise TooLarge
    for item in _array(arguments[0]):
        seen.setdefault(json.dumps(item, sort_keys=True), item)
    return list(seen.values())


def _base64_encode(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 1)
    text = _text(arguments[0])
    _need(len(text) <= MAX_TEXT, f"The argument has more than {MAX_TEXT} characters")
    return base64.b64encode(text.encode()).decode()


def _base64_decode(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 1)
    text = _text(arguments[0])
    _need(len(text) <= MAX_TEXT, f"The argument has more than {MAX_TEXT} characters")
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ArgumentError("The argument is not valid Base64") from None


_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _hash(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 2)
    algorithm = _text(arguments[1])
    _need(algorithm in _HASHES, f"The algorithm must be one of {', '.join(_HASHES)}")
    text = _formatted(arguments[0])
    _need(len(text) <= MAX_TEXT, f"The argument has more than {MAX_TEXT} characters")
    return hashlib.new(_HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _json_merge(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 3)
    left, right, deep = arguments
    _need(isinstance(left, dict) and isinstance(right, dict), "The first two arguments must be JSON objects")
    _need(deep is False, "Only shallow merging is supported: the third argument must be false")
    return {**left, **right}


def _math_random(arguments: Arguments, entropy: Entropy) -> Json:
    _count(arguments, 2, 3)
    first, last = _rounded(arguments[0]), _rounded(arguments[1])
    _need(first < last, "The first number must be less than the second")
    if len(arguments) == 3:
        return random.Random(_rounded(arguments[2])).randrange(first, last)
    return first + int(entropy.fraction() * (last - first))


def _math_add(arguments: Arguments, _entropy: Entropy) -> Json:
    _count(arguments, 2)
    return _rounded(arguments[0]) + _rounded(arguments[1])


def _string_split(arguments: Arguments, _entropy: Entropy) -> Json:
    """Every character of the second argument is a delimiter, and empty parts are left out."""
    _count(arguments, 2)
    delimiters = set(_text(arguments[1]))
    parts, current = [], ""
    for character in _text(arguments[0]):
        if character in delimiters:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part for part in [*parts, current] if part]


def _uuid(arguments: Arguments, entropy: Entropy) -> Json:
    _count(arguments, 0)
    return entropy.uuid()


FUNCTIONS: dict[str, Callable[[Arguments, Entropy], Json]] = {
    "States.Format": _format,
    "States.StringToJson": _string_to_json,
    "States.JsonToString": _json_to_string,
    "States.Array": _array_of,
    "States.ArrayPartition": _array_partition,
    "States.ArrayContains": _array_contains,
    "States.ArrayRange": _array_range,
    "States.ArrayGetItem": _array_get_item,
    "States.ArrayLength": _array_length,
    "States.ArrayUnique": _array_unique,
    "States.Base64Encode": _base64_encode,
    "States.Base64Decode": _base64_decode,
    "States.Hash": _hash,
    "States.JsonMerge": _json_merge,
    "States.MathRandom": _math_random,
    "States.MathAdd": _math_add,
    "States.StringSplit": _string_split,
    "States.UUID": _uuid,
}
