"""Whether a condition holds on the newest closed bar: true, false, or unknown, and why.

Unknown is a series with too few bars, a bar that is missing, a market that is blind. It is never false: `not`
of it is unknown too, so that nothing is entered, or left, for want of data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from tasks.domain.signals.conditions import AllOf, AnyCondition, AnyOf, Compare, Comparison, Not
from tasks.domain.signals.operands import Operand, SeriesKey

Look = Callable[[SeriesKey, int], float | None]
"""The value of a series so many closed bars ago; None if it is unknown."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`holds` is None where it is unknown. `why` has the figures, for people."""

    holds: bool | None
    why: str


def evaluate(condition: AnyCondition, look: Look, *, timeframe: int) -> Verdict:
    """Whether `condition` holds now. `timeframe` is for series that name none."""
    match condition:
        case Comparison():
            return _compare(condition, look, timeframe)
        case AllOf():
            return _joined([evaluate(part, look, timeframe=timeframe) for part in condition.parts], every=True)
        case AnyOf():
            return _joined([evaluate(part, look, timeframe=timeframe) for part in condition.parts], every=False)
        case Not():
            inner = evaluate(condition.negated, look, timeframe=timeframe)
            return Verdict(None if inner.holds is None else not inner.holds, f"not ({inner.why})")


def _joined(verdicts: list[Verdict], *, every: bool) -> Verdict:
    """All, or any, of them. The reason names what decided it: one is enough to make an `all` false."""
    deciding = [one for one in verdicts if one.holds is (not every)]
    if deciding:
        return Verdict(not every, deciding[0].why)
    unknown = [one for one in verdicts if one.holds is None]
    if unknown:
        return Verdict(None, unknown[0].why)
    return Verdict(every, "; ".join(one.why for one in verdicts))


def _compare(one: Comparison, look: Look, timeframe: int) -> Verdict:
    now = [_value(value, look, timeframe, 0) for value in (one.left, *one.values)]
    told = _told(one, now)
    if not one.compare.crosses:
        return Verdict(_holds(one.compare, now), told)
    before = [_value(value, look, timeframe, 1) for value in (one.left, *one.values)]
    return Verdict(_crossed(one.compare, now, before), f"{told}, a bar before {_told(one, before, bare=True)}")


def _holds(compare: Compare, values: list[float | None]) -> bool | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    left, *others = known
    if compare is Compare.BETWEEN:
        return min(others) <= left <= max(others)
    return left > others[0] if compare in (Compare.ABOVE, Compare.CROSSES_ABOVE) else left < others[0]


def _crossed(compare: Compare, now: list[float | None], before: list[float | None]) -> bool | None:
    """Beyond it now, and not beyond it a bar before: touching is not beyond."""
    beyond, was = _holds(compare, now), _holds(compare, before)
    if beyond is False or was is True:
        return False
    return None if beyond is None or was is None else True


def _value(value: Operand | Decimal, look: Look, timeframe: int, ago: int) -> float | None:
    if isinstance(value, Decimal):
        return float(value)
    return look(value.key(timeframe), value.shift + ago)


def _told(one: Comparison, values: list[float | None], *, bare: bool = False) -> str:
    if bare:
        return " to ".join(_figure(value) for value in values)
    left, *others = (
        str(what) if isinstance(what, Decimal) else f"{what} {_figure(value)}"
        for what, value in zip((one.left, *one.values), values, strict=True)
    )
    return f"{left} {one.compare} {' and '.join(others)}"


def _figure(value: float | None) -> str:
    return "(unknown)" if value is None else f"{value:,.2f}"
