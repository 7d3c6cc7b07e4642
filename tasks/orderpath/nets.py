"""The nets of one account: what our rows say, what its book says, and the broker's own positions.

Ours + others' = the broker's, contract by contract. What others did is remembered, and so told once per change;
what does not agree, and stays so, is for a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from brokers.errors import BrokerUnavailable, RateLimited
from brokers.model import BrokerOrder, Exchange, NetPosition, Product, Side
from brokers.protocol import Broker
from tasks.domain.ids import is_ours
from tasks.orderpath.limits import BOOK_LAG
from tasks.orderpath.reconciling import Rows
from tasks.runtime import Runtime
from tasks.stores.ports import AccountRun, Outside


@dataclass(frozen=True, slots=True)
class Contract:
    exchange: Exchange
    symbol: str
    product: Product


def _contracts(plans: Iterable[AccountRun]) -> list[Contract]:
    """Everything that the account's runs trade today."""
    found = (Contract(leg.exchange, leg.symbol, plan.product) for plan in plans for leg in plan.legs)
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Traded:
    """What the book has of one contract, in units: ours net, and what others bought and sold."""

    ours: int
    bought: int
    sold: int

    @classmethod
    def of(cls, contract: Contract, orders: Iterable[BrokerOrder]) -> Traded:
        here = [o for o in orders if o.symbol == contract.symbol and o.product in ("", contract.product.value)]
        others = [o for o in here if not is_ours(o.tag)]
        return cls(
            ours=sum(_signed(o.side, o.filled_quantity) for o in here if is_ours(o.tag)),
            bought=sum(o.filled_quantity for o in others if o.side is Side.BUY),
            sold=sum(o.filled_quantity for o in others if o.side is Side.SELL),
        )

    @property
    def net(self) -> int:
        return self.ours + self.bought - self.sold


def _signed(side: Side, units: int) -> int:
    return units if side is Side.BUY else -units


def _todays_net(contract: Contract, positions: Iterable[NetPosition]) -> int:
    """The broker's net of what was traded today: what was carried from yesterday is no trade of today."""
    return sum(
        one.quantity - one.overnight
        for one in positions
        if (one.symbol, one.product) == (contract.symbol, contract.product)
    )


def _note_outside(rt: Runtime, plan: AccountRun, contract: Contract, traded: Traded, net: int) -> bool:
    """Remember what others traded. True where that is news."""
    if not traded.bought + traded.sold:
        return False
    now = rt.clock.now()
    return rt.stores.runs.note_outside(
        Outside(
            account=plan.account,
            user_id=plan.user_id,
            trading_date=now.date(),
            exchange=contract.exchange,
            symbol=contract.symbol,
            product=contract.product,
            bought=traded.bought,
            sold=traded.sold,
            ours=traded.ours,
            net=net,
            seen_at=now,
        )
    )


def _rows_net(rows: Rows, contract: Contract, today: date) -> int:
    """What our rows say that we hold of today's trades in a contract: the book has today's orders alone."""
    return sum(
        _signed(row.side, row.filled_quantity)
        for row in rows.by_id.values()
        if (row.symbol, row.product) == (contract.symbol, contract.product)
        and row.sent_at is not None
        and row.sent_at.date() == today
    )


def _lately(rows: Rows, contract: Contract, now: datetime) -> bool:
    """Whether an order of ours in the contract moved a moment ago, so that a lagging book may not show it."""
    return any(
        row.updated_at is not None and now < row.updated_at + BOOK_LAG
        for row in rows.by_id.values()
        if row.symbol == contract.symbol
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """One contract, in units: what our rows hold of it, what the book has, the broker's net of today."""

    contract: Contract
    rows: int
    book: Traded
    net: int
    news: bool
    """Others have traded since the last look."""

    @property
    def agree(self) -> bool:
        return self.rows == self.book.ours and self.net == self.book.net

    def __str__(self) -> str:
        strange = self.book.net - self.book.ours
        return (
            f"{self.contract.symbol}: our rows {self.rows}, the book {self.book.ours} ours and {strange} "
            f"others', the broker's net {self.net}"
        )


def compare(
    rt: Runtime, broker: Broker, plans: Sequence[AccountRun], rows: Rows, orders: Sequence[BrokerOrder]
) -> Iterator[Compared]:
    """Every contract of the account's runs. What others traded is remembered on the way."""
    wanted = _contracts(plans)
    positions = _positions(broker) if wanted else None
    for contract in wanted:
        book = Traded.of(contract, orders)
        net = book.net if positions is None else _todays_net(contract, positions)
        news = _note_outside(rt, plans[0], contract, book, net)
        yield Compared(contract, _rows_net(rows, contract, rt.clock.now().date()), book, net, news)


def stays_so(rt: Runtime, broker: Broker, rows: Rows, one: Compared) -> bool:
    """Whether a difference is one: no book that lags, and nothing that traded between two reads."""
    if _lately(rows, one.contract, rt.clock.now()):
        return False
    return Traded.of(one.contract, broker.orders()) == one.book


def _positions(broker: Broker) -> Sequence[NetPosition] | None:
    """None where the broker does not say now: the book alone has to do."""
    try:
        return broker.positions()
    except (RateLimited, BrokerUnavailable):
        return None
