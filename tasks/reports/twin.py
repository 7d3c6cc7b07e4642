"""The report's twin in the lake: one row for each leg of the day, with its charges, as Parquet.

Made again, the file is replaced; `version` tells which of two copies is newer, should both be about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from tasks.domain.charges import LINES
from tasks.lake.parquet import encode, folder, table
from tasks.lake.schemas import LEG_PNL
from tasks.reports.day import Report


def key(report: Report) -> str:
    """Where one user's day lies: one file, that names nobody."""
    digest = hashlib.sha256(report.records.user_id.encode()).hexdigest()[:24]
    return f"{folder(LEG_PNL.name, report.records.day)}{digest}.parquet"


def twin(report: Report) -> bytes:
    """The file. The same report makes the same bytes."""
    return encode(table(LEG_PNL, list(_rows(report))))


def _rows(report: Report) -> Iterator[dict[str, Any]]:
    records = report.records
    for leg in report.legs:
        own = leg.leg
        yield {
            "event_id": hashlib.sha256(own.position_id.encode()).hexdigest()[:24],
            "version": int(records.made_at.timestamp()),
            "user_id": own.user_id,
            "account": own.account,
            "broker": own.broker,
            "basket_id": own.basket_id,
            "basket": records.names.get(own.basket_id, ""),
            "strategy_id": own.strategy_id,
            "strategy": records.names.get(own.strategy_id, ""),
            "run_key": own.run_key,
            "position_id": own.position_id,
            "exchange": own.exchange.value,
            "symbol": own.symbol,
            "traded_orders": leg.orders,
            "bought": leg.bought,
            "sold": leg.sold,
            "buy_value": leg.buy_value,
            "sell_value": leg.sell_value,
            "realised": leg.realised,
            "unrealised": leg.unrealised,
            "gross": leg.gross,
            **{_COLUMN.get(line, line): getattr(leg.charges, line) for line in LINES},
            "charges": leg.charges.total,
            "net": leg.net,
        }


_COLUMN = {"exchange": "exchange_fee"}
"""The exchange's charge: `exchange` is where the contract is listed."""
