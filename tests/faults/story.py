"""The story of a day: what went wrong, what each ledger said and when, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from brokers.clock import IST
from brokers.simulator.orders import Order
from tests.faults.play import Played
from tests.faults.world import World


def story(played: Played) -> list[str]:
    """A timeline of both ledgers, `ours` and the `exchange`'s, with the faults between them."""
    world = played.world
    lines = sorted(_lines(world), key=lambda line: line[0])
    told = [f"{_clock(at)}  {who:<9} {text}" for at, who, text in lines]
    ends = [f"net at the exchange  {a}  {world.venue.net(a) or 'flat'}" for a in world.shape.accounts]
    verdict = [f"VIOLATED  {violation}" for violation in played.violations] or ["every invariant holds"]
    return [str(played.scenario), "", *told, "", *ends, *verdict]


def _lines(world: World) -> list[tuple[float, str, str]]:
    notes = [(note.at, note.who, note.text) for note in world.notes]
    asked = [
        (a.at, "exchange", f"{a.account} {a.kind} refused: {a.code}")
        for a in world.venue.asked
        if a.code != 200
    ]
    return [*notes, *_ours(world), *asked, *(line for order in world.venue.orders() for line in _theirs(order))]


def _ours(world: World) -> Iterator[tuple[float, str, str]]:
    for order_id, history in world.rows.items():
        for at, row in history:
            filled = f" {row.filled_quantity} of {row.quantity}" if row.filled_quantity else ""
            yield at, "ours", f"{row.account} {order_id} {row.status}{filled} {row.reason}".rstrip()


def _theirs(order: Order) -> Iterator[tuple[float, str, str]]:
    name = f"{order.account} {order.request.tag or 'a person'}"
    what = f"{order.side} {order.quantity} {order.contract.symbol} at {order.request.price}"
    yield order.accepted_at.timestamp(), "exchange", f"{name} {what} is {order.id}"
    for trade in order.trades:
        yield trade.at.timestamp(), "exchange", f"{name} trades {trade.quantity} at {trade.price}"
    if order.ended_at is not None:
        yield order.ended_at.timestamp(), "exchange", f"{name} {order.status} {order.message}".rstrip()


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, IST):%H:%M:%S.%f}"[:-3]
