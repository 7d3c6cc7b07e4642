"""Which listed expiry a rule means, on the days where it is easy to be wrong."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tasks.domain.chain import chains_of
from tasks.domain.errors import NoSuchExpiry
from tasks.domain.expiries import choose_expiry
from tasks.domain.strategy import ExpiryRule
from tests.domain.market import real_instruments

TUESDAYS = [date(2026, 11, 23), *(date(2026, 12, 1) + timedelta(weeks=n) for n in range(5))]
"""NIFTY in November 2026: the 24th is a holiday, so its expiry is on Monday the 23rd."""

NIFTY = [date(2026, 11, 17), *TUESDAYS, date(2027, 1, 26), date(2027, 3, 30)]
BANKNIFTY = [date(2026, 11, 23), date(2026, 12, 29), date(2027, 1, 26), date(2027, 3, 30)]


@pytest.mark.parametrize(
    ("today", "rule", "expiry"),
    [
        (date(2026, 11, 17), ExpiryRule.NEAREST, date(2026, 11, 17)),
        (date(2026, 11, 18), ExpiryRule.NEAREST, date(2026, 11, 23)),
        (date(2026, 11, 17), ExpiryRule.THIS_WEEK, date(2026, 11, 17)),
        (date(2026, 11, 17), ExpiryRule.NEXT_WEEK, date(2026, 11, 23)),
        (date(2026, 11, 18), ExpiryRule.THIS_WEEK, date(2026, 11, 23)),
        (date(2026, 11, 18), ExpiryRule.NEXT_WEEK, date(2026, 12, 1)),
        (date(2026, 11, 23), ExpiryRule.THIS_WEEK, date(2026, 11, 23)),
        (date(2026, 11, 23), ExpiryRule.NEXT_WEEK, date(2026, 12, 1)),
        (date(2026, 11, 23), ExpiryRule.THIS_MONTH, date(2026, 11, 23)),
        (date(2026, 11, 23), ExpiryRule.NEXT_MONTH, date(2026, 12, 29)),
        (date(2026, 11, 25), ExpiryRule.THIS_MONTH, date(2026, 12, 29)),
        (date(2026, 11, 25), ExpiryRule.NEXT_MONTH, date(2027, 1, 26)),
    ],
)
def test_nifty_has_weekly_expiries(today: date, rule: ExpiryRule, expiry: date) -> None:
    assert choose_expiry(NIFTY, rule, today) == expiry


@pytest.mark.parametrize(
    ("today", "rule", "expiry"),
    [
        (date(2026, 11, 23), ExpiryRule.THIS_WEEK, date(2026, 11, 23)),
        (date(2026, 11, 16), ExpiryRule.NEXT_WEEK, date(2026, 11, 23)),
        (date(2026, 11, 2), ExpiryRule.NEAREST, date(2026, 11, 23)),
        (date(2026, 11, 2), ExpiryRule.THIS_MONTH, date(2026, 11, 23)),
        (date(2026, 11, 2), ExpiryRule.NEXT_MONTH, date(2026, 12, 29)),
    ],
)
def test_banknifty_has_monthly_ones(today: date, rule: ExpiryRule, expiry: date) -> None:
    assert choose_expiry(BANKNIFTY, rule, today) == expiry


@pytest.mark.parametrize(
    ("today", "rule"),
    [
        (date(2026, 11, 2), ExpiryRule.THIS_WEEK),
        (date(2026, 11, 2), ExpiryRule.NEXT_WEEK),
        (date(2026, 11, 23), ExpiryRule.NEXT_WEEK),
        (date(2027, 1, 1), ExpiryRule.NEXT_MONTH),
        (date(2027, 2, 1), ExpiryRule.NEXT_MONTH),
        (date(2027, 3, 31), ExpiryRule.NEAREST),
        (date(2027, 3, 31), ExpiryRule.THIS_MONTH),
    ],
)
def test_what_is_not_listed_is_not_guessed(today: date, rule: ExpiryRule) -> None:
    with pytest.raises(NoSuchExpiry):
        choose_expiry(BANKNIFTY, rule, today)


def test_the_error_says_what_is_listed() -> None:
    with pytest.raises(
        NoSuchExpiry,
        match="BANKNIFTY has no this_week expiry on 02 Nov 2026; listed: 23 Nov 2026, 29 Dec 2026",
    ):
        choose_expiry(BANKNIFTY, ExpiryRule.THIS_WEEK, date(2026, 11, 2), underlying="BANKNIFTY")
    with pytest.raises(NoSuchExpiry, match="listed: nothing"):
        choose_expiry([], ExpiryRule.NEAREST, date(2026, 11, 2))


def test_a_friday_that_stands_for_a_tuesday_is_still_a_week() -> None:
    """Monday and Tuesday both holidays: the expiry moves to Friday, the next is eleven days later."""
    listed = [date(2026, 3, 10), date(2026, 3, 13), date(2026, 3, 24)]
    assert choose_expiry(listed, ExpiryRule.NEXT_WEEK, date(2026, 3, 10)) == date(2026, 3, 13)
    assert choose_expiry(listed, ExpiryRule.NEXT_WEEK, date(2026, 3, 11)) == date(2026, 3, 24)


@pytest.mark.parametrize(
    ("underlying", "today", "rule", "expiry"),
    [
        ("NIFTY", date(2026, 8, 24), ExpiryRule.NEAREST, date(2026, 8, 25)),
        ("NIFTY", date(2026, 8, 19), ExpiryRule.NEXT_WEEK, date(2026, 9, 1)),
        ("BANKNIFTY", date(2026, 8, 25), ExpiryRule.NEAREST, date(2026, 8, 25)),
        ("BANKNIFTY", date(2026, 8, 26), ExpiryRule.THIS_MONTH, date(2026, 9, 29)),
        ("SENSEX", date(2026, 8, 21), ExpiryRule.THIS_WEEK, date(2026, 8, 27)),
        ("SENSEX", date(2026, 8, 21), ExpiryRule.NEXT_MONTH, date(2026, 9, 24)),
        ("FINNIFTY", date(2026, 8, 21), ExpiryRule.NEXT_MONTH, date(2026, 9, 29)),
    ],
)
def test_on_a_real_dump(underlying: str, today: date, rule: ExpiryRule, expiry: date) -> None:
    listed = [listed for name, listed in chains_of(real_instruments()) if name == underlying]
    assert choose_expiry(listed, rule, today, underlying=underlying) == expiry
