"""What an account's book says that we do not know yet, and what of ours may not live.

Our rows are read first and the book after them. So an order whose row is over and that the book has working is
a contradiction, unless the book lags; and a fill that the book has is always news that may be taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from brokers.model import BrokerOrder
from tasks.domain.exits import Exposure
from tasks.domain.ids import Purpose, is_ours
from tasks.domain.pnl import realised, total
from tasks.orderpath.book import Book
from tasks.orderpath.legs import entry_orders, exit_orders, exposures
from tasks.orderpath.limits import BOOK_LAG
from tasks.orderpath.outside import without_what_others_closed
from tasks.orderpath.pace import ask_to_send
from tasks.orderpath.updates import look_up, worth_a_look
from tasks.runtime import Runtime
from tasks.stores.ports import AccountRun, OrderRow, OrderState, PositionRow

ORPHANED = timedelta(seconds=60)
"""So long after its window an entry that still works is nobody's any more: whoever chases cancels at once."""

_NEVER_SENT = (OrderState.ABSENT, OrderState.MISSED)


@dataclass(slots=True)
class Rows:
    """Our orders of one account: those of its runs today, and whatever else of ours its book has."""

    by_id: dict[str, OrderRow]
    before: dict[str, OrderRow] = field(default_factory=dict)
    """As they were when the book was read."""
    without_intent: list[BrokerOrder] = field(default_factory=list)

    @classmethod
    def read(cls, rt: Runtime, plans: Iterable[AccountRun]) -> Rows:
        """By ids from the plans, before the book is read."""
        found: list[OrderRow] = []
        for plan in plans:
            rounds = rt.stores.runs.exit_rounds(plan.run_key, plan.account)
            legs = (entry_orders(rt.stores, plan), exit_orders(rt.stores, plan, rounds))
            found += [row for leg in legs for rows in leg.values() for row in rows]
        return cls({row.order_id: row for row in found})

    def complete(self, rt: Runtime, book: Book) -> None:
        """Add what the book has and the plans did not name: claimed a moment ago, or of another day's run."""
        others = [tag for tag in book.by_tag if is_ours(tag) and tag not in self.by_id]
        self.by_id |= rt.stores.orders.get_many(others)
        self.without_intent = [book.by_tag[tag] for tag in others if tag not in self.by_id]
        self.before = dict(self.by_id)


def adopt(rt: Runtime, rows: Rows, book: Book) -> list[str]:
    """Take what the book knows better; what was adopted, in words."""
    said = []
    for order_id, row in rows.by_id.items():
        if not _says_more(row, book.find(row)):
            continue
        now = rows.by_id[order_id] = look_up(rt, row, book)
        if (now.status, now.filled_quantity) != (row.status, row.filled_quantity):
            said.append(f"{order_id} {row.status} {row.filled_quantity} is {now.status} {now.filled_quantity}")
    return said


def _says_more(row: OrderRow, seen: BrokerOrder | None) -> bool:
    """Whether a look can move the row: nothing is written where book and row agree."""
    if seen is None or not row.broker_order_id:
        return worth_a_look(row)
    return seen.filled_quantity > row.filled_quantity or (seen.status.terminal and not row.status.terminal)


def may_not_live(rows: Rows, book: Book, now: datetime) -> Iterator[tuple[OrderRow, BrokerOrder, str]]:
    """Orders of ours that work at the broker although they must not, and why."""
    for row in rows.by_id.values():
        seen = book.find(row) or book.by_tag.get(row.order_id)
        if seen is None or seen.status.terminal:
            continue
        if row.status.terminal and _surely_over(rows.before[row.order_id], now):
            yield row, seen, f"it works although it is {row.status}"
        elif row.purpose is Purpose.ENTRY and now > row.entry_until + ORPHANED:
            yield row, seen, "its entry window is over, and nobody looks after it"


def _surely_over(row: OrderRow, now: datetime) -> bool:
    """Not by a book that lags. What was settled as never sent may not be there at all, however it got there."""
    if row.status in _NEVER_SENT:
        return True
    return row.status.terminal and row.updated_at is not None and now >= row.updated_at + BOOK_LAG


def cancel(rt: Runtime, row: OrderRow, seen: BrokerOrder) -> str:
    """What the broker said. What the account's pace holds back is cancelled a minute later."""
    if ask_to_send(rt, row.account, exiting=True) is not None:
        return "paced"
    return type(rt.brokers.trader(row.user_id, row.account).cancel(seen.broker_order_id)).__name__


def give_up_unsent(rt: Runtime, rows: Rows) -> list[str]:
    """Entries that were claimed, never left, and whose window is over: whoever claimed them is gone."""
    now = rt.clock.now()
    left = [
        row
        for row in rows.by_id.values()
        if row.status is OrderState.CLAIMED
        and row.purpose is Purpose.ENTRY
        and now > row.entry_until + ORPHANED
    ]
    for row in left:
        reason = "it was never sent, and its entry window is over"
        rt.stores.orders.advance(row.order_id, OrderState.MISSED, at=now, reason=reason)
    return [f"{row.order_id} CLAIMED is MISSED" for row in left]


def record_positions(rt: Runtime, plan: AccountRun) -> None:
    """Bring the position rows up to the orders, where the execution that does it is gone. Forward only."""
    rounds = rt.stores.runs.exit_rounds(plan.run_key, plan.account)
    entries, exits = entry_orders(rt.stores, plan), exit_orders(rt.stores, plan, rounds)
    for leg in plan.legs:
        entered, exited = total(entries[leg.leg]), total(exits[leg.leg])
        row = PositionRow(
            **plan.model_dump(include=_SHARED),
            **leg.model_dump(include={"position_id", "exchange", "symbol", "exchange_token", "side"}),
            entry_qty=entered.quantity,
            entry_price=entered.average_price,
            exit_qty=exited.quantity,
            exit_price=exited.average_price,
            realised=realised(leg.side, entered, exited),
        )
        standing = rt.stores.positions.get(leg.position_id)
        known = (standing.entry_qty, standing.exit_qty) if standing else (0, 0)
        if row.entry_qty > known[0]:
            rt.stores.positions.record(row, purpose=Purpose.ENTRY)
        if row.exit_qty > known[1]:
            rt.stores.positions.record(row, purpose=Purpose.EXIT)


_SHARED = {"run_key", "account", "user_id", "basket_id", "strategy_id", "trading_date"}


def held(
    rt: Runtime, plan: AccountRun, orders: Sequence[BrokerOrder]
) -> tuple[list[Exposure], dict[int, list[OrderRow]]]:
    """What each leg still holds, less what others closed; and its entry orders."""
    rounds = list(rt.stores.runs.exit_rounds(plan.run_key, plan.account))
    entries = entry_orders(rt.stores, plan)
    return without_what_others_closed(plan, exposures(rt.stores, plan, rounds), entries, orders), entries
