"""What of a chain is listed and traded, and a contract chosen from it with the reason."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from brokers.model import Instrument, Quote, Right
from tasks.domain.chain import Chain
from tasks.domain.errors import QuoteMissing, StrikeNotListed
from tasks.domain.money import grouped
from tasks.domain.strike_rules import Compare

NumberT = TypeVar("NumberT", float, Decimal)


@dataclass(frozen=True, slots=True)
class Choice:
    """A contract, and the reason as a trader would give it."""

    contract: Instrument
    reason: str


def traded(chain: Chain, right: Right, quotes: Mapping[str, Quote]) -> list[tuple[Decimal, Instrument]]:
    """Contracts with their last prices. What never traded has a last price of 0, which is no price."""
    prefix = f"{chain.exchange}:"  # as `quote_key` does; this is the loop that runs over a whole chain
    found = [(quotes.get(prefix + row.symbol), row) for row in chain.ladder[right]]
    priced = [(quote.last, row) for quote, row in found if quote is not None and quote.last > 0]
    if not priced:
        raise QuoteMissing(f"the broker gave no price of any strike of {title(chain, right)}")
    return priced


def listed(chain: Chain, right: Right) -> tuple[Decimal, ...]:
    strikes = chain.strikes[right]
    if not strikes:
        raise StrikeNotListed(f"nothing is listed in {title(chain, right)}")
    return strikes


def nearest(strikes: Sequence[Decimal], price: Decimal) -> int:
    """Index of the strike nearest to `price`; of two equally near, the lower."""
    above = bisect_left(strikes, price)
    if above == 0:
        return 0
    if above == len(strikes):
        return above - 1
    return above if strikes[above] - price < price - strikes[above - 1] else above - 1


def neighbours(strikes: Sequence[Decimal], at: int) -> str:
    near = [grouped(strikes[n]) for n in (at - 1, at + 1) if 0 <= n < len(strikes)]
    if len(near) == 2:
        return f"next are {near[0]} and {near[1]}"
    return f"next is {near[0]}" if near else "it is the only one listed"


def title(chain: Chain, right: Right) -> str:
    return f"{chain.underlying} {right} {chain.expiry:%d %b %Y}"


def best(values: Sequence[NumberT], wanted: NumberT, compare: Compare) -> tuple[NumberT, ...]:
    """Of `values` those that meet `wanted` best: one, two that are equally near, or none.

    NEAREST does not reach beyond the largest and the smallest.
    """
    below = max((value for value in values if value <= wanted), default=None)
    above = min((value for value in values if value >= wanted), default=None)
    if compare is Compare.AT_LEAST:
        return () if above is None else (above,)
    if compare is Compare.AT_MOST:
        return () if below is None else (below,)
    if below is None or above is None:
        return ()
    closest = min(wanted - below, above - wanted)
    return tuple(value for value in (below, above) if abs(value - wanted) == closest)
