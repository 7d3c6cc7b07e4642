"""Turns what pydantic found wrong into lines a trader understands: the field's path, then the reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

_LONGEST = 40


def problems(error: ValidationError, *, known: Sequence[str], hidden: Collection[str] = ()) -> tuple[str, ...]:
    """One line for each wrong field: ``legs[0].lots: must be at least 1, not 0``.

    `known` are the fields that exist, to suggest the one that was meant. What was given for a `hidden` field, a
    secret, is not repeated.
    """
    details = error.errors(include_url=False)
    return tuple(
        _line(_veiled(one) if one["loc"][:1] and one["loc"][0] in hidden else one, known) for one in details
    )


def _veiled(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {**detail, "input": _Hidden()}


class _Hidden:
    def __repr__(self) -> str:
        return "what was given"


def path(location: tuple[int | str, ...]) -> str:
    """``("legs", 0, "lots")`` as ``legs[0].lots``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _line(detail: Mapping[str, Any], known: Sequence[str]) -> str:
    where = path(detail["loc"])
    reason = _reason(detail, known)
    return f"{where}: {reason}" if where else reason


def _reason(detail: Mapping[str, Any], known: Sequence[str]) -> str:
    context = detail.get("ctx", {})
    kind = detail["type"]
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not a known field" + _suggestion(str(detail["loc"][-1]), known)
    told = _WORDS.get(kind)
    if told is None:
        return f"{str(detail['msg'])[0].lower()}{str(detail['msg'])[1:]}, not {shown(detail['input'])}"
    return f"{told(context)}, not {shown(detail['input'])}"


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "enum": lambda context: f"must be {context['expected']}",
    "literal_error": lambda context: f"must be {context['expected']}",
    "int_type": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "bool_type": lambda _: "must be true or false",
    "string_type": lambda _: "must be text",
    "tuple_type": lambda _: "must be a list",
    "model_type": lambda _: "must be an object with fields",
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "less_than_equal": lambda context: f"must be at most {context['le']}",
    "string_too_long": lambda context: f"must have at most {context['max_length']} characters",
    "string_too_short": lambda context: f"must have at least {context['min_length']} characters",
    "string_pattern_mismatch": lambda context: f"must match {context['pattern']}",
    "too_long": lambda context: (
        f"has {context['actual_length']} entries, at most {context['max_length']} are possible"
    ),
    "too_short": lambda context: f"needs at least {context['min_length']}",
    "greater_than": lambda context: f"must be more than {context['gt']}",
}


def shown(value: object) -> str:
    """What was given, short enough for a message."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _suggestion(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
