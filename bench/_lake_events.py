"""A month of orders' and positions' events, as they come from the bus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

DAYS, STRATEGIES, USERS, LEGS = 22, 60, 20, 4
FIRST = datetime(2026, 11, 2, 4, tzinfo=UTC)
_STEPS = (
    ("OrderClaimed", "CLAIMED"),
    ("OrderSending", "SENDING"),
    ("OrderPlaced", "OPEN"),
    ("OrderFilled", "FILLED"),
)


def month() -> Iterator[str]:
    for day in range(DAYS):
        for strategy in range(STRATEGIES):
            yield from _strategy_day(FIRST + timedelta(days=day), strategy)


def _strategy_day(at: datetime, strategy: int) -> Iterator[str]:
    for leg in range(1, LEGS + 1):
        facts = _facts(at, strategy, leg)
        for purpose, hours in (("N", 0), ("X", 5)):
            yield from _order(facts, purpose, at + timedelta(hours=hours, seconds=leg))
        yield from _position(facts, at)


def _facts(at: datetime, strategy: int, leg: int) -> dict[str, Any]:
    user = strategy % USERS
    run = f"s{strategy:02d}-{at:%Y%m%d}-S"
    return {
        "position_id": f"{run}-ZA{user:04d}-L{leg}",
        "run_key": run,
        "account": f"ZA{user:04d}",
        "user_id": f"{user:08x}-1111-4222-8333-444455556666",
        "basket_id": "weekly",
        "strategy_id": f"s{strategy:02d}",
        "trading_date": f"{at:%Y-%m-%d}",
        "exchange": "NFO",
        "symbol": f"BANKNIFTY26NOV{56000 + 100 * ((strategy + leg) % 40)}{'CE' if leg % 2 else 'PE'}",
        "side": "SELL",
    }


def _order(facts: dict[str, Any], purpose: str, at: datetime) -> Iterator[str]:
    price = 100 + (hash_of(facts["position_id"]) % 4000) / 20
    for number, (type_, status) in enumerate(_STEPS, start=1):
        moment = (at + timedelta(milliseconds=40 * number)).isoformat()
        data = facts | {
            "order_id": f"{purpose}{hash_of(facts['position_id']):016X}101",
            "broker": "zerodha",
            "purpose": purpose,
            "leg": 1,
            "slice": 1,
            "attempt": 1,
            "quantity": 30,
            "product": "MIS",
            "limit_price": f"{price:.2f}",
            "status": status,
            "broker_order_id": "" if number < 3 else f"26{hash_of(facts['position_id']) % 10**13:013d}",
            "filled_quantity": 30 if status == "FILLED" else 0,
            "average_price": f"{price:.2f}" if status == "FILLED" else "0",
            "claimed_at": at.isoformat(),
            "sent_at": "" if number < 2 else moment,
            "updated_at": moment,
        }
        yield _recorded(f"orders:{data['order_id']}", number, type_, {"order": data}, moment)


def _position(facts: dict[str, Any], at: datetime) -> Iterator[str]:
    earned = (hash_of(facts["position_id"]) % 200_000 - 100_000) / 20
    for number, type_ in enumerate(("PositionOpened", "PositionChanged", "PositionClosed"), start=1):
        closed = type_ == "PositionClosed"
        data = {
            **facts,
            "entry_qty": 30,
            "entry_price": "150.2500",
            "exit_qty": 30 if closed else 0,
            "exit_price": "140.1000" if closed else "0",
            "realised": f"{earned:.2f}" if closed else "0",
        }
        moment = (at + timedelta(hours=5 if closed else 0)).isoformat()
        yield _recorded(f"positions:{data['position_id']}", number, type_, {"position": data}, moment)


def _recorded(aggregate: str, sequence: int, type_: str, data: Any, at: str) -> str:
    (facts,) = data.values()
    return json.dumps(
        {
            "aggregate": aggregate,
            "sequence": sequence,
            "type": type_,
            "version": 1,
            "at": at,
            "user_id": facts["user_id"],
            "cause": f"{hash_of(aggregate + str(sequence)):040d}",
            "data": data,
        }
    )


def hash_of(text: str) -> int:
    """The same in every process, unlike Python's own."""
    value = 14695981039346656037
    for byte in text.encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    return value
