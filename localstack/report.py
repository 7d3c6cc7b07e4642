"""What a day came to: orders, fills, positions, rupees, and whether the broker agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from localstack.exchange import BrokerLedger
from localstack.ledger import Comparison, compare, table
from localstack.seed import USER
from tasks.domain.money import rupees
from tasks.stores import Stores
from tasks.stores.ports import OrderRow, PositionRow


@dataclass(frozen=True, slots=True)
class Day:
    """Everything of one run in its accounts, ours and the broker's."""

    orders: Sequence[OrderRow]
    positions: Sequence[PositionRow]
    comparison: Comparison

    @property
    def realised(self) -> Decimal:
        """Rupees, before charges."""
        return sum((row.realised for row in self.positions), Decimal(0))

    @property
    def flat(self) -> bool:
        """Nothing is held, by our book and the broker's."""
        return all(net.ours == net.theirs == 0 for net in self.comparison.nets)


def read_day(stores: Stores, broker: BrokerLedger, run_key: str, accounts: Sequence[str], day: date) -> Day:
    """What one run did, beside everything that the broker has."""
    orders = [row for account in accounts for row in stores.orders.by_run_account(run_key, account)]
    positions = [row for row in stores.positions.by_user_date(USER, day) if row.run_key == run_key]
    return Day(orders, positions, compare(accounts, orders, positions, broker))


def orders(day: Day) -> list[str]:
    return [
        f"{row.order_id}  {row.side:<4} {row.quantity:>4} {row.symbol:<22} limit {row.limit_price:>8.2f}"
        f"  {row.status:<9} {row.filled_quantity:>4} at {row.average_price:>8.2f}  {row.reason}".rstrip()
        for row in day.orders
    ]


def fills(broker: BrokerLedger) -> list[str]:
    """As the exchange reports them."""
    return [
        f"{trade.at:%H:%M:%S.%f}"[:-3]
        + f"  {trade.side:<4} {trade.quantity:>4} {trade.symbol:<22} at {trade.price:>8.2f}"
        f"   trade {trade.trade_id} of order {trade.broker_order_id}"
        for trade in broker.trades
    ]


def positions(day: Day) -> list[str]:
    lines = [
        f"{row.symbol:<22} {row.side:<4} {row.entry_qty:>4} at {row.entry_price:>8.2f}"
        f"   closed {row.exit_qty:>4} at {row.exit_price:>8.2f}   {rupees(row.realised):>12}"
        for row in day.positions
    ]
    return [*lines, f"{'P&L before charges':<71} {rupees(day.realised):>12}"]


def ledgers(day: Day) -> list[str]:
    verdict = "The broker's ledger and ours agree." if day.comparison.agree else "THE LEDGERS DO NOT AGREE."
    return [*table(day.comparison), verdict]
