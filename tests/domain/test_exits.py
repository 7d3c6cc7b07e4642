"""What is left to close, and when the second wave may start."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brokers.model import Side
from tasks.domain.exits import Closing, Exposure, entry_barrier, exit_barrier, flat, to_close


def test_exactly_what_filled_is_closed_and_shorts_first() -> None:
    legs = [
        Exposure(1, Side.BUY, entered=30, exited=0),
        Exposure(2, Side.SELL, entered=45, exited=15),
        Exposure(3, Side.SELL, entered=30, exited=30),
        Exposure(4, Side.SELL, entered=0, exited=0),
    ]
    assert to_close(legs) == (Closing(2, Side.BUY, 30), Closing(1, Side.SELL, 30))


def test_what_an_order_still_works_on_is_not_sent_again() -> None:
    leg = Exposure(1, Side.SELL, entered=60, exited=15, exiting=45)
    assert to_close([leg]) == ()
    assert not flat([leg])
    assert to_close([Exposure(1, Side.SELL, entered=60, exited=15, exiting=30)]) == (Closing(1, Side.BUY, 15),)


def test_more_closed_than_opened_is_seen_and_never_reopened() -> None:
    leg = Exposure(1, Side.SELL, entered=30, exited=45)
    assert (leg.held, leg.to_send, leg.overclosed) == (0, 0, 15)
    assert flat([leg])


def test_flat_is_nothing_held_and_nothing_working() -> None:
    assert flat([])
    assert flat([Exposure(1, Side.SELL, 30, 30)])
    assert not flat([Exposure(1, Side.SELL, 30, 30, exiting=5)])
    assert not flat([Exposure(1, Side.SELL, 30, 29)])


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


units = st.integers(0, 5000)


@given(st.builds(Exposure, st.integers(1, 20), st.sampled_from(Side), units, units, units))
def test_live_plus_filled_never_exceeds_what_was_opened(leg: Exposure) -> None:
    sent = sum(closing.quantity for closing in to_close([leg]))
    assert sent >= 0
    assert sent == 0 or leg.exited + leg.exiting + sent == leg.entered
