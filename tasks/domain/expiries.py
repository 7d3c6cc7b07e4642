"""Which listed expiry a leg's rule means.

Expiries are read from the day's instruments and never computed: a holiday moves them. The words are meant as
traders use them:

- `nearest`: the first that has not expired;
- `this_week`: the nearest, if it is less than a week away; after Tuesday's expiry that is next Tuesday's;
- `next_week`: the one after it, if that is a weekly one;
- `this_month`: the nearest monthly one, which is the last one listed in its calendar month; after this
  month's has expired that is next month's;
- `next_month`: the monthly one of the calendar month after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise

from tasks.domain.errors import NoSuchExpiry
from tasks.domain.strategy import ExpiryRule

_WEEK = 7
_LONGEST_WEEK = 11
"""Days between two weekly expiries when the first moved from a Tuesday to the Friday before it."""


def choose_expiry(expiries: Iterable[date], rule: ExpiryRule, today: date, *, underlying: str = "it") -> date:
    """The expiry that `rule` means on `today`. `underlying` is for the error's text.

    Raises
    ------
    NoSuchExpiry
        If nothing listed fits; it says what is listed.
    """
    live = sorted({expiry for expiry in expiries if expiry >= today})
    chosen = _RULES[rule](live, today)
    if chosen is None:
        listed = ", ".join(f"{expiry:%d %b %Y}" for expiry in live[:5]) or "nothing"
        raise NoSuchExpiry(f"{underlying} has no {rule} expiry on {today:%d %b %Y}; listed: {listed}")
    return chosen


def _nearest(live: Sequence[date], _: date) -> date | None:
    return live[0] if live else None


def _this_week(live: Sequence[date], today: date) -> date | None:
    return next((expiry for expiry in live if (expiry - today).days < _WEEK), None)


def _next_week(live: Sequence[date], today: date) -> date | None:
    current = _this_week(live, today)
    if current is None:
        return next((expiry for expiry in live if _WEEK <= (expiry - today).days < 2 * _WEEK), None)
    following = next((expiry for expiry in live if expiry > current), None)
    weekly = following is not None and (following - current).days <= _LONGEST_WEEK
    return following if weekly else None


def _this_month(live: Sequence[date], today: date) -> date | None:
    first = next(iter(_monthly(live)), None)
    return first if first is not None and _months_between(today, first) <= 1 else None


def _next_month(live: Sequence[date], today: date) -> date | None:
    current = _this_month(live, today)
    if current is None:
        return None
    return next((expiry for expiry in _monthly(live) if _months_between(current, expiry) == 1), None)


def _monthly(live: Sequence[date]) -> list[date]:
    """The last listed expiry of each calendar month."""
    lasts = [one for one, following in pairwise(live) if _months_between(one, following) > 0]
    return [*lasts, *live[-1:]]


def _months_between(first: date, second: date) -> int:
    return (second.year - first.year) * 12 + second.month - first.month


_RULES = {
    ExpiryRule.NEAREST: _nearest,
    ExpiryRule.THIS_WEEK: _this_week,
    ExpiryRule.NEXT_WEEK: _next_week,
    ExpiryRule.THIS_MONTH: _this_month,
    ExpiryRule.NEXT_MONTH: _next_month,
}
