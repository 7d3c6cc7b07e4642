"""Lots become units, and quantities over the exchange's freeze limit become several orders."""

from __future__ import annotations

from tasks.domain.errors import TooManySlices
from tasks.domain.ids import MAX_SLICES


def quantity(lots: int, lot_size: int, multiplier: int = 1) -> int:
    """Units to trade. `multiplier` is the account's own.

    Raises
    ------
    ValueError
        If one of them is not positive.
    """
    if min(lots, lot_size, multiplier) < 1:
        raise ValueError(f"{lots} lots of {lot_size} units times {multiplier}: each must be at least 1")
    return lots * lot_size * multiplier


def largest_slice(lot_size: int, freeze: int) -> int:
    """The most units of one order: whole lots within the freeze limit (1755 for NIFTY's 1800 and lots of 65).

    A limit below one lot would allow no order at all, so it is taken for an error of the data: one lot.
    """
    return max(freeze // lot_size, 1) * lot_size


def slices(units: int, *, lot_size: int, freeze: int) -> tuple[int, ...]:
    """`units` in as few orders as possible, each whole lots (the last takes what is left), none over the limit.

    Raises
    ------
    TooManySlices
        If nine orders are not enough. What an entry could open in nine, its exit can close in nine.
    """
    if units <= 0:
        return ()
    largest = largest_slice(lot_size, freeze)
    full, rest = divmod(units, largest)
    parts = (largest,) * full + ((rest,) if rest else ())
    if len(parts) > MAX_SLICES:
        raise TooManySlices(
            f"{units} units need {len(parts)} orders of at most {largest} (freeze limit {freeze}, lots of "
            f"{lot_size}); at most {MAX_SLICES} are sent: use at most {MAX_SLICES * largest // lot_size} lots"
        )
    return parts
