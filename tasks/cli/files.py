"""Baskets as files: YAML or JSON, checked here before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from tasks.cli.errors import BadFile
from tasks.domain.errors import InvalidStrategy
from tasks.domain.strategy import parse_draft


def read_basket(path: Path, accounts: Sequence[str] = ()) -> dict[str, Any]:
    """A basket's file; `accounts` stand in for those of each strategy that names none.

    Raises
    ------
    BadFile
        With one line for each wrong field, its path first.
    """
    document = read(path)
    if not isinstance(document, dict):
        raise BadFile(f"{path}: must be a basket with name and strategies")
    strategies = document.get("strategies") or []
    if not isinstance(strategies, list):
        raise BadFile(f"{path}: strategies: must be a list")
    if problems := list(_problems(strategies)):
        raise BadFile(f"{path}:\n" + "\n".join(f"  • {line}" for line in problems))
    filled = [{**each, "accounts": each.get("accounts") or list(accounts)} for each in strategies]
    return {**document, "strategies": filled}


def read(path: Path) -> Any:
    """Raises `BadFile` if it is not there, or not YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise BadFile(f"{path}: {getattr(error, 'strerror', None) or 'not text'}") from None
    try:
        return json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=_Loader)  # noqa: S506
    except (yaml.YAMLError, ValueError) as error:
        where = getattr(error, "problem_mark", None)
        place = f", line {where.line + 1}" if where else ""
        hint = 'times are text: entry_time: "09:30"'
        raise BadFile(
            f"{path}{place}: cannot be read ({getattr(error, 'problem', error)})", hint=hint
        ) from None


def _problems(strategies: Sequence[Any]) -> Iterator[str]:
    for place, strategy in enumerate(strategies):
        try:
            parse_draft(strategy)
        except InvalidStrategy as error:
            yield from (f"strategies[{place}].{line}" for line in error.problems)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain scalars: in 1.1, `09:30` is a number of minutes and `ON` a truth."""


_PLAIN = {"null": r"~|null|", "bool": r"true|false", "int": r"[-+]?[0-9]+", "float": r"[-+]?[0-9]+\.[0-9]+"}

_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern in _PLAIN.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), None)
