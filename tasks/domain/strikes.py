"""Picks the contract a leg means from what is listed, and says why.

Only listed strikes are ever chosen: their steps are uneven, and far expiries have gaps of 500 points and more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from brokers.model import Quote, Right
from tasks.domain.chain import Chain
from tasks.domain.errors import PremiumOutOfRange, StrikeNotListed
from tasks.domain.listed import Choice, best, listed, nearest, neighbours, title, traded
from tasks.domain.measured import by_measure
from tasks.domain.money import grouped
from tasks.domain.strategy import Leg
from tasks.domain.strike_rules import (
    AtmPercentStrike,
    AtmStrike,
    DeltaStrike,
    ExactStrike,
    PremiumStrike,
    StraddleStrike,
)


def resolve(chain: Chain, leg: Leg, *, spot: Decimal, quotes: Mapping[str, Quote], at: datetime) -> Choice:
    """The contract that `leg` means in `chain`, by prices of the moment `at`.

    `quotes` are by `EXCHANGE:SYMBOL`; a strike by number, or by its place among the listed ones, needs none.

    Raises
    ------
    StrikeNotListed
        If the strike, or so many strikes from the money, or a future is not listed.
    PremiumOutOfRange
        If no strike trades at such a premium.
    DeltaOutOfRange
        If no strike has such a delta.
    QuoteMissing
        If the leg asks for a premium, a delta or the straddle's width, and the prices for that are not there.
    """
    match leg.strike:
        case AtmStrike(offset=offset):
            return atm(chain, leg.right, spot, offset)
        case ExactStrike(strike=strike):
            return exact(chain, leg.right, strike)
        case PremiumStrike() as rule:
            return by_premium(chain, leg.right, rule, spot=spot, quotes=quotes)
        case DeltaStrike() | StraddleStrike() | AtmPercentStrike() as rule:
            return by_measure(chain, leg.right, rule, spot=spot, quotes=quotes, at=at)
        case None:
            return future(chain)


def atm(chain: Chain, right: Right, spot: Decimal, offset: int = 0) -> Choice:
    """The listed strike nearest to `spot` (of two, the lower), or the one `offset` listed strikes from it."""
    strikes = listed(chain, right)
    middle = nearest(strikes, spot)
    at = middle + offset
    if not 0 <= at < len(strikes):
        raise StrikeNotListed(
            f"ATM{offset:+d} is not listed: {title(chain, right)} has strikes from {grouped(strikes[0])} to "
            f"{grouped(strikes[-1])}, and ATM is {grouped(strikes[middle])}"
        )
    near = f"spot {grouped(spot)} is nearest to {grouped(strikes[middle])}"
    if offset:
        way = "above" if offset > 0 else "below"
        reason = f"ATM{offset:+d}: {near}; {grouped(strikes[at])} is {abs(offset)} listed {way}"
    else:
        reason = f"ATM: {near}; {neighbours(strikes, middle)}"
    return Choice(chain.ladder[right][at], reason)


def exact(chain: Chain, right: Right, strike: Decimal) -> Choice:
    contract = chain.contract(right, strike)
    if contract is None:
        strikes = listed(chain, right)
        near = strikes[nearest(strikes, strike)]
        raise StrikeNotListed(
            f"strike {grouped(strike)} is not listed in {title(chain, right)}; the nearest is {grouped(near)}"
        )
    return Choice(contract, f"strike {grouped(strike)}, as the leg says")


def by_premium(
    chain: Chain, right: Right, rule: PremiumStrike, *, spot: Decimal, quotes: Mapping[str, Quote]
) -> Choice:
    """The strike whose last price meets `rule`. Of equal ones, the nearest to `spot`, then the lower.

    NEAREST does not reach beyond the dearest and cheapest option: a premium typed wrong by a digit would
    otherwise buy whatever is deepest in the money.
    """
    priced = traded(chain, right, quotes)
    premiums = [last for last, _ in priced]
    meets = best(premiums, rule.premium, rule.compare)
    if not meets:
        raise PremiumOutOfRange(
            f"no strike of {title(chain, right)} has a {rule}: "
            f"last prices are between {min(premiums)} and {max(premiums)}"
        )
    equal = [(abs(row.strike - spot), row.strike, last, row) for last, row in priced if last in meets]
    _, strike, last, contract = min(equal)
    return Choice(contract, f"{rule}: {grouped(strike)} last traded at {last}")


def future(chain: Chain) -> Choice:
    contract = chain.contract(Right.FUT)
    if contract is None:
        raise StrikeNotListed(f"no future of {chain.underlying} expires on {chain.expiry:%d %b %Y}")
    return Choice(contract, f"the future of {chain.expiry:%d %b %Y}")
