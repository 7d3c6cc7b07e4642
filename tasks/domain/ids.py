"""Names of runs, positions and orders: the same input always gives the same name.

An order's id is also its tag at the broker, so that an order whose reply was lost can be found again. Kite
takes 20 characters (longer tags are rejected, not cut)::

    N  7K3M9Q2XWBTZ4HJD  1  01
    │  │                 │  └ attempt, rises only when the one before is terminal or settled as absent
    │  │                 └ slice of a quantity over the freeze limit
    │  └ 16 characters of Crockford base32 of SHA-256(position_id)
    └ purpose
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_OURS = re.compile(f"[NX][{_CROCKFORD}]{{16}}[1-9][0-9]{{2}}")

MAX_SLICES = 9
MAX_ATTEMPTS = 99


class Purpose(StrEnum):
    """Why an order exists. Unwinding after a failed entry uses EXIT ids, so that it converges with the exit."""

    ENTRY = "N"
    EXIT = "X"


def run_key(strategy_id: str, trading_date: date, run: str = "S") -> str:
    """`run` is S for the scheduled run of the day, M1, M2, … for runs started by hand."""
    return f"{strategy_id}-{trading_date:%Y%m%d}-{run}"


MAX_LEGS_ALONE = 8
"""Legs of one account that can be closed on their own in one go: their execution's name has 80 characters."""


def exit_name(run: str, account: str, legs: Iterable[int] = ()) -> str:
    """The name of the execution that closes an account, or some legs: `…-EXIT`, `…-EXIT-L2`, `…-EXIT-L1.3`.

    Whoever closes the same thing starts the same name.

    Raises
    ------
    ValueError
        If there are more than `MAX_LEGS_ALONE` legs.
    """
    numbers = sorted(set(legs))
    if len(numbers) > MAX_LEGS_ALONE:
        raise ValueError(f"{len(numbers)} legs at once: at most {MAX_LEGS_ALONE} can be closed on their own")
    return "-".join([run, account, "EXIT", *([f"L{'.'.join(map(str, numbers))}"] if numbers else [])])


def exit_again(run: str, account: str, now: datetime) -> str:
    """One more exit where the first is over: the same name for whoever starts one in this minute."""
    return f"{exit_name(run, account)}-{now:%H%M}"


def position_id(run: str, account: str, leg: int) -> str:
    return f"{run}-{account}-L{leg}"


def order_id(purpose: Purpose, position: str, *, slice_no: int, attempt: int) -> str:
    """The order's id and broker tag, 20 characters.

    Raises
    ------
    ValueError
        If `slice_no` is not in 1 to 9 or `attempt` not in 1 to 99.
    """
    if not 1 <= slice_no <= MAX_SLICES:
        raise ValueError(f"slice {slice_no} of {position}: must be 1 to {MAX_SLICES}")
    if not 1 <= attempt <= MAX_ATTEMPTS:
        raise ValueError(f"attempt {attempt} of {position}: must be 1 to {MAX_ATTEMPTS}")
    return f"{purpose}{_digest(position)}{slice_no}{attempt:02d}"


def is_ours(tag: str) -> bool:
    """Whether an order with this tag is of this platform; anybody else's has another form, or none."""
    return _OURS.fullmatch(tag) is not None


@lru_cache(maxsize=1024)
def _digest(text: str) -> str:
    """80 bits of SHA-256 as 16 characters of Crockford base32."""
    bits = int.from_bytes(hashlib.sha256(text.encode()).digest()[:10], "big")
    return "".join(_CROCKFORD[(bits >> shift) & 31] for shift in range(75, -1, -5))
