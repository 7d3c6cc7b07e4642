"""The indices whose options can be traded, where they are listed, and how big one order may be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from brokers.model import Exchange
from tasks.domain.errors import FreezeLimitUnknown, UnknownUnderlying


@dataclass(frozen=True, slots=True)
class Underlying:
    """An index. `spot_symbol` is how brokers quote it, in `EXCHANGE:SYMBOL` form."""

    name: str
    exchange: Exchange
    spot_symbol: str


UNDERLYINGS: dict[str, Underlying] = {
    row.name: row
    for row in (
        Underlying("NIFTY", Exchange.NFO, "NSE:NIFTY 50"),
        Underlying("BANKNIFTY", Exchange.NFO, "NSE:NIFTY BANK"),
        Underlying("FINNIFTY", Exchange.NFO, "NSE:NIFTY FIN SERVICE"),
        Underlying("MIDCPNIFTY", Exchange.NFO, "NSE:NIFTY MID SELECT"),
        Underlying("NIFTYNXT50", Exchange.NFO, "NSE:NIFTY NEXT 50"),
        Underlying("SENSEX", Exchange.BFO, "BSE:SENSEX"),
        Underlying("BANKEX", Exchange.BFO, "BSE:BANKEX"),
        Underlying("SENSEX50", Exchange.BFO, "BSE:SNSX50"),
    )
}


def underlying(name: str) -> Underlying:
    """Raises `UnknownUnderlying`, listing the ones there are."""
    try:
        return UNDERLYINGS[name]
    except KeyError:
        raise UnknownUnderlying(f"{name!r} is not an index traded here; use {', '.join(UNDERLYINGS)}") from None


def freeze_limit(name: str, day: date) -> int:
    """The most units one order may have, as the exchange had it on `day`. Raises `FreezeLimitUnknown`."""
    rows = [row for row in _freeze_limits().get(name, []) if row["from"] <= day.isoformat()]
    if not rows:
        raise FreezeLimitUnknown(
            f"no freeze limit of {name} for {day}: add it to tasks/domain/data/freeze_limits.json"
        )
    return int(max(rows, key=lambda row: row["from"])["quantity"])


@cache
def _freeze_limits() -> dict[str, list[dict[str, Any]]]:
    text = (files("tasks.domain.data") / "freeze_limits.json").read_text(encoding="utf-8")
    limits: dict[str, list[dict[str, Any]]] = json.loads(text)["limits"]
    return limits
