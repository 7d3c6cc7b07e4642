"""Strikes by delta, by the straddle's width and by percent of ATM."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import pytest

from brokers.clock import IST
from brokers.model import Quote, Right, Side
from tasks.domain import greeks
from tasks.domain.chain import Chain
from tasks.domain.errors import DeltaOutOfRange, QuoteMissing, StrikeNotListed
from tasks.domain.listed import Choice
from tasks.domain.quotes import quote_key
from tasks.domain.strategy import Leg
from tasks.domain.strikes import resolve
from tests.domain.market import EXPIRY, chain_with, quoted

AT = datetime(2026, 11, 16, 9, 30, tzinfo=IST)
SPOT, FORWARD, VOLATILITY = Decimal("58412.35"), 58_480.0, 0.14
CHAIN = chain_with(range(54_000, 63_000, 100), future=True)
YEARS = (datetime(2026, 11, 23, 15, 40, tzinfo=IST) - AT).total_seconds() / greeks.YEAR


def worth(strike: Decimal, right: Right) -> float:
    return greeks.price(
        call=right is Right.CE,
        forward=FORWARD,
        strike=float(strike),
        years_left=YEARS,
        volatility=VOLATILITY,
    )


def priced(chain: Chain) -> dict[str, Quote]:
    """Every option at its Black-76 price, to a tenth of a paisa."""
    return {
        quote_key(row): quoted(row, f"{worth(row.strike, row.right):.3f}")
        for row in chain.contracts.values()
        if row.right is not Right.FUT
    }


QUOTES = priced(CHAIN)


def chosen(rule: str, right: Right = Right.CE, *, quotes: Mapping[str, Quote] = QUOTES) -> Choice:
    leg = Leg.model_validate({"side": Side.SELL, "right": right, "lots": 1, "strike": rule})
    return resolve(CHAIN, leg, spot=SPOT, quotes=quotes, at=AT)


def true_delta(strike: Decimal, right: Right) -> float:
    call = right is Right.CE
    return abs(
        greeks.delta(call=call, forward=FORWARD, strike=float(strike), years_left=YEARS, volatility=VOLATILITY)
    )


@pytest.mark.parametrize("right", [Right.CE, Right.PE])
@pytest.mark.parametrize("wanted", ["0.1", "0.3", "0.5", "0.85"])
def test_the_strike_with_the_nearest_delta(right: Right, wanted: str) -> None:
    contract = chosen(f"delta ~ {wanted}", right).contract
    off = {strike: abs(true_delta(strike, right) - float(wanted)) for strike in CHAIN.strikes[right]}
    assert contract.strike == min(off, key=lambda strike: off[strike])
    assert contract.right is right


def test_at_most_and_at_least_do_not_cross_the_line() -> None:
    at_most, at_least = chosen("delta <= 0.3").contract.strike, chosen("delta >= 0.3").contract.strike
    assert at_most - at_least == 100
    assert true_delta(at_most, Right.CE) < 0.3 < true_delta(at_least, Right.CE)


def test_the_reason_names_the_delta() -> None:
    choice = chosen("delta ~ 0.3")
    delta = true_delta(choice.contract.strike, Right.CE)
    assert choice.reason == f"delta ≈ 0.3: the delta of {choice.contract.strike:,} is {delta:.3f}"


def test_a_delta_beyond_all_strikes_is_refused() -> None:
    few = {key: quote for key, quote in QUOTES.items() if "58400" in key or "58500" in key}
    with pytest.raises(
        DeltaOutOfRange, match=r"no strike of BANKNIFTY CE 23 Nov 2026 has a delta ≈ 0.1: deltas"
    ):
        chosen("delta ~ 0.1", quotes=few)


def test_in_the_money_the_other_right_tells_the_volatility() -> None:
    """A stale last price of a deep call, below its intrinsic value, has no say."""
    deep = f"NFO:BANKNIFTY{EXPIRY:%y%b}57000CE".upper()
    stale = {**QUOTES, deep: quoted(CHAIN.contracts[Right.CE, Decimal(57000)], "1000")}
    assert chosen("delta ~ 0.85", quotes=stale) == chosen("delta ~ 0.85")


def test_the_book_counts_more_than_the_last_trade() -> None:
    row = CHAIN.contracts[Right.PE, Decimal(58400)]
    last = QUOTES[quote_key(row)].last
    wild = {**QUOTES, quote_key(row): quoted(row, "5000", str(last - 1), str(last + 1))}
    assert chosen("delta ~ 0.3", quotes=wild) == chosen("delta ~ 0.3")


def test_without_prices_there_is_no_delta() -> None:
    with pytest.raises(QuoteMissing, match="no price of 58,400 BANKNIFTY CE"):
        chosen("delta ~ 0.3", quotes={})


@pytest.mark.parametrize(("multiple", "sign"), [("0.5", 1), ("1", 1), ("-1", -1)])
def test_so_many_straddles_from_the_money(multiple: str, sign: int) -> None:
    straddle = sum(worth(Decimal(58400), right) for right in (Right.CE, Right.PE))
    text = f"ATM{'+' if sign > 0 else ''}{multiple} straddle"
    strike = chosen(text, Right.PE).contract.strike
    assert abs(float(strike) - (58_400 + float(multiple) * straddle)) <= 50


def test_a_straddle_that_has_no_price_measures_nothing() -> None:
    with pytest.raises(QuoteMissing, match="58,400 BANKNIFTY PE"):
        chosen("ATM+1 straddle", quotes={k: q for k, q in QUOTES.items() if k.endswith("CE")})


@pytest.mark.parametrize(("rule", "strike"), [("ATM+1.5%", 59300), ("ATM - 2 %", 57200), ("atm+.1%", 58500)])
def test_so_many_percent_from_the_money(rule: str, strike: int) -> None:
    assert chosen(rule, quotes={}).contract.strike == strike


def test_a_distance_beyond_the_list_is_refused() -> None:
    with pytest.raises(StrikeNotListed, match=r"ATM\+20%: ATM 58,400; that is 70,080, and BANKNIFTY CE 23 Nov"):
        chosen("ATM+20%")
