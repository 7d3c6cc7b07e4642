"""A limit price that fills like a market order and cannot run away.

Market orders without protection are refused since April 2026. The bands are the ones Zerodha uses for its
own market protection on options.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from brokers.model import Quote, Side
from tasks.domain.errors import QuoteMissing

_BANDS = ((Decimal(10), Decimal("0.05")), (Decimal(100), Decimal("0.03")), (Decimal(500), Decimal("0.02")))
_DEAREST_BAND = Decimal("0.01")


def band(last: Decimal) -> Decimal:
    """How far beyond the book a price may go: 5 % below ₹10, 3 % below ₹100, 2 % to ₹500, 1 % above."""
    for limit, fraction in _BANDS[:-1]:
        if last < limit:
            return fraction
    limit, fraction = _BANDS[-1]
    return fraction if last <= limit else _DEAREST_BAND


def limit_price(side: Side, quote: Quote, tick: Decimal) -> Decimal:
    """The limit price, in rupees a unit, on the tick.

    A BUY goes above the ask and rounds up, a SELL goes below the bid and rounds down, but never below one
    tick. Where that side of the book is empty, the last price stands in for it.

    Raises
    ------
    QuoteMissing
        If there is neither.
    """
    touch = quote.ask if side is Side.BUY else quote.bid
    base = touch if touch is not None and touch > 0 else quote.last
    if base <= 0:
        raise QuoteMissing(f"{quote.symbol} has no {'ask' if side is Side.BUY else 'bid'} and no last price")
    fraction = band(quote.last if quote.last > 0 else base)
    if side is Side.BUY:
        return on_tick(base * (1 + fraction), tick, ROUND_CEILING)
    return max(on_tick(base * (1 - fraction), tick, ROUND_FLOOR), tick)


def on_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    """`price` moved to a whole number of ticks, up or down as `rounding` (of `decimal`) says."""
    return (price / tick).to_integral_value(rounding) * tick
