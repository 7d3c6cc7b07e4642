"""Filters of JSONPath: `?(@.price < 10 && @.kind == 'CE')`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from workflows.asl.interpreter import jsonpath_regex
from workflows.asl.interpreter.data import Json

Predicate = Callable[[Json, Json], bool]
Operand = Callable[[Json, Json], Json]

_OPERATOR = re.compile(
    r"==|!=|<=|>=|=~|<|>|(?:in|nin|subsetof|anyof|noneof|size|empty|contains)\b", re.IGNORECASE
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"true|false|null")
_REGEX = re.compile(r"/((?:[^/\\]|\\.)*)/([imsx]*)")

MAX_DEPTH = 50
"""Nested parentheses: more is an attack or a mistake."""

STEPS_OF_A_COMPARISON = 64
"""Of a regular expression: about as much time as one comparison takes."""

_MISSING = object()


@dataclass(slots=True)
class _Reader:
    text: str
    at: int
    depth: int = 0

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, token: str) -> bool:
        self.skip()
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.skip()
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def fail(self, expected: str) -> Exception:
        from workflows.asl.interpreter.jsonpath import PathError  # noqa: PLC0415  (jsonpath imports this module)

        return PathError(f"expected {expected} at {self.at} in {self.text!r}")


def parse_filter(text: str, at: int) -> tuple[Predicate, int]:
    """The predicate in parentheses at `at`, and where it ends."""
    reader = _Reader(text, at)
    if not reader.take("("):
        raise reader.fail("'('")
    predicate = _either(reader)
    if not reader.take(")"):
        raise reader.fail("')'")
    return predicate, reader.at


def _either(reader: _Reader) -> Predicate:
    left = _both(reader)
    while reader.take("||"):
        left = _or(left, _both(reader))
    return left


def _or(left: Predicate, right: Predicate) -> Predicate:
    return lambda node, root: left(node, root) or right(node, root)


def _both(reader: _Reader) -> Predicate:
    left = _single(reader)
    while reader.take("&&"):
        left = _and(left, _single(reader))
    return left


def _and(left: Predicate, right: Predicate) -> Predicate:
    return lambda node, root: left(node, root) and right(node, root)


def _single(reader: _Reader) -> Predicate:
    reader.depth += 1
    if reader.depth > MAX_DEPTH:
        raise reader.fail(f"at most {MAX_DEPTH} nested conditions")
    try:
        if reader.take("!"):
            inner = _single(reader)
            return lambda node, root: not inner(node, root)
        if reader.take("("):
            inner = _either(reader)
            if not reader.take(")"):
                raise reader.fail("')'")
            return inner
        return _comparison(reader)
    finally:
        reader.depth -= 1


def _comparison(reader: _Reader) -> Predicate:
    left = _operand(reader)
    found = reader.match(_OPERATOR)
    if found is None:
        return lambda node, root: left(node, root) is not _MISSING
    if found[0] == "=~":
        return _matches(reader, left)
    right = _operand(reader)
    compare = _COMPARE[found[0].lower()]
    return lambda node, root: compare(left(node, root), right(node, root))


def _matches(reader: _Reader, left: Operand) -> Predicate:
    found = reader.match(_REGEX)
    if found is None:
        raise reader.fail("a /regular expression/")
    try:
        matches, steps = jsonpath_regex.compiled(found[1], found[2])
    except jsonpath_regex.InvalidPattern as wrong:
        raise reader.fail(f"a regular expression ({wrong})") from None

    def predicate(node: Json, root: Json) -> bool:
        value = left(node, root)
        if not isinstance(value, str):
            return False
        WORK.done += len(value) * steps // STEPS_OF_A_COMPARISON
        return matches(value)

    return predicate


def _operand(reader: _Reader) -> Operand:
    reader.skip()
    character = reader.text[reader.at : reader.at + 1]
    if character in ("@", "$"):
        return _path(reader)
    if character in ("'", '"'):
        from workflows.asl.interpreter.jsonpath_syntax import quoted  # noqa: PLC0415  (it imports this module)

        value, reader.at = quoted(reader.text, reader.at)
        return lambda _node, _root: value
    if character == "[":
        return _array(reader)
    found = reader.match(_NUMBER) or reader.match(_WORD)
    if found is None:
        raise reader.fail("a value")
    literal = json.loads(found[0])
    return lambda _node, _root: literal


def _array(reader: _Reader) -> Operand:
    reader.take("[")
    items: list[Operand] = []
    while not reader.take("]"):
        items.append(_operand(reader))
        if not reader.take(",") and not reader.text.startswith("]", reader.at):
            raise reader.fail("',' or ']'")
    return lambda node, root: [item(node, root) for item in items]


def _path(reader: _Reader) -> Operand:
    from workflows.asl.interpreter.jsonpath import Path, PathNotFound, _is_definite  # noqa: PLC0415
    from workflows.asl.interpreter.jsonpath_syntax import parse_steps  # noqa: PLC0415  (they import this module)

    relative = reader.text[reader.at] == "@"
    steps, end = parse_steps(reader.text, reader.at + 1)
    path = Path(reader.text[reader.at : end], tuple(steps), all(_is_definite(step) for step in steps))
    reader.at = end

    def operand(node: Json, root: Json) -> Json:
        try:
            return path.read(node if relative else root)
        except PathNotFound:
            return _MISSING

    return operand


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def same(left: Json, right: Json) -> bool:
    """Equality of JSON: true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _ordered(test: Callable[[Json, Json], bool]) -> Callable[[Json, Json], bool]:
    def compare(left: Json, right: Json) -> bool:
        alike = (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str))
        return alike and test(left, right)

    return compare


@dataclass(slots=True)
class Work:
    """How many comparisons filters have made so far: a filter that asks each of many about many is stopped."""

    done: int = 0


WORK = Work()


def _within(left: Json, right: Json) -> bool:
    WORK.done += len(right) if isinstance(right, list) else 1
    return isinstance(right, list) and any(same(left, item) for item in right)


def _any_of(left: Json, right: Json) -> bool:
    return isinstance(left, list) and any(_within(item, right) for item in left)


def _subset_of(left: Json, right: Json) -> bool:
    return isinstance(left, list) and all(_within(item, right) for item in left)


def _size(left: Json, right: Json) -> bool:
    return isinstance(left, (list, str)) and same(len(left), right)


def _empty(left: Json, right: Json) -> bool:
    return isinstance(left, (list, str)) and (not left) is right


def _contains(left: Json, right: Json) -> bool:
    return (isinstance(left, list) and _within(right, left)) or (
        isinstance(left, str) and isinstance(right, str) and right in left
    )


_COMPARE: dict[str, Callable[[Json, Json], bool]] = {
    "==": same,
    "!=": lambda left, right: left is not _MISSING and not same(left, right),
    "<": _ordered(lambda left, right: bool(left < right)),
    "<=": _ordered(lambda left, right: bool(left <= right)),
    ">": _ordered(lambda left, right: bool(left > right)),
    ">=": _ordered(lambda left, right: bool(left >= right)),
    "in": _within,
    "nin": lambda left, right: not _within(left, right),
    "anyof": _any_of,
    "noneof": lambda left, right: not _any_of(left, right),
    "subsetof": _subset_of,
    "size": _size,
    "empty": _empty,
    "contains": _contains,
}
