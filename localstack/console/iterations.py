"""What one iteration of a Map is about, in the words of people who trade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = ("name", "id", "key", "symbol", "account")
_LONGEST = 60


def describe(data: Any) -> str:
    """A label for an iteration that began with `data`: its leg and account; "" if nothing in it has a name.

    >>> describe({"order": {"leg": 1, "side": "SELL", "symbol": "NIFTY26NOV25000CE", "account": "ZA1234"}})
    'Leg 1 · SELL NIFTY26NOV25000CE · ZA1234'
    """
    if isinstance(data, str | int | float):
        return str(data)[:_LONGEST]
    if not isinstance(data, Mapping):
        return ""
    for candidate in (data.get("order"), data.get("account"), data):
        if isinstance(candidate, Mapping) and (label := _leg(candidate) or _account(candidate)):
            return label
    return _named(data)


def _leg(order: Mapping[str, Any]) -> str:
    if "leg" not in order or "symbol" not in order:
        return ""
    parts = [f"Leg {order['leg']}", f"{order.get('side', '')} {order['symbol']}".strip()]
    if order.get("slice", 1) != 1:
        parts.append(f"slice {order['slice']}")
    if order.get("attempt", 1) != 1:
        parts.append(f"attempt {order['attempt']}")
    if order.get("account"):
        parts.append(str(order["account"]))
    return " · ".join(parts)


def _account(item: Mapping[str, Any]) -> str:
    account = item.get("account")
    if not isinstance(account, str):
        return ""
    return f"{account} · {item['broker']}" if item.get("broker") else account


def _named(data: Mapping[str, Any]) -> str:
    for key in _NAMES:
        if isinstance(data.get(key), str | int):
            return str(data[key])[:_LONGEST]
    return ""
