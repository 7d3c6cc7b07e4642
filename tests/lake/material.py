"""Messages of the lake's queue, made by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from tasks.lake.reading import open_lake
from tasks.lake.schemas import ORDERS, POSITIONS
from tasks.lake.writing import Message, Written, write
from tasks.objects import TABLES, FolderObjects
from tests.events.streams import order_image

POSITION = {
    "position_id": "s-20261123-S-ZA1-L1",
    "run_key": "s-20261123-S",
    "account": "ZA1",
    "user_id": "asha",
    "basket_id": "weekly",
    "strategy_id": "s",
    "trading_date": "2026-11-23",
    "exchange": "NFO",
    "symbol": "BANKNIFTY26NOV58400CE",
    "side": "SELL",
    "entry_qty": 30,
    "entry_price": "250.5000",
    "exit_qty": 30,
    "exit_price": "240.2500",
    "realised": "307.50",
}


def recorded(type_: str, data: dict[str, Any], **changes: Any) -> str:
    """One event as it is on the bus."""
    return json.dumps(
        {
            "aggregate": "orders:N7K",
            "sequence": 1,
            "type": type_,
            "version": 1,
            "at": "2026-11-23T04:00:01Z",
            "user_id": "asha",
            "cause": "0001",
            "data": data,
        }
        | changes
    )


def order(sequence: int, type_: str = "OrderFilled", *, number: int = 1, **changes: Any) -> str:
    image = order_image(**({"order_id": f"N{number:03}", "user_id": "asha"} | changes))
    return recorded(type_, {"order": image}, aggregate=f"orders:N{number:03}", sequence=sequence)


def position(number: int, realised: str = "307.50", **changes: Any) -> str:
    facts = POSITION | {"position_id": f"p{number}", "realised": realised} | changes
    return recorded(
        "PositionClosed",
        {"position": facts},
        aggregate=f"positions:p{number}",
        user_id=facts["user_id"],
    )


def update(**changes: Any) -> str:
    """What a broker said, on its way from ApplyUpdates."""
    return json.dumps(
        {
            "account": "ZA1",
            "broker_order_id": "B1",
            "tag": "N001",
            "symbol": "BANKNIFTY26NOV58400CE",
            "side": "SELL",
            "quantity": 30,
            "filled_quantity": 30,
            "average_price": "250.5",
            "price": "245",
            "status": "FILLED",
            "reason": "",
            "at": "2026-11-23T09:30:02+05:30",
            "body": {"order_id": "B1", "user_id": "ZA1", "average_price": 250.5},
            "user_id": "asha",
        }
        | changes
    )


def messages(*bodies: str) -> list[Message]:
    return [Message(f"m{number}", body) for number, body in enumerate(bodies)]


def land(root: Path, *bodies: str) -> Written:
    """Write one batch into a folder."""
    return write(messages(*bodies), FolderObjects(root))


def ask(root: Path, sql: str) -> list[tuple[Any, ...]]:
    return open_lake(root / TABLES).execute(sql).fetchall()


def sums(root: Path) -> tuple[int, int, Decimal]:
    """Events of orders, positions, and what the positions earned."""
    lake = open_lake(root / TABLES, {kind.name: kind for kind in (ORDERS, POSITIONS)})
    ((orders, positions, earned),) = lake.execute(
        "SELECT (SELECT count(*) FROM order_events), (SELECT count(*) FROM positions),"
        " (SELECT coalesce(sum(realised), 0) FROM positions)"
    ).fetchall()
    return orders, positions, earned
