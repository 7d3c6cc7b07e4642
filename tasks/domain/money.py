"""Rupees as Indians write them."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

_PAISA = Decimal("0.01")


def rupees(amount: Decimal) -> str:
    """Grouped in lakhs and crores, two digits of paise.

    >>> rupees(Decimal("-123456.5"))
    '-₹1,23,456.50'
    """
    exact = amount.quantize(_PAISA, ROUND_HALF_EVEN)
    sign = "-" if exact < 0 else ""
    return f"{sign}₹{_grouped(f'{abs(exact):f}')}"


def grouped(number: Decimal) -> str:
    """A strike or an index level: grouped, without zeros that say nothing.

    >>> grouped(Decimal("58400.0")), grouped(Decimal("158412.35"))
    ('58,400', '1,58,412.35')
    """
    text = f"{abs(number):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{'-' if number < 0 else ''}{_grouped(text)}"


def _grouped(text: str) -> str:
    whole, point, fraction = text.partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*pairs, tail]) + point + fraction
