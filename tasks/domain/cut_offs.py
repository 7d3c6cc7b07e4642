"""Until when a position may stay open before others close it: the broker's square-off, or the market's close.

A broker squares off intraday positions (MIS) itself, at market prices and for a fee, and takes no new intraday
orders from then on. The times are in `data/cut_offs.json`, each with its source: they change, and not with us.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from brokers.clock import IST
from brokers.model import Product
from tasks.domain.calendar import Session


def cut_off(broker: str, product: Product, session: Session) -> datetime:
    """When the broker begins to close the account's positions in `product` on the day of `session`.

    Never later than the session's close. Only intraday positions have a broker's time; others the close alone.
    """
    if product is not Product.MIS:
        return session.closes
    return min(_broker_time(broker, session), session.closes)


def _broker_time(broker: str, session: Session) -> datetime:
    day = session.opens.date()
    known = [row for row in _facts()["brokers"].get(broker, ()) if date.fromisoformat(row["since"]) <= day]
    if not known:
        return session.closes - timedelta(minutes=_facts()["unknown"]["before_close_minutes"])
    newest = max(known, key=lambda row: str(row["since"]))
    return datetime.combine(day, time.fromisoformat(newest["at"]), IST)


@cache
def _facts() -> Any:
    return json.loads((files("tasks.domain.data") / "cut_offs.json").read_text(encoding="utf-8"))
