"""What is left to close, and whether the second wave may start.

An exit closes exactly what filled: entry fills minus exit fills, read from the orders themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from brokers.model import Right, Side


@dataclass(frozen=True, slots=True)
class Exposure:
    """One leg's fills, in units. `side` is the entry's; `closed_outside` is what others closed of it."""

    leg: int
    side: Side
    entered: int
    exited: int
    closed_outside: int = 0

    @property
    def held(self) -> int:
        """Units not closed yet, never negative."""
        return max(self.entered - self.exited - self.closed_outside, 0)

    @property
    def overclosed(self) -> int:
        """Units closed that were never opened: a person must look, because the position changed its sign."""
        return max(self.exited - self.entered, 0)


def closed_by_others(held: int, side: Side, *, ours: int, others: int) -> int:
    """How many of our `held` units somebody else has closed: a person at a terminal, or the broker's own RMS.

    Only what trades against us closes ours, and no more than the account now lacks: where the account still
    holds it all (another run's orders among it), nothing of ours is closed.

    Parameters
    ----------
    ours, others
        Signed units traded in the contract since the leg was entered, by orders with our tags and without.
    """
    sign = 1 if side is Side.BUY else -1
    against = max(0, -sign * others)
    still_there = max(0, sign * (ours + others))
    return min(held, against, held - min(held, still_there))


def covers(bought: str, sold: str) -> bool:
    """Whether a bought CE, PE or FUT bounds the loss of a sold one: both on the same side of the market.

    A right that is not known covers everything, and is covered by everything.
    """
    return not bought or not sold or (bought == Right.PE) == (sold == Right.PE)


@dataclass(frozen=True, slots=True)
class Barrier:
    """Whether the SELL wave may follow the BUY wave, and why not."""

    holds: bool
    reason: str


def entry_barrier(bought: Iterable[tuple[int, int, int]]) -> Barrier:
    """On the way in a short is sent only after its hedges have filled.

    `bought` has leg, units planned and units filled of each BUY leg.
    """
    short = [f"leg {leg} bought {filled} of {planned}" for leg, planned, filled in bought if filled < planned]
    if short:
        return Barrier(False, f"hedges are not complete: {', '.join(short)}")
    return Barrier(True, "all hedges are bought")


def exit_barrier(exposures: Iterable[Exposure]) -> Barrier:
    """On the way out hedges are sold only after all shorts are flat."""
    open_shorts = [
        f"leg {one.leg} is short {one.held}" for one in exposures if one.side is Side.SELL and one.held
    ]
    if open_shorts:
        return Barrier(False, f"shorts are not flat: {', '.join(open_shorts)}")
    return Barrier(True, "all shorts are flat")
