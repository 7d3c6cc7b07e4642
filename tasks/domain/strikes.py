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
from tasks.domain.quotes import quote_key
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
    return Choice(chain.contracts[right, strikes[at]], reason)


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
    premiums = _premiums(chain, right, quotes)
    low, high = min(premiums.values()), max(premiums.values())
    wanted = rule.premium
    candidates = [strike for strike, last in premiums.items() if _fits(last, rule)]
    if not candidates or (rule.compare is Compare.NEAREST and not low <= wanted <= high):
        raise PremiumOutOfRange(
            f"no strike of {_title(chain, right)} has a {rule}: last prices are between {low} and {high}"
        )
    best = min(candidates, key=lambda strike: (abs(premiums[strike] - wanted), abs(strike - spot), strike))
    return Choice(chain.contracts[right, best], f"{rule}: {grouped(best)} last traded at {premiums[best]}")


def future(chain: Chain) -> Choice:
    contract = chain.contract(Right.FUT)
    if contract is None:
        raise StrikeNotListed(f"no future of {chain.underlying} expires on {chain.expiry:%d %b %Y}")
    return Choice(contract, f"the future of {chain.expiry:%d %b %Y}")


def _fits(last: Decimal, rule: PremiumStrike) -> bool:
    if rule.compare is Compare.NEAREST:
        return True
    return last >= rule.premium if rule.compare is Compare.AT_LEAST else last <= rule.premium


def _premiums(chain: Chain, right: Right, quotes: Mapping[str, Quote]) -> dict[Decimal, Decimal]:
    """Last prices by strike. What never traded has a last price of 0, which is no price."""
    premiums: dict[Decimal, Decimal] = {}
    for strike in _listed(chain, right):
        quote = quotes.get(quote_key(chain.contracts[right, strike]))
        if quote is not None and quote.last > 0:
            premiums[strike] = quote.last
    if not premiums:
        raise QuoteMissing(f"the broker gave no price of any strike of {_title(chain, right)}")
    return premiums


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
