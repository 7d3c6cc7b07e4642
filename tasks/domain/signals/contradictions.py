"""Conditions that can't be true whatever the market does: they would wait for ever, silently.

Only what is certain is refused: a study's own bounds, the order of a bar's prices, and bounds on one series
that exclude each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tasks.domain.signals.conditions import AllOf, AnyCondition, AnyOf, Compare, Comparison, Not
from tasks.domain.signals.operands import Operand, Study

_HUNDRED = Decimal(100)
_BOUNDS: dict[Study, tuple[Decimal | None, Decimal | None]] = {
    Study.RSI: (Decimal(0), _HUNDRED),
    Study.ADX: (Decimal(0), _HUNDRED),
    Study.ATR: (Decimal(0), None),
    Study.VOLUME: (Decimal(0), None),
    Study.VIX: (Decimal(0), None),
}
_UPWARD = (Compare.ABOVE, Compare.CROSSES_ABOVE)
_NEVER_ABOVE = (
    (Study.LOW, Study.HIGH),
    (Study.LOW, Study.OPEN),
    (Study.LOW, Study.CLOSE),
    (Study.OPEN, Study.HIGH),
    (Study.CLOSE, Study.HIGH),
    (Study.BB_LOWER, Study.BB_MIDDLE),
    (Study.BB_LOWER, Study.BB_UPPER),
    (Study.BB_MIDDLE, Study.BB_UPPER),
    (Study.OR_LOW, Study.OR_HIGH),
    (Study.PREV_LOW, Study.PREV_HIGH),
    (Study.PREV_LOW, Study.PREV_CLOSE),
    (Study.PREV_CLOSE, Study.PREV_HIGH),
)


def never_true(condition: AnyCondition) -> str | None:
    """Why it can't be true, None if it might."""
    match condition:
        case Comparison():
            return _comparison(condition)
        case AllOf():
            told = (never_true(part) for part in condition.parts)
            return next((why for why in told if why), None) or _exclude_each_other(condition)
        case AnyOf():
            reasons = [never_true(part) for part in condition.parts]
            return reasons[0] if all(reasons) else None
        case Not():
            return None


def _comparison(one: Comparison) -> str | None:
    if one.compare is Compare.BETWEEN:
        return _between(one)
    right = one.right
    if isinstance(right, Operand):
        return _two_series(one, right)
    low, high = _BOUNDS.get(one.left.series, (None, None))
    if right is None:
        return None
    upward = one.compare in _UPWARD
    if upward and high is not None and right >= high:
        return f"{one}: {one.left.series} is never above {high}"
    if not upward and low is not None and right <= low:
        return f"{one}: {one.left.series} is never below {low}"
    return None


def _between(one: Comparison) -> str | None:
    low, high = one.low, one.high
    if isinstance(low, Decimal) and isinstance(high, Decimal):
        if low >= high:
            return f"{one}: {low} is not below {high}"
        least, most = _BOUNDS.get(one.left.series, (None, None))
        if (least is not None and high < least) or (most is not None and low > most):
            return f"{one}: {one.left.series} is never there"
    if isinstance(low, Operand) and low == high:
        return f"{one}: both ends are the same series"
    return None


def _two_series(one: Comparison, right: Operand) -> str | None:
    if one.left == right:
        return f"{one}: both sides are the same series"
    upward = one.compare in _UPWARD
    lower, upper = (one.left, right) if upward else (right, one.left)
    same = lower.model_copy(update={"series": upper.series}) == upper
    if same and (lower.series, upper.series) in _NEVER_ABOVE:
        return f"{one}: {lower.series} is never above {upper.series} of the same bar"
    return None


@dataclass(frozen=True, slots=True)
class _Bound:
    """A number that a series is beyond, or at it where `reached`."""

    at: Decimal
    reached: bool


def _exclude_each_other(condition: AllOf) -> str | None:
    """Two numbers that one series would have to be above and below at once."""
    leaves = [part for part in condition.parts if isinstance(part, Comparison)]
    for series in dict.fromkeys(leaf.left for leaf in leaves):
        mine = [leaf for leaf in leaves if leaf.left == series]
        lows = [bound for leaf in mine if (bound := _lower(leaf))]
        highs = [bound for leaf in mine if (bound := _upper(leaf))]
        if not lows or not highs:
            continue
        low, high = max(lows, key=lambda one: one.at), min(highs, key=lambda one: one.at)
        if low.at > high.at or (low.at == high.at and not (low.reached and high.reached)):
            return f"{series} can't be above {low.at} and below {high.at} at once"
    return None


def _lower(leaf: Comparison) -> _Bound | None:
    if leaf.compare is Compare.BETWEEN:
        return _bound(leaf.low, reached=True)
    return _bound(leaf.right, reached=False) if leaf.compare in _UPWARD else None


def _upper(leaf: Comparison) -> _Bound | None:
    if leaf.compare is Compare.BETWEEN:
        return _bound(leaf.high, reached=True)
    return None if leaf.compare in _UPWARD else _bound(leaf.right, reached=False)


def _bound(value: Operand | Decimal | None, *, reached: bool) -> _Bound | None:
    return _Bound(value, reached) if isinstance(value, Decimal) else None
