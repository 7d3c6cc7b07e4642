"""Implied volatility and delta of index options: Black (1976) on the forward that the options themselves imply.

An index can't be traded, so its forward is read from the options: by put-call parity a call less its put is
worth the discounted distance of the forward from their strike. That forward holds what the market thinks of
dividends and carry, and nothing has to be assumed of either. Figures are floats: they choose a strike, they are
never money.
"""

from __future__ import annotations

from math import erf, exp, inf, log, pi, sqrt

RATE = 0.065
"""A year, for discounting only: it moves a weekly option by a tenth of a percent."""

YEAR = 365 * 24 * 3600.0
SHORTEST = 60.0 / YEAR

LOWEST, HIGHEST = 1e-4, 5.0
"""Volatilities a year between which an implied one is looked for."""

_STEPS = 100
_CLOSE = 1e-12


def years(seconds: float) -> float:
    """Years of 365 days, at least a minute: nothing is divided by an expiry that is over."""
    return max(seconds / YEAR, SHORTEST)


def discount(years_left: float) -> float:
    return exp(-RATE * years_left)


def implied_forward(strike: float, call: float, put: float, years_left: float) -> float:
    """The price of the underlying at expiry at which `call` and `put` of one strike are both right."""
    return strike + (call - put) / discount(years_left)


def price(*, call: bool, forward: float, strike: float, years_left: float, volatility: float) -> float:
    """What the option is worth now, in rupees a unit."""
    deviation = volatility * sqrt(years_left)
    d1 = log(forward / strike) / deviation + deviation / 2
    sign = 1 if call else -1
    worth = forward * _normal(sign * d1) - strike * _normal(sign * (d1 - deviation))
    return discount(years_left) * sign * worth


def delta(*, call: bool, forward: float, strike: float, years_left: float, volatility: float) -> float:
    """Rupees that the option moves for a rupee of the forward: 0 to 1 for calls, -1 to 0 for puts."""
    deviation = volatility * sqrt(years_left)
    d1 = log(forward / strike) / deviation + deviation / 2
    return discount(years_left) * (_normal(d1) if call else _normal(d1) - 1)


def implied_volatility(
    worth: float, *, call: bool, forward: float, strike: float, years_left: float
) -> float | None:
    """The volatility a year at which the option is worth `worth`. None if none from 0.01 % to 500 % fits.

    Newton's steps, kept inside a bracket that halves whenever a step would leave it.
    """
    low, high = LOWEST, HIGHEST

    def miss(volatility: float) -> float:
        return (
            price(call=call, forward=forward, strike=strike, years_left=years_left, volatility=volatility)
            - worth
        )

    if not miss(low) < 0 < miss(high):
        return None
    guess = min(max(sqrt(2 * pi / years_left) * worth / forward, 0.05), 1.0)
    for _ in range(_STEPS):
        off = miss(guess)
        low, high = (guess, high) if off < 0 else (low, guess)
        slope = _vega(forward, strike, years_left, guess)
        step = guess - off / slope if slope > 0 else inf
        following = step if low < step < high else (low + high) / 2
        if abs(following - guess) < _CLOSE:
            return following
        guess = following
    return guess


def _vega(forward: float, strike: float, years_left: float, volatility: float) -> float:
    deviation = volatility * sqrt(years_left)
    d1 = log(forward / strike) / deviation + deviation / 2
    return discount(years_left) * forward * sqrt(years_left) * exp(-d1 * d1 / 2) / sqrt(2 * pi)


def _normal(x: float) -> float:
    return 0.5 * (1 + erf(x / sqrt(2)))
