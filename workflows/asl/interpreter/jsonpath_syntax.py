"""From the text of a JSONPath to its steps."""

from __future__ import annotations

import re
from collections.abc import Callable

from workflows.asl.interpreter import jsonpath_filter
from workflows.asl.interpreter.jsonpath import (
    FUNCTIONS,
    Descend,
    Filter,
    Function,
    Index,
    Name,
    PathError,
    Slice,
    Step,
    Wildcard,
)

_NAME = re.compile(r"[^\s.\[\]()'\",*$@?=<>!&|]+")
_INDEXES = re.compile(r"\s*-?\d+(?:\s*,\s*-?\d+)*\s*\Z")
_SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*\Z")
_MAX_TEXT = 10_000


def parse_path(text: str) -> tuple[Step, ...]:
    """Raises PathError with what was expected and where."""
    if not text.startswith("$"):
        raise PathError(f"a path starts with '$': {text!r}")
    steps, end = parse_steps(text, 1)
    if end != len(text):
        raise PathError(f"unexpected {text[end]!r} at {end} in {text!r}")
    return tuple(steps)


def parse_steps(text: str, at: int) -> tuple[list[Step], int]:
    """Steps from `at` on; stops at the first character that can't go on with the path."""
    if len(text) > _MAX_TEXT:
        raise PathError(f"a path has at most {_MAX_TEXT} characters")
    steps: list[Step] = []
    while at < len(text) and text[at] in ".[":
        if text.startswith("..", at):
            steps.append(Descend())
            at += 2
            if at < len(text) and text[at] == "[":
                continue
            step, at = _after_dot(text, at)
        elif text[at] == ".":
            if text.startswith(".[", at):  # `$.[?(…)]` is in use, and means `$[?(…)]`
                at += 1
                continue
            step, at = _after_dot(text, at + 1)
        else:
            step, at = _in_brackets(text, at + 1)
        steps.append(step)
    return steps, at


def _after_dot(text: str, at: int) -> tuple[Step, int]:
    if at < len(text) and text[at] == "*":
        return Wildcard(), at + 1
    found = _NAME.match(text, at)
    if found is None:
        raise PathError(f"expected a name at {at} in {text!r}")
    name, end = found[0], found.end()
    if text.startswith("()", end):
        if name not in FUNCTIONS:
            raise PathError(f"unknown function {name}() in {text!r}")
        return Function(name), end + 2
    return Name((name,)), end


def _in_brackets(text: str, at: int) -> tuple[Step, int]:
    start = at
    while at < len(text) and text[at] == " ":
        at += 1
    if at < len(text) and text[at] in "'\"":
        return _names(text, at)
    if text.startswith("?", at):
        return _filter(text, at + 1)
    end = text.find("]", start)
    if end < 0:
        raise PathError(f"missing ']' in {text!r}")
    inner = text[start:end]
    for read in _READERS:
        step = read(inner)
        if step is not None:
            return step, end + 1
    raise PathError(f"can't read [{inner}] in {text!r}")


def _wildcard(inner: str) -> Step | None:
    return Wildcard() if inner.strip() == "*" else None


def _indexes(inner: str) -> Step | None:
    return Index(tuple(int(part) for part in inner.split(","))) if _INDEXES.match(inner) else None


def _slice(inner: str) -> Step | None:
    found = _SLICE.match(inner)
    if found is None:
        return None
    return Slice(int(found[1]) if found[1] else None, int(found[2]) if found[2] else None)


_READERS: tuple[Callable[[str], Step | None], ...] = (_wildcard, _indexes, _slice)


def _names(text: str, at: int) -> tuple[Step, int]:
    names: list[str] = []
    while True:
        name, at = quoted(text, at)
        names.append(name)
        while at < len(text) and text[at] in " ":
            at += 1
        if at < len(text) and text[at] == ",":
            at += 1
            while at < len(text) and text[at] == " ":
                at += 1
            continue
        if at < len(text) and text[at] == "]":
            return Name(tuple(names)), at + 1
        raise PathError(f"expected ',' or ']' at {at} in {text!r}")


def quoted(text: str, at: int) -> tuple[str, int]:
    """A string in single or double quotes. A backslash escapes that quote and itself; before anything else it
    stands for itself, as on AWS."""
    if at >= len(text) or text[at] not in "'\"":
        raise PathError(f"expected a quote at {at} in {text!r}")
    quote, out = text[at], []
    at += 1
    while at < len(text) and text[at] != quote:
        if text[at] == "\\" and text[at + 1 : at + 2] in (quote, "\\"):
            at += 1
        out.append(text[at])
        at += 1
    if at >= len(text):
        raise PathError(f"missing {quote} in {text!r}")
    return "".join(out), at + 1


def _filter(text: str, at: int) -> tuple[Step, int]:
    keeps, at = jsonpath_filter.parse_filter(text, at)
    if not text.startswith("]", at):
        raise PathError(f"expected ']' at {at} in {text!r}")
    return Filter(keeps), at + 1
