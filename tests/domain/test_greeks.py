"""Implied volatility and delta, against QuantLib."""

from __future__ import annotations

import math
import random

import pytest
import QuantLib as ql  # noqa: N813  (its own name for itself)

from tasks.domain import greeks

SEEDS = range(100)


def option(seed: int) -> dict[str, float | bool]:
    """An option as one could meet it: a minute to a year to live, up to three deviations from the money."""
    chance = random.Random(seed)
    years_left = math.exp(chance.uniform(math.log(60 / greeks.YEAR), 0))
    volatility = chance.uniform(0.08, 0.9)
    forward = chance.uniform(5_000, 90_000)
    strike = forward * math.exp(chance.uniform(-3, 3) * volatility * math.sqrt(years_left))
    return {
        "call": strike >= forward,
        "forward": forward,
        "strike": strike,
        "years_left": years_left,
        "volatility": volatility,
    }


def payoff(terms: dict[str, float | bool]) -> ql.PlainVanillaPayoff:
    return ql.PlainVanillaPayoff(ql.Option.Call if terms["call"] else ql.Option.Put, terms["strike"])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("in_the_money", [False, True])
def test_price_and_delta_are_those_of_quantlib(seed: int, in_the_money: bool) -> None:
    terms = option(seed)
    terms["call"] = bool(terms["call"]) is not in_the_money
    deviation = terms["volatility"] * math.sqrt(terms["years_left"])
    oracle = ql.BlackCalculator(
        payoff(terms), terms["forward"], deviation, greeks.discount(terms["years_left"])
    )
    assert greeks.price(**terms) == pytest.approx(oracle.value(), rel=1e-6, abs=1e-6)  # type: ignore[arg-type]
    assert greeks.delta(**terms) == pytest.approx(oracle.deltaForward(), abs=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", SEEDS)
def test_implied_volatility_is_that_of_quantlib(seed: int) -> None:
    terms = option(seed)
    worth = greeks.price(**terms)  # type: ignore[arg-type]
    asked = {name: value for name, value in terms.items() if name != "volatility"}
    ours = greeks.implied_volatility(worth, **asked)  # type: ignore[arg-type]
    theirs = ql.blackFormulaImpliedStdDev(
        ql.Option.Call if terms["call"] else ql.Option.Put,
        terms["strike"],
        terms["forward"],
        worth,
        greeks.discount(float(terms["years_left"])),
        0.0,
        ql.nullDouble(),
        1e-10,
        1000,
    ) / math.sqrt(terms["years_left"])
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert ours == pytest.approx(terms["volatility"], abs=1e-6)


@pytest.mark.parametrize("worth", [0.0, -1.0, 499.0, 21_000.0])
def test_a_price_that_no_volatility_explains_has_none(worth: float) -> None:
    """Below its intrinsic value of 500, or above the forward itself."""
    assert greeks.implied_volatility(worth, call=True, forward=20_500, strike=20_000, years_left=1e-3) is None


def test_the_forward_is_where_a_call_costs_what_a_put_does() -> None:
    terms = {"forward": 58_500.0, "strike": 58_400.0, "years_left": 0.02, "volatility": 0.14}
    call, put = (greeks.price(call=one, **terms) for one in (True, False))
    assert greeks.implied_forward(58_400, call, put, 0.02) == pytest.approx(58_500)


def test_after_the_close_an_option_still_has_a_minute() -> None:
    assert greeks.years(-5) == greeks.SHORTEST
