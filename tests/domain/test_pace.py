"""The broker's limits of order calls, kept before the broker has to."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from brokers.clock import IST
from tasks.domain.pace import ENTERING, EXITING, WINDOW, Limits, Pace, take

NINE_THIRTY = datetime(2026, 11, 23, 9, 30, tzinfo=IST)


def after(calls: int, limits: Limits = EXITING) -> Pace:
    pace = Pace()
    for _ in range(calls):
        pace, again = take(pace, NINE_THIRTY, limits)
        assert again is None
    return pace


def test_entries_leave_room_for_exits() -> None:
    pace = after(ENTERING.second, ENTERING)
    _, again = take(pace, NINE_THIRTY, ENTERING)
    assert again == NINE_THIRTY + WINDOW
    _, none = take(pace, NINE_THIRTY, EXITING)
    assert none is None


def test_who_may_not_send_changes_nothing() -> None:
    pace = after(EXITING.second)
    refused, again = take(pace, NINE_THIRTY, EXITING)
    assert (refused, again) == (pace, NINE_THIRTY + WINDOW)
    _, none = take(pace, NINE_THIRTY + WINDOW, EXITING)
    assert none is None


def test_a_full_minute_is_over_with_the_minute() -> None:
    pace = Pace(minute="202611230930", in_minute=EXITING.minute, day="20261123", in_day=EXITING.minute)
    _, again = take(pace, NINE_THIRTY + timedelta(seconds=40), EXITING)
    assert again == NINE_THIRTY + timedelta(minutes=1)


def test_a_full_day_is_over_at_midnight() -> None:
    pace = Pace(day="20261123", in_day=EXITING.day)
    _, again = take(pace, NINE_THIRTY, EXITING)
    assert again == datetime(2026, 11, 24, tzinfo=IST)


@given(st.lists(st.integers(0, 900), min_size=1, max_size=60), st.booleans())
def test_no_window_ever_holds_more(gaps: list[int], exiting: bool) -> None:
    limits = EXITING if exiting else ENTERING
    pace, at, sent = Pace(), NINE_THIRTY, list[datetime]()
    for gap in gaps:
        at += timedelta(milliseconds=gap)
        pace, again = take(pace, at, limits)
        sent += [at] if again is None else []
        assert sum(1 for one in sent if at - WINDOW < one <= at) <= limits.second
