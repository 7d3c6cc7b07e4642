"""Which contract a leg means, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.clock import IST
from brokers.model import Quote, Right, Side
from tasks.domain.chain import Chain, chains_of
from tasks.domain.errors import PremiumOutOfRange, QuoteMissing, StrikeNotListed
from tasks.domain.listed import Choice
from tasks.domain.strategy import AnyStrike, AtmStrike, Compare, ExactStrike, Leg, PremiumStrike
from tasks.domain.strikes import atm, resolve
from tests.domain.market import chain_with, last_prices, real_instruments

SPOT = Decimal("58412.35")
AT = datetime(2026, 11, 20, 9, 30, tzinfo=IST)
UNEVEN = chain_with([57000, 58000, 58300, 58400, 58500, 60000], future=True)


def chosen(
    rule: AnyStrike | None,
    *,
    chain: Chain = UNEVEN,
    right: Right = Right.CE,
    quotes: Mapping[str, Quote] | None = None,
) -> Choice:
    leg = Leg(side=Side.SELL, right=right, lots=1, strike=rule)
    return resolve(chain, leg, spot=SPOT, quotes=quotes or {}, at=AT)


def test_atm_is_the_listed_strike_nearest_to_spot() -> None:
    choice = chosen(AtmStrike())
    assert choice.contract.symbol == "BANKNIFTY26NOV58400CE"
    assert choice.reason == "ATM: spot 58,412.35 is nearest to 58,400; next are 58,300 and 58,500"


@pytest.mark.parametrize(
    ("spot", "strike"),
    [
        ("58350", 58300),
        ("58350.01", 58400),
        ("0.05", 57000),
        ("99999", 60000),
        ("58400", 58400),
        ("59250", 58500),
    ],
)
def test_of_two_equally_near_the_lower(spot: str, strike: int) -> None:
    assert atm(UNEVEN, Right.PE, Decimal(spot)).contract.strike == strike


@pytest.mark.parametrize(("offset", "strike"), [(1, 58500), (2, 60000), (-1, 58300), (-3, 57000)])
def test_steps_are_counted_in_listed_strikes(offset: int, strike: int) -> None:
    choice = chosen(AtmStrike(offset=offset), right=Right.PE)
    assert choice.contract.strike == strike
    assert choice.contract.right is Right.PE


def test_a_step_says_from_where() -> None:
    assert chosen(AtmStrike(offset=2)).reason == (
        "ATM+2: spot 58,412.35 is nearest to 58,400; 60,000 is 2 listed above"
    )


@pytest.mark.parametrize("offset", [3, -4, 100])
def test_a_step_beyond_the_list_is_refused(offset: int) -> None:
    with pytest.raises(StrikeNotListed, match=r"strikes from 57,000 to 60,000, and ATM is 58,400"):
        chosen(AtmStrike(offset=offset))


def test_at_the_end_of_the_list_there_is_one_neighbour() -> None:
    assert atm(UNEVEN, Right.CE, Decimal(57000)).reason.endswith("; next is 58,000")
    assert atm(chain_with([100]), Right.CE, Decimal(57000)).reason.endswith("; it is the only one listed")


def test_an_exact_strike_is_taken_or_refused() -> None:
    assert chosen(ExactStrike(strike=Decimal("60000.0"))).contract.strike == 60000
    with pytest.raises(
        StrikeNotListed, match=r"strike 58,450 is not listed in BANKNIFTY CE 23 Nov 2026; the nearest"
    ):
        chosen(ExactStrike(strike=Decimal(58450)))


def test_a_future_is_the_future() -> None:
    assert chosen(None, right=Right.FUT).contract.right is Right.FUT
    with pytest.raises(StrikeNotListed, match="no future of BANKNIFTY"):
        chosen(None, right=Right.FUT, chain=chain_with([58400]))


def test_nothing_listed_on_that_side() -> None:
    calls = Chain.of(UNEVEN.ladder[Right.CE])
    with pytest.raises(StrikeNotListed, match="nothing is listed in BANKNIFTY PE"):
        chosen(AtmStrike(), chain=calls, right=Right.PE)


PRICES = last_prices(
    UNEVEN, Right.CE, {57000: "1500", 58000: "600", 58300: "400", 58400: "320", 58500: "260", 60000: "0"}
)


@pytest.mark.parametrize(
    ("compare", "premium", "strike"),
    [
        (Compare.NEAREST, "300", 58400),
        (Compare.NEAREST, "289", 58500),
        (Compare.NEAREST, "290", 58400),
        (Compare.NEAREST, "260", 58500),
        (Compare.AT_LEAST, "300", 58400),
        (Compare.AT_LEAST, "320", 58400),
        (Compare.AT_LEAST, "320.05", 58300),
        (Compare.AT_MOST, "300", 58500),
        (Compare.AT_MOST, "2000", 57000),
        (Compare.AT_LEAST, "1", 58500),
    ],
)
def test_the_strike_that_meets_a_premium_best(compare: Compare, premium: str, strike: int) -> None:
    rule = PremiumStrike(compare=compare, premium=Decimal(premium))
    assert chosen(rule, quotes=PRICES).contract.strike == strike


def test_a_premium_says_what_it_found() -> None:
    rule = PremiumStrike(compare=Compare.AT_LEAST, premium=Decimal(300))
    assert chosen(rule, quotes=PRICES).reason == "premium ≥ 300: 58,400 last traded at 320"


@pytest.mark.parametrize(
    ("compare", "premium"),
    [
        (Compare.AT_LEAST, "1500.05"),
        (Compare.AT_MOST, "259.95"),
        (Compare.NEAREST, "3000"),
        (Compare.NEAREST, "1"),
    ],
)
def test_a_premium_nobody_pays_is_refused(compare: Compare, premium: str) -> None:
    with pytest.raises(PremiumOutOfRange, match="last prices are between 260 and 1500"):
        chosen(PremiumStrike(compare=compare, premium=Decimal(premium)), quotes=PRICES)


def test_of_equal_premiums_the_strike_nearest_to_spot() -> None:
    prices = last_prices(UNEVEN, Right.CE, {57000: "10", 58300: "10", 60000: "10"})
    assert chosen(PremiumStrike(premium=Decimal(10)), quotes=prices).contract.strike == 58300


def test_without_any_price_no_premium_can_be_met() -> None:
    untraded = last_prices(UNEVEN, Right.CE, {58400: "0"})
    for quotes in ({}, untraded, last_prices(UNEVEN, Right.PE, {58400: "300"})):
        with pytest.raises(QuoteMissing, match="no price of any strike"):
            chosen(PremiumStrike(premium=Decimal(10)), quotes=quotes)


def test_on_a_real_chain() -> None:
    chain = chains_of(real_instruments())["BANKNIFTY", date(2026, 8, 25)]
    choice = atm(chain, Right.CE, Decimal("56349.99"))
    assert choice.contract.symbol == "BANKNIFTY26AUG56300CE"


strikes_listed = st.sets(st.integers(1, 100_000), min_size=1, max_size=40)
prices = st.decimals(Decimal("0.05"), Decimal(120_000), places=2)


@given(strikes_listed, prices)
def test_no_listed_strike_is_nearer_than_atm(listed: set[int], spot: Decimal) -> None:
    found = atm(chain_with(listed), Right.CE, spot).contract.strike
    assert min((abs(strike - spot), Decimal(strike)) for strike in listed) == (abs(found - spot), found)


@given(strikes_listed, prices, st.integers(-5, 5))
def test_a_step_and_its_opposite_meet(listed: set[int], spot: Decimal, offset: int) -> None:
    chain = chain_with(listed)
    try:
        stepped = atm(chain, Right.CE, spot, offset).contract.strike
    except StrikeNotListed:
        return
    assert atm(chain, Right.CE, stepped, -offset).contract == atm(chain, Right.CE, spot).contract


@given(
    st.dictionaries(st.integers(1, 500), st.decimals(Decimal("0.05"), Decimal(500), places=2), min_size=1),
    st.sampled_from(Compare),
    st.decimals(Decimal("0.05"), Decimal(500), places=2),
)
def test_no_other_strike_meets_a_premium_better(
    premiums: dict[int, Decimal], compare: Compare, wanted: Decimal
) -> None:
    chain = chain_with(premiums)
    quotes = last_prices(chain, Right.CE, {strike: str(last) for strike, last in premiums.items()})
    fitting = {
        Compare.NEAREST: list(premiums.values())
        if min(premiums.values()) <= wanted <= max(premiums.values())
        else [],
        Compare.AT_LEAST: [last for last in premiums.values() if last >= wanted],
        Compare.AT_MOST: [last for last in premiums.values() if last <= wanted],
    }[compare]
    rule = PremiumStrike(compare=compare, premium=wanted)
    if not fitting:
        with pytest.raises(PremiumOutOfRange):
            chosen(rule, chain=chain, quotes=quotes)
        return
    found = premiums[int(chosen(rule, chain=chain, quotes=quotes).contract.strike)]
    assert found in fitting
    assert abs(found - wanted) == min(abs(last - wanted) for last in fitting)
