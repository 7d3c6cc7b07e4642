"""Reads the `indicators` block as it was stored before conditions were a tree.

It was kept and never run: a list of comparisons, `match`ed all or any, on candles of one `source`, where an
operand was a `series` or an `indicator`. An index's volume, which could be named and doesn't exist, becomes
the future's.
"""

from __future__ import annotations

from typing import Any

_VOLUME = ("VWAP", "VOLUME")


def upgraded(document: Any) -> Any:
    """The block of today. What is of today already, or is nothing like a block, stays as it is."""
    if not isinstance(document, dict):
        return document
    rules = {name: document[name] for name in ("entry", "exit") if _is_old(document.get(name))}
    if not rules:
        return document
    source = document.get("source", "spot")
    rest = {name: value for name, value in document.items() if name != "source"}
    return {**rest, **{name: _tree(rule, source) for name, rule in rules.items()}}


def _is_old(rule: Any) -> bool:
    return isinstance(rule, dict) and "conditions" in rule and isinstance(rule["conditions"], list | tuple)


def _tree(rule: dict[str, Any], source: str) -> dict[str, Any]:
    others = {name: value for name, value in rule.items() if name not in ("match", "conditions")}
    return {**others, str(rule.get("match", "all")): [_comparison(one, source) for one in rule["conditions"]]}


def _comparison(one: Any, source: str) -> Any:
    if not isinstance(one, dict):
        return one
    sides = {side: _operand(one[side], source) for side in ("left", "right") if side in one}
    return {**one, **sides}


def _operand(operand: Any, source: str) -> Any:
    if not isinstance(operand, dict):
        return operand
    fields = {"series" if name == "indicator" else name: value for name, value in operand.items()}
    if source == "future" or fields.get("series") in _VOLUME:
        fields["on"] = "future"
    return fields
