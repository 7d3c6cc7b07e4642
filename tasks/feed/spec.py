"""What the feed touches, as a function's `FUNCTION` says it: `infra` makes its role of this."""

from __future__ import annotations

from tasks.spec import Function, Table

FEED = Function(
    name="Feed",
    module="tasks.feed",
    reads=(Table.CATALOG, Table.MARKET, Table.ORDERS, Table.POSITIONS, Table.RUNS),
    writes=(Table.CATALOG, Table.MARKET),
    scans=(Table.CATALOG,),
    broker=True,
    starts=("AccountBasket", "PollQuotes"),
)
