"""Picks the contract a leg means from what is listed, and says why.

Only listed strikes are ever chosen: their steps are uneven, and far expiries have gaps of 500 points and more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from brokers.model import Instrument, Quote, Right
from tasks.domain.chain import Chain
from tasks.domain.errors import PremiumOutOfRange, QuoteMissing, StrikeNotListed
from tasks.domain.money import grouped
from tasks.domain.strategy import Leg
from tasks.domain.strike_rules import AtmStrike, Compare, ExactStrike, PremiumStrike


@dataclass(frozen=True, slots=True)
class Choice:
    """A contract, and the reason as a trader would give it."""

    contract: Instrument
    reason: str


def resolve(chain: Chain, leg: Leg, *, spot: Decimal, quotes: Mapping[str, Quote]) -> Choice:
    """The contract that `leg` means in `chain`. `quotes` are by `EXCHANGE:SYMBOL`; only premiums need them.

    Raises
    ------
    StrikeNotListed
        If the strike, or so many strikes from the money, or a future is not listed.
    PremiumOutOfRange
        If no strike trades at such a premium.
    QuoteMissing
        If the leg asks for a premium and there is no price of any strike.
    """
    match leg.strike:
        case AtmStrike(offset=offset):
            return atm(chain, leg.right, spot, offset)
        case ExactStrike(strike=strike):
            return exact(chain, leg.right, strike)
        case PremiumStrike() as rule:
            return by_premium(chain, leg.right, rule, spot=spot, quotes=quotes)
        case None:
            return future(chain)


def atm(chain: Chain, right: Right, spot: Decimal, offset: int = 0) -> Choice:
    """The listed strike nearest to `spot` (of two, the lower), or the one `offset` listed strikes from it."""
    strikes = _listed(chain, right)
    middle = _nearest(strikes, spot)
    at = middle + offset
    if not 0 <= at < len(strikes):
        raise StrikeNotListed(
            f"ATM{offset:+d} is not listed: {_title(chain, right)} has strikes from {grouped(strikes[0])} to "
            f"{grouped(strikes[-1])}, and ATM is {grouped(strikes[middle])}"
        )
    near = f"spot {grouped(spot)} is nearest to {grouped(strikes[middle])}"
    if offset:
        way = "above" if offset > 0 else "below"
        reason = f"ATM{offset:+d}: {near}; {grouped(strikes[at])} is {abs(offset)} listed {way}"
    else:
        reason = f"ATM: {near}; {_neighbours(strikes, middle)}"
    return Choice(chain.ladder[right][at], reason)


def exact(chain: Chain, right: Right, strike: Decimal) -> Choice:
    contract = chain.contract(right, strike)
    if contract is None:
        strikes = _listed(chain, right)
        nearest = strikes[_nearest(strikes, strike)]
        raise StrikeNotListed(
            f"strike {grouped(strike)} is not listed in {_title(chain, right)}; "
            f"the nearest is {grouped(nearest)}"
        )
    return Choice(contract, f"strike {grouped(strike)}, as the leg says")


def by_premium(
    chain: Chain, right: Right, rule: PremiumStrike, *, spot: Decimal, quotes: Mapping[str, Quote]
) -> Choice:
    """The strike whose last price meets `rule`. Of equal ones, the nearest to `spot`, then the lower.

    NEAREST does not reach beyond the dearest and cheapest option: a premium typed wrong by a digit would
    otherwise buy whatever is deepest in the money.
    """
    traded = _traded(chain, right, quotes)
    premiums = [last for last, _ in traded]
    meets = _best_premiums(premiums, rule)
    if not meets:
        raise PremiumOutOfRange(
            f"no strike of {_title(chain, right)} has a {rule}: "
            f"last prices are between {min(premiums)} and {max(premiums)}"
        )
    equal = [(abs(row.strike - spot), row.strike, last, row) for last, row in traded if last in meets]
    _, strike, last, contract = min(equal)
    return Choice(contract, f"{rule}: {grouped(strike)} last traded at {last}")


def future(chain: Chain) -> Choice:
    contract = chain.contract(Right.FUT)
    if contract is None:
        raise StrikeNotListed(f"no future of {chain.underlying} expires on {chain.expiry:%d %b %Y}")
    return Choice(contract, f"the future of {chain.expiry:%d %b %Y}")


def _best_premiums(premiums: Sequence[Decimal], rule: PremiumStrike) -> tuple[Decimal, ...]:
    """The premiums that meet the rule best: one, two that are equally near, or none."""
    wanted = rule.premium
    below = max((last for last in premiums if last <= wanted), default=None)
    above = min((last for last in premiums if last >= wanted), default=None)
    if rule.compare is Compare.AT_LEAST:
        return () if above is None else (above,)
    if rule.compare is Compare.AT_MOST:
        return () if below is None else (below,)
    if below is None or above is None:
        return ()
    nearest = min(wanted - below, above - wanted)
    return tuple(last for last in (below, above) if abs(last - wanted) == nearest)


def _traded(chain: Chain, right: Right, quotes: Mapping[str, Quote]) -> list[tuple[Decimal, Instrument]]:
    """Contracts with their last prices. What never traded has a last price of 0, which is no price."""
    prefix = f"{chain.exchange}:"  # as `quote_key` does; this is the loop that runs over a whole chain
    found = [(quotes.get(prefix + row.symbol), row) for row in chain.ladder[right]]
    traded = [(quote.last, row) for quote, row in found if quote is not None and quote.last > 0]
    if not traded:
        raise QuoteMissing(f"the broker gave no price of any strike of {_title(chain, right)}")
    return traded


def _listed(chain: Chain, right: Right) -> tuple[Decimal, ...]:
    strikes = chain.strikes[right]
    if not strikes:
        raise StrikeNotListed(f"nothing is listed in {_title(chain, right)}")
    return strikes


def _nearest(strikes: Sequence[Decimal], price: Decimal) -> int:
    """Index of the strike nearest to `price`; of two equally near, the lower."""
    above = bisect_left(strikes, price)
    if above == 0:
        return 0
    if above == len(strikes):
        return above - 1
    return above if strikes[above] - price < price - strikes[above - 1] else above - 1


def _neighbours(strikes: Sequence[Decimal], at: int) -> str:
    near = [grouped(strikes[n]) for n in (at - 1, at + 1) if 0 <= n < len(strikes)]
    if len(near) == 2:
        return f"next are {near[0]} and {near[1]}"
    return f"next is {near[0]}" if near else "it is the only one listed"


def _title(chain: Chain, right: Right) -> str:
    return f"{chain.underlying} {right} {chain.expiry:%d %b %Y}"
