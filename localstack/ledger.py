"""The broker's ledger and ours, side by side: every order by its tag, and the net of every contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from brokers.model import Side
from localstack.exchange import BrokerEntry, BrokerLedger
from tasks.stores.ports import OrderRow, OrderState, PositionRow

_KITE = {
    "COMPLETE": OrderState.FILLED,
    "CANCELLED": OrderState.CANCELLED,
    "REJECTED": OrderState.REJECTED,
}
"""Every other word of Kite's means that the order is still working."""

_NEED_NOT_BE_THERE = (OrderState.CLAIMED, OrderState.MISSED, OrderState.ABSENT, OrderState.REJECTED)


@dataclass(frozen=True, slots=True)
class Pair:
    """One order in both ledgers; `differences` is empty where they agree."""

    ours: OrderRow | None
    theirs: BrokerEntry | None
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Net:
    """One contract in one account: units held, positive is long."""

    account: str
    symbol: str
    ours: int
    theirs: int


@dataclass(frozen=True, slots=True)
class Comparison:
    pairs: tuple[Pair, ...]
    nets: tuple[Net, ...]

    @property
    def agree(self) -> bool:
        return not any(pair.differences for pair in self.pairs) and all(n.ours == n.theirs for n in self.nets)


def compare(
    accounts: Iterable[str],
    orders: Sequence[OrderRow],
    positions: Sequence[PositionRow],
    broker: BrokerLedger,
) -> Comparison:
    """Both ledgers of these accounts."""
    pairs, nets = list[Pair](), list[Net]()
    for account in accounts:
        pairs += _pairs(
            [row for row in orders if row.account == account],
            [entry for entry in broker.orders if entry.account == account],
        )
        held = [row for row in positions if row.account == account]
        nets += _nets(account, held, broker.positions.get(account, {}))
    return Comparison(tuple(pairs), tuple(nets))


def _pairs(ours: Sequence[OrderRow], theirs: Sequence[BrokerEntry]) -> Iterator[Pair]:
    copies = Counter(entry.tag for entry in theirs)
    by_tag = {entry.tag: entry for entry in theirs}
    for row in sorted(ours, key=lambda row: (row.claimed_at, row.order_id)):
        entry = by_tag.pop(row.order_id, None)
        yield Pair(row, entry, tuple(_differences(row, entry, copies[row.order_id])))
    for entry in by_tag.values():
        yield Pair(None, entry, ("we know nothing of it",))


def _differences(ours: OrderRow, theirs: BrokerEntry | None, copies: int) -> Iterator[str]:
    if theirs is None:
        if ours.status not in _NEED_NOT_BE_THERE or ours.filled_quantity:
            yield "the broker does not have it"
        return
    if copies > 1:
        yield f"it was sent {copies} times"
    if ours.status is not _KITE.get(theirs.status, OrderState.OPEN):
        yield f"{ours.status} here, {theirs.status} there"
    if ours.filled_quantity != theirs.filled_quantity:
        yield f"{ours.filled_quantity} filled here, {theirs.filled_quantity} there"
    elif ours.filled_quantity and ours.average_price != theirs.average_price:
        yield f"at {ours.average_price} here, {theirs.average_price} there"
    if ours.broker_order_id != theirs.broker_order_id:
        yield f"the broker's id is {theirs.broker_order_id}"


def _nets(account: str, positions: Iterable[PositionRow], theirs: Mapping[str, int]) -> Iterator[Net]:
    ours: Counter[str] = Counter()
    for row in positions:
        held = row.entry_qty - row.exit_qty
        ours[row.symbol] += held if row.side is Side.BUY else -held
    for symbol in sorted(ours.keys() | theirs.keys()):
        yield Net(account, symbol, ours[symbol], theirs.get(symbol, 0))


def table(comparison: Comparison) -> list[str]:
    """The comparison as lines of text."""
    lines = [f"{'tag, ours':<21} {'order':<40} {'ours':<26} the broker"]
    for pair in comparison.pairs:
        mark = "✓" if not pair.differences else "✗ " + "; ".join(pair.differences)
        lines.append(
            f"{_tag(pair):<21} {_order(pair):<40} {_ours(pair.ours):<26} {_theirs(pair.theirs):<28} {mark}"
        )
    for net in comparison.nets:
        mark = "✓" if net.ours == net.theirs else "✗"
        lines.append(f"{net.account + ' net':<21} {net.symbol:<40} {net.ours:<26} {net.theirs:<28} {mark}")
    return lines


def _tag(pair: Pair) -> str:
    return pair.ours.order_id if pair.ours else pair.theirs.tag if pair.theirs else ""


def _order(pair: Pair) -> str:
    either = pair.ours or pair.theirs
    return f"{either.side} {either.quantity} {either.symbol}" if either else ""


def _ours(row: OrderRow | None) -> str:
    if row is None:
        return "–"
    filled = f" {row.filled_quantity} at {row.average_price:.2f}" if row.filled_quantity else ""
    return f"{row.status}{filled}"


def _theirs(entry: BrokerEntry | None) -> str:
    if entry is None:
        return "–"
    filled = f" {entry.filled_quantity} at {entry.average_price:.2f}" if entry.filled_quantity else ""
    return f"{entry.status}{filled}"
