"""Market price protection: a market order becomes a limit order so far from the last price and no further."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

AUTOMATIC = Decimal(-1)
BANDS = ((Decimal(10), Decimal(5)), (Decimal(100), Decimal(3)), (Decimal(500), Decimal(2)))
"""Below this price of an option, this many per cent (Zerodha's table); 1 % above."""


def percentage(last: Decimal, protection: Decimal) -> Decimal:
    """Per cent of protection: what was asked for, or by the option's price when left to the broker."""
    if protection != AUTOMATIC:
        return protection
    return next((percent for below, percent in BANDS if last < below), Decimal(1))


def protected_price(last: Decimal, side: str, protection: Decimal, tick: Decimal) -> Decimal:
    """The limit in rupees, on the tick, never nearer to the last price than the percentage says."""
    band = last * percentage(last, protection) / 100
    if side == "BUY":
        return ((last + band) / tick).to_integral_value(ROUND_CEILING) * tick
    return max(((last - band) / tick).to_integral_value(ROUND_FLOOR), Decimal(1)) * tick


def price_band(last: Decimal) -> tuple[Decimal, Decimal]:
    """The limits between which the exchange takes an option's order: ±40 % of the price, ±₹20 up to ₹50."""
    reach = last * Decimal("0.4") if last > 50 else Decimal(20)
    return max(last - reach, Decimal(0)), last + reach
