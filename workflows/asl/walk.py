"""Follow a path through a pydantic model: what is found there, or why nothing can be relied on."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import BaseModel

from workflows.asl.types import element_of, is_model, may_be_null

_SEGMENT = re.compile(r"\.([A-Za-z_]\w*)|\['([^'\]]+)'\]|\[(\d+|\*)\]")


class PathProblem(Exception):
    """A path can't be followed. `rule` says which rule it breaks."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        super().__init__(message)


def segments(source: str) -> list[str]:
    """`$.run.accounts[*].account` as `run`, `accounts`, `[*]`, `account`.

    Raises
    ------
    PathProblem
        For anything but names, indexes and `[*]`: filters, slices and deep scans.
    """
    found: list[str] = []
    at = 1
    while source[:1] == "$" and at < len(source):
        match = _SEGMENT.match(source, at)
        if not match:
            break
        found.append(match[1] or match[2] or f"[{match[3]}]")
        at = match.end()
    if source[:1] != "$" or at != len(source):
        raise PathProblem("path-syntax", f"{source} is no plain path: write names only, like $.run.accounts")
    if not found:
        raise PathProblem("path-syntax", "$ is all of the data: name the slot that is meant")
    return found


def follow(model: type[BaseModel], parts: list[str], *, optional_leaf: bool = False) -> Any:
    """The type at the end of a path. The first part is a slot and so is taken as there.

    Raises
    ------
    PathProblem
        If it is not declared, or something on the way may be missing or null.
    """
    if parts[0] not in model.model_fields:
        raise PathProblem("path-exists", _unknown(parts[0], model))
    here: Any = model.model_fields[parts[0]].annotation
    for position, part in enumerate(parts[1:], start=2):
        here = _step(here, part, optional=optional_leaf and position == len(parts))
        if part == "[*]":
            rest = parts[position:]
            return list[_inside(here, rest)] if rest else list[here]  # type: ignore[misc]
    return here


def _inside(element: Any, rest: list[str]) -> Any:
    here = element
    for part in rest:
        here = _step(here, part, optional=False)
    return here


def _step(here: Any, part: str, *, optional: bool) -> Any:
    if may_be_null(here):
        raise PathProblem("path-optional", f"what holds {part} may be null: let the task always fill it")
    if part.startswith("["):
        return _index(here, part)
    if not is_model(here):
        raise PathProblem("path-exists", _no_model(here, part))
    field = here.model_fields.get(part)
    if field is None:
        raise PathProblem("path-exists", _unknown(part, here))
    if not field.is_required() and not optional:
        raise PathProblem(
            "path-optional",
            f"{part} of {here.__qualname__} may be missing, which nothing catches: make it required",
        )
    return field.annotation


def _index(here: Any, part: str) -> Any:
    element = element_of(here)
    if element is None:
        raise PathProblem("path-exists", f"{part} wants a list")
    if part != "[*]":
        raise PathProblem(
            "path-optional",
            f"item {part} may be missing, which nothing catches: let a task return it by name",
        )
    return element


def _no_model(here: Any, part: str) -> str:
    if get_origin(here) is dict or here is dict:
        return f"{part} is a key of a dict, which may be missing: declare a model with that field"
    return f"{part} can't be read from {getattr(here, '__name__', here)}: declare a model with that field"


def _unknown(part: str, model: type[BaseModel]) -> str:
    near = get_close_matches(part, model.model_fields, n=1)
    hint = f": did you mean {near[0]}?" if near else f": it has {', '.join(model.model_fields) or 'none'}"
    return f"{part} is not a field of {model.__qualname__}{hint}"
