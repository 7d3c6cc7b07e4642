"""Prices of European options on a forward (Black 1976), and the smile they are priced with."""

from __future__ import annotations

from datetime import date, datetime, time
from math import erf, exp, log, sqrt

from brokers.clock import IST

YEAR = 365 * 24 * 3600.0
EXPIRY_TIME = time(15, 30)
INTEREST = 0.065
SHORTEST = 60.0 / YEAR
"""A minute: on the evening of its expiry a contract is worth what it pays out, and divides by nothing."""

SKEW = -0.08
CURVE = 0.035
WIDEST = 3.0


def years_to_expiry(expiry: date, at: datetime) -> float:
    """Years of 365 days from `at` to 15:30 of the expiry day, at least a minute."""
    return max((datetime.combine(expiry, EXPIRY_TIME, IST) - at).total_seconds() / YEAR, SHORTEST)


def forward(spot: float, years: float) -> float:
    return spot * exp(INTEREST * years)


def smile(at_the_money: float, forward_price: float, strike: float, years: float) -> float:
    """Volatility a year of one strike: puts dearer than calls, wings dearer than the money.

    The distance from the money is counted in standard deviations (of at least a day) and capped, so that no
    wing grows without bound.
    """
    deviation = at_the_money * sqrt(max(years, 1 / 365))
    distance = max(-WIDEST, min(WIDEST, log(strike / forward_price) / deviation))
    return at_the_money * (1 + SKEW * distance + CURVE * distance * distance)


def option_price(forward_price: float, strike: float, years: float, volatility: float, right: str) -> float:
    """What the option is worth now. A call and a put of one strike keep put-call parity exactly."""
    deviation = volatility * sqrt(years)
    d1 = log(forward_price / strike) / deviation + deviation / 2
    d2 = d1 - deviation
    discount = exp(-INTEREST * years)
    if right == "CE":
        return discount * (forward_price * _normal(d1) - strike * _normal(d2))
    return discount * (strike * _normal(-d2) - forward_price * _normal(-d1))


def _normal(x: float) -> float:
    return 0.5 * (1 + erf(x / sqrt(2)))
