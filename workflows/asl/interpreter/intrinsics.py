"""Intrinsic functions: `States.Format('{}-{}', $.run_key, $.account)`.

The text is parsed once into a call tree; evaluating it needs the state's data, the context object and a source
of chance. The functions themselves are in `intrinsic_functions`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from workflows.asl.interpreter import jsonpath
from workflows.asl.interpreter.data import Json
from workflows.asl.interpreter.entropy import Entropy
from workflows.asl.interpreter.errors import INTRINSIC_FAILURE, RuntimeFailure
from workflows.asl.interpreter.intrinsic_functions import FUNCTIONS, ArgumentError

MAX_NESTING = 10
"""AWS: "You can nest up to 10 intrinsic functions within a field"."""

_CALL = re.compile(r"(States\.\w+)\s*\(")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"true|false|null")

Reader = Callable[[str], Json]
"""Reads a path (`$…` or `$$…`) from the state's data or the context object."""


class IntrinsicSyntaxError(ValueError):
    """The text is not a call of an intrinsic function."""


@dataclass(frozen=True, slots=True)
class Literal:
    value: Json


@dataclass(frozen=True, slots=True)
class PathArgument:
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Literal | PathArgument | Call, ...]
    text: str

    def evaluate(self, read: Reader, entropy: Entropy) -> Json:
        """Raises RuntimeFailure(States.IntrinsicFailure) if a function does not take its arguments."""
        values = [_value(argument, read, entropy) for argument in self.arguments]
        try:
            return FUNCTIONS[self.name](values, entropy)
        except ArgumentError as wrong:
            cause = f"The function '{self.text}' had the following error: {wrong}"
            raise RuntimeFailure(cause, INTRINSIC_FAILURE) from None


def _value(argument: Literal | PathArgument | Call, read: Reader, entropy: Entropy) -> Json:
    if isinstance(argument, Literal):
        return argument.value
    if isinstance(argument, PathArgument):
        return read(argument.text)
    return argument.evaluate(read, entropy)


def is_call(text: str) -> bool:
    return text.startswith("States.")


@lru_cache(maxsize=4096)
def parse(text: str) -> Call:
    """Raises IntrinsicSyntaxError with what was expected and where."""
    call, at = _call(text, 0, 1)
    if text[at:].strip():
        raise IntrinsicSyntaxError(f"unexpected {text[at:]!r} after {call.text!r}")
    return call


def _call(text: str, at: int, depth: int) -> tuple[Call, int]:
    found = _CALL.match(text, at)
    if found is None:
        raise IntrinsicSyntaxError(f"expected a call of an intrinsic function at {at} in {text!r}")
    if found[1] not in FUNCTIONS:
        raise IntrinsicSyntaxError(f"unknown intrinsic function {found[1]}")
    if depth > MAX_NESTING:
        raise IntrinsicSyntaxError(f"more than {MAX_NESTING} nested intrinsic functions")
    arguments: list[Literal | PathArgument | Call] = []
    end = _skip(text, found.end())
    while not text.startswith(")", end):
        argument, end = _argument(text, end, depth)
        arguments.append(argument)
        end = _skip(text, end)
        if text.startswith(",", end):
            end = _skip(text, end + 1)
        elif not text.startswith(")", end):
            raise IntrinsicSyntaxError(f"expected ',' or ')' at {end} in {text!r}")
    return Call(found[1], tuple(arguments), text[at : end + 1]), end + 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _argument(text: str, at: int, depth: int) -> tuple[Literal | PathArgument | Call, int]:
    if text.startswith("'", at):
        return _string(text, at)
    if text.startswith("$", at):
        return _path(text, at)
    if text.startswith("States.", at):
        return _call(text, at, depth + 1)
    found = _NUMBER.match(text, at) or _WORD.match(text, at)
    if found is None:
        raise IntrinsicSyntaxError(f"expected an argument at {at} in {text!r}")
    return Literal(json.loads(found[0])), found.end()


def _string(text: str, at: int) -> tuple[Literal, int]:
    r"""A string in single quotes. `\'`, `\\`, `\{` and `\}` are escapes; the braces stay escaped for Format."""
    out, at = [], at + 1
    while at < len(text) and text[at] != "'":
        if text[at] == "\\":
            following = text[at + 1 : at + 2]
            if following in ("{", "}"):
                out.append("\\")
            elif following not in ("'", "\\"):
                raise IntrinsicSyntaxError(f"unknown escape \\{following} at {at} in {text!r}")
            at += 1
        out.append(text[at : at + 1])
        at += 1
    if at >= len(text):
        raise IntrinsicSyntaxError(f"missing ' in {text!r}")
    return Literal("".join(out)), at + 1


def _path(text: str, start: int) -> tuple[PathArgument, int]:
    """A path ends at the ',' or ')' that is in no brackets and no quotes."""
    depth, at = 0, start
    while at < len(text):
        character = text[at]
        if character in "'\"":
            at = _after_quote(text, at)
            continue
        if depth == 0 and character in ",)":
            break
        if character in "[(":
            depth += 1
        elif character in "])":
            depth -= 1
        at += 1
    path = text[start:at].strip()
    try:
        jsonpath.parse(path.removeprefix("$") if path.startswith("$$") else path)
    except jsonpath.PathError as wrong:
        raise IntrinsicSyntaxError(str(wrong)) from None
    return PathArgument(path), at


def _after_quote(text: str, at: int) -> int:
    quote = text[at]
    at += 1
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" else 1
    return at + 1
