"""The list of strategies that wait for a signal: one item each, so that a scan reads them and nothing else.

SyncSchedules keeps it, as it keeps the schedules of strategies that go by time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tasks.domain import items
from tasks.domain.errors import InvalidStrategy
from tasks.domain.strategy import Strategy, parse_strategy
from tasks.runtime import Runtime
from tasks.stores.ports import ANY, Change

_parsed: dict[tuple[str, str], tuple[dict[str, Any], Strategy]] = {}
"""By owner and strategy, with its document: a scan runs each minute, and strategies hardly ever change."""


def waits(strategy: Strategy | None) -> bool:
    return strategy is not None and strategy.enabled and strategy.indicators is not None


def agree(owner: str, strategy_id: str, strategy: Strategy | None, rt: Runtime) -> list[str]:
    """Make the list say what the catalog says; what was done."""
    item = items.watched(owner, strategy_id)
    standing = rt.stores.catalog.get(items.SIGNALS, item) is not None
    if waits(strategy) is standing:
        return []
    document = None if standing else {"owner": owner, "strategy_id": strategy_id}
    rt.stores.catalog.commit([Change(items.SIGNALS, item, document, expected=ANY)])
    return [f"{'no longer watching' if standing else 'watching'} {strategy_id}"]


def watched(rt: Runtime) -> Iterator[tuple[str, Strategy]]:
    """Owner and strategy of all that wait. One that was switched off or broken meanwhile is left out."""
    rows = rt.stores.catalog.list(items.SIGNALS, items.watched())
    keys = [(str(row["owner"]), items.strategy(str(row["strategy_id"]))) for row in rows]
    for (owner, item), document in rt.stores.catalog.get_many(keys).items():
        strategy = _strategy(owner, item, document)
        if strategy is not None and waits(strategy):
            yield owner, strategy


def _strategy(owner: str, item: str, document: dict[str, Any]) -> Strategy | None:
    known = _parsed.get((owner, item))
    if known is not None and known[0] == document:
        return known[1]
    try:
        strategy = parse_strategy(document)
    except InvalidStrategy:
        return None
    _parsed[owner, item] = (document, strategy)
    return strategy
