"""A feed killed every minute and silent for five: no stop missed, none doubled. See `tests.feed.day`."""

from __future__ import annotations

import pytest

from tests.feed.day import SILENT_FOR, play

MINUTES = 25


@pytest.mark.slow
def test_twenty_five_minutes_of_kills_and_silence() -> None:
    day, wrong = play(7, MINUTES)
    assert wrong == []
    assert day.kills >= MINUTES - 2
    assert day.blind_for == SILENT_FOR
    assert day.polled > 50
    assert len(day.delays()) > 15


@pytest.mark.slow
def test_the_oracle_misses_what_nobody_polls_for() -> None:
    """Without PollQuotes the silence costs stops, and the day says so."""
    _, wrong = play(7, MINUTES, polls_quotes=False)
    assert any("missed" in line or "later" in line for line in wrong)
