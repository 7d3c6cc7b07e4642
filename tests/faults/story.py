"""The story of a day: what went wrong, what each ledger said and when, side by side."""

from __future__ import annotations

from datetime import datetime

from brokers.clock import IST
from tests.faults.play import Played
from tests.faults.world import World


def story(played: Played) -> list[str]:
    """A timeline of both ledgers: ours on the left margin's word, the exchange's by its own."""
    world = played.world
    lines = sorted(_lines(world), key=lambda line: line[0])
    told = [f"{_clock(at)}  {who:<9} {text}" for at, who, text in lines]
    ends = [f"net at the exchange  {a}  {world.venue.net(a) or 'flat'}" for a in world.shape.accounts]
    verdict = [f"VIOLATED  {violation}" for violation in played.violations] or ["every invariant holds"]
    return [str(played.scenario), "", *told, "", *ends, *verdict]


def _lines(world: World) -> list[tuple[float, str, str]]:
    found = [(note.at, note.who, note.text) for note in world.notes]
    for order_id, history in world.rows.items():
        for at, row in history:
            filled = f" {row.filled_quantity} of {row.quantity}" if row.filled_quantity else ""
            found.append((at, "ours", f"{row.account} {order_id} {row.status}{filled} {row.reason}".rstrip()))
    for order in world.venue.orders():
        start = f"{order.account} {order.request.tag or 'a person'} {order.side} {order.quantity} {order.contract.symbol}"
        found.append(
            (order.accepted_at.timestamp(), "exchange", f"{start} at {order.request.price} is {order.id}")
        )
        for trade in order.trades:
            text = f"{order.account} {order.request.tag or 'a person'} trades {trade.quantity} at {trade.price}"
            found.append((trade.at.timestamp(), "exchange", text))
        if order.ended_at is not None:
            text = f"{order.account} {order.request.tag or 'a person'} {order.status} {order.message}".rstrip()
            found.append((order.ended_at.timestamp(), "exchange", text))
    found += [
        (a.at, "exchange", f"{a.account} {a.kind} refused: {a.code}")
        for a in world.venue.asked
        if a.code != 200
    ]
    return found


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, IST):%H:%M:%S.%f}"[:-3]
