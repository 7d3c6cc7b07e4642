"""Strikes by what they measure: their delta, or their distance from the money in straddles or in percent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from brokers.model import Instrument, Quote, Right
from tasks.domain import greeks
from tasks.domain.calendar import TradingCalendar
from tasks.domain.chain import Chain
from tasks.domain.errors import DeltaOutOfRange, QuoteMissing, StrikeNotListed
from tasks.domain.listed import Choice, best, listed, nearest, title
from tasks.domain.money import grouped
from tasks.domain.quotes import quote_key
from tasks.domain.strike_rules import AtmPercentStrike, DeltaStrike, StraddleStrike


def by_measure(
    chain: Chain,
    right: Right,
    rule: DeltaStrike | StraddleStrike | AtmPercentStrike,
    *,
    spot: Decimal,
    quotes: Mapping[str, Quote],
    at: datetime,
) -> Choice:
    """See `tasks.domain.strikes.resolve`, whose part this is."""
    match rule:
        case DeltaStrike():
            return by_delta(chain, right, rule, spot=spot, quotes=quotes, at=at)
        case StraddleStrike():
            return by_straddle(chain, right, rule, spot=spot, quotes=quotes)
        case AtmPercentStrike():
            return by_percent(chain, right, rule, spot=spot)


def by_delta(
    chain: Chain,
    right: Right,
    rule: DeltaStrike,
    *,
    spot: Decimal,
    quotes: Mapping[str, Quote],
    at: datetime,
) -> Choice:
    """The strike whose delta meets `rule`. Of equal ones, the nearest to `spot`, then the lower.

    As `by_premium`, NEAREST does not reach beyond the largest and smallest delta there is.
    """
    deltas = [(abs(one), row) for one, row in _deltas(chain, right, spot, quotes, at)]
    meets = best([one for one, _ in deltas], float(rule.delta), rule.compare)
    if not meets:
        known = sorted(one for one, _ in deltas)
        raise DeltaOutOfRange(
            f"no strike of {title(chain, right)} has a {rule}: "
            f"deltas are between {known[0]:.2f} and {known[-1]:.2f}"
        )
    equal = [(abs(row.strike - spot), row.strike, one, row) for one, row in deltas if one in meets]
    _, strike, one, contract = min(equal)
    return Choice(contract, f"{rule}: the delta of {grouped(strike)} is {one:.3f}")


def by_straddle(
    chain: Chain, right: Right, rule: StraddleStrike, *, spot: Decimal, quotes: Mapping[str, Quote]
) -> Choice:
    strikes = listed(chain, right)
    money = strikes[nearest(strikes, spot)]
    straddle = sum((_middle(chain, which, money, quotes) for which in (Right.CE, Right.PE)), Decimal(0))
    wanted = money + rule.multiple * straddle
    return _at_distance(chain, right, wanted, f"{rule}: ATM {grouped(money)}, its straddle costs {straddle}")


def by_percent(chain: Chain, right: Right, rule: AtmPercentStrike, *, spot: Decimal) -> Choice:
    strikes = listed(chain, right)
    money = strikes[nearest(strikes, spot)]
    return _at_distance(chain, right, money * (1 + rule.percent / 100), f"{rule}: ATM {grouped(money)}")


def _at_distance(chain: Chain, right: Right, wanted: Decimal, why: str) -> Choice:
    """The strike nearest to `wanted`, which must lie within the listed ones."""
    strikes = listed(chain, right)
    if not strikes[0] <= wanted <= strikes[-1]:
        raise StrikeNotListed(
            f"{why}; that is {grouped(wanted)}, and {title(chain, right)} has strikes from "
            f"{grouped(strikes[0])} to {grouped(strikes[-1])}"
        )
    contract = chain.ladder[right][nearest(strikes, wanted)]
    return Choice(contract, f"{why}; {grouped(contract.strike)} is nearest to {grouped(wanted)}")


@dataclass(frozen=True, slots=True)
class _Expiry:
    """What all strikes of one expiry share."""

    forward: float
    years: float


def _deltas(
    chain: Chain, right: Right, spot: Decimal, quotes: Mapping[str, Quote], at: datetime
) -> list[tuple[float, Instrument]]:
    """The deltas of all strikes that have one, by the volatility of the option that is out of the money.

    In the money an option is nearly all intrinsic value, and its volatility is noise of the last tick; by
    put-call parity the other right of the strike has the same.
    """
    closes = TradingCalendar.load().closing(chain.expiry, chain.exchange)
    years = greeks.years((closes - at).total_seconds())
    expiry = _Expiry(_forward(chain, spot, quotes, years), years)
    known = ((_delta(chain, row, quotes, expiry), row) for row in chain.ladder[right])
    found = [(one, row) for one, row in known if one is not None]
    if not found:
        raise QuoteMissing(f"no strike of {title(chain, right)} has prices that a delta can be told from")
    return found


def _forward(chain: Chain, spot: Decimal, quotes: Mapping[str, Quote], years: float) -> float:
    """The synthetic future of the listed strike nearest to `spot`."""
    both = sorted({*chain.strikes[Right.CE]} & {*chain.strikes[Right.PE]})
    if not both:
        raise QuoteMissing(f"{chain.underlying} {chain.expiry:%d %b %Y}: no strike has a call and a put")
    strike = both[nearest(both, spot)]
    call, put = (float(_middle(chain, which, strike, quotes)) for which in (Right.CE, Right.PE))
    return greeks.implied_forward(float(strike), call, put, years)


def _delta(chain: Chain, row: Instrument, quotes: Mapping[str, Quote], expiry: _Expiry) -> float | None:
    strike = float(row.strike)
    outside = Right.CE if strike >= expiry.forward else Right.PE
    worth = _price(chain, outside, row.strike, quotes)
    if worth is None:
        return None
    volatility = greeks.implied_volatility(
        float(worth),
        call=outside is Right.CE,
        forward=expiry.forward,
        strike=strike,
        years_left=expiry.years,
    )
    if volatility is None:
        return None
    return greeks.delta(
        call=row.right is Right.CE,
        forward=expiry.forward,
        strike=strike,
        years_left=expiry.years,
        volatility=volatility,
    )


def _middle(chain: Chain, right: Right, strike: Decimal, quotes: Mapping[str, Quote]) -> Decimal:
    price = _price(chain, right, strike, quotes)
    if price is None:
        raise QuoteMissing(f"the broker gave no price of {grouped(strike)} {title(chain, right)}")
    return price


def _price(chain: Chain, right: Right, strike: Decimal, quotes: Mapping[str, Quote]) -> Decimal | None:
    """The middle of the book, or the last price where a side of it is empty. None if there is neither."""
    contract = chain.contract(right, strike)
    quote = quotes.get(quote_key(contract)) if contract is not None else None
    if quote is None:
        return None
    if quote.bid and quote.ask:
        return (quote.bid + quote.ask) / 2
    return quote.last if quote.last > 0 else None
