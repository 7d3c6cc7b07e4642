"""What is left to close, and whether the second wave may start.

An exit closes exactly what filled: entry fills minus exit fills, read from the orders themselves. Orders that
still work at the broker count as if they had filled, so that live plus filled never exceeds what is held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from brokers.model import Side


@dataclass(frozen=True, slots=True)
class Exposure:
    """One leg's fills, in units. `exiting` is what unfinished exit orders may trade, `side` the entry's."""

    leg: int
    side: Side
    entered: int
    exited: int
    exiting: int = 0

    @property
    def held(self) -> int:
        """Units not closed yet, never negative."""
        return max(self.entered - self.exited, 0)

    @property
    def to_send(self) -> int:
        """Units to close that no order is working on."""
        return max(self.held - self.exiting, 0)

    @property
    def overclosed(self) -> int:
        """Units closed that were never opened: a person must look, because the position changed its sign."""
        return max(self.exited - self.entered, 0)


@dataclass(frozen=True, slots=True)
class Closing:
    """One order's worth of closing, before slicing. `side` is the order's: the opposite of the entry's."""

    leg: int
    side: Side
    quantity: int


def to_close(exposures: Iterable[Exposure]) -> tuple[Closing, ...]:
    """What to send now: BUY orders first, because shorts are flat before their hedges are sold."""
    closings = [Closing(one.leg, one.side.opposite, one.to_send) for one in exposures if one.to_send]
    return tuple(sorted(closings, key=lambda closing: (closing.side is Side.SELL, closing.leg)))


def flat(exposures: Iterable[Exposure]) -> bool:
    """Nothing is held and nothing is working."""
    return all(one.held == 0 and one.exiting == 0 for one in exposures)


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
