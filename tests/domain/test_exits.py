"""What is left to close, and when the second wave may start."""

from __future__ import annotations

import pytest

from brokers.model import Side
from tasks.domain.exits import Exposure, closed_by_others, entry_barrier, exit_barrier


def test_what_is_held_is_what_filled_minus_what_was_closed() -> None:
    assert Exposure(2, Side.SELL, entered=45, exited=15).held == 30
    assert Exposure(3, Side.SELL, entered=30, exited=30).held == 0


def test_more_closed_than_opened_is_seen_and_never_reopened() -> None:
    leg = Exposure(1, Side.SELL, entered=30, exited=45)
    assert (leg.held, leg.overclosed) == (0, 15)


def test_a_short_waits_for_its_hedges() -> None:
    assert entry_barrier([(1, 30, 30), (2, 60, 60)]).holds
    held_up = entry_barrier([(1, 30, 30), (2, 60, 45)])
    assert not held_up.holds
    assert held_up.reason == "hedges are not complete: leg 2 bought 45 of 60"
    assert entry_barrier([]).holds


def test_hedges_are_sold_when_shorts_are_flat() -> None:
    hedge = Exposure(1, Side.BUY, 30, 0)
    assert exit_barrier([hedge, Exposure(2, Side.SELL, 30, 30)]).holds
    held_up = exit_barrier([hedge, Exposure(2, Side.SELL, 30, 15)])
    assert not held_up.holds
    assert held_up.reason == "shorts are not flat: leg 2 is short 15"


@pytest.mark.parametrize(
    ("ours", "others", "closed", "why"),
    [
        (-60, 0, 0, "nobody did anything"),
        (-60, 60, 60, "a person closed it all"),
        (-60, 30, 30, "a person closed half"),
        (-60, 90, 60, "a person bought more than we had sold: the rest is his"),
        (-60, -30, 0, "a person sold more: his own"),
        (-120, 60, 0, "another run of ours still holds enough"),
        (0, 0, 0, "another run is long, and nobody else did anything"),
    ],
)
def test_what_others_closed_of_a_short(ours: int, others: int, closed: int, why: str) -> None:
    assert closed_by_others(60, Side.SELL, ours=ours, others=others) == closed, why


def test_what_others_closed_of_a_long() -> None:
    assert closed_by_others(60, Side.BUY, ours=60, others=-60) == 60
    assert Exposure(1, Side.BUY, entered=60, exited=0, closed_outside=60).held == 0
