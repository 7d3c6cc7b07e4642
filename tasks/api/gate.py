"""What every request passes before anybody looks at what it wants: size, encoding, strict JSON, plain names."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from tasks.api.problems import Malformed, NotFound, NotJson, TooLarge

MAX_BODY = 64 * 1024
"""Bytes. The largest sensible basket, 20 strategies of 20 legs, has about 50 KB."""

MAX_DEPTH = 20
_MAX_DIGITS = 40
_PATH = re.compile(r"/[A-Za-z0-9/._:@-]{0,300}")
_SURROGATE = re.compile("[\ud800-\udfff]")


def admitted(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with its body as text.

    Raises
    ------
    NotFound, TooLarge, Malformed, NotJson
        What may not pass.
    """
    if not _PATH.fullmatch(str(event.get("rawPath", ""))):
        raise NotFound("there is nothing at this address")
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    body = _text(event)
    if body and not headers.get("content-type", "").lower().startswith("application/json"):
        raise NotJson("send the body as application/json")
    return {**event, "headers": headers, "body": body or None, "isBase64Encoded": False}


def read_json(text: str) -> Any:
    """JSON as the standard has it: no NaN, no name twice, nothing that no table could keep.

    Raises
    ------
    Malformed
        Saying what is wrong, never repeating the text.
    """
    try:
        value = json.loads(
            text, parse_constant=_no_constant, object_pairs_hook=_unique, parse_int=_int, parse_float=_float
        )
    except (json.JSONDecodeError, RecursionError):
        raise Malformed("the body is not JSON") from None
    _check(value, depth=0)
    return value


def _text(event: Mapping[str, Any]) -> str:
    body = event.get("body") or ""
    if len(body) > MAX_BODY * 2:
        raise TooLarge(f"the body has more than {MAX_BODY} bytes")
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        text = raw.decode()
    except (binascii.Error, UnicodeError):
        raise Malformed("the body is not UTF-8") from None
    if len(raw) > MAX_BODY:
        raise TooLarge(f"the body has more than {MAX_BODY} bytes")
    return text


def _no_constant(name: str) -> Any:
    raise Malformed(f"the body holds {name}, which is not JSON")


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise Malformed("the body holds a number that is too long")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits) if len(digits) <= _MAX_DIGITS else float("inf")
    if value in (float("inf"), float("-inf")):
        raise Malformed("the body holds a number that is too long or too large")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise Malformed("the body has an object that names a field twice")
    return names


def _check(value: Any, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Malformed(f"the body is nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth=depth)
            _check(inner, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth=depth + 1)
    elif isinstance(value, str) and _SURROGATE.search(value):
        raise Malformed("the body holds half a character (a lone surrogate)")
