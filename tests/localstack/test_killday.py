"""Kills of the whole platform in the middle of a trade; `make killday` goes on for a day."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from localstack.cases import BEGIN
from localstack.killday import (
    ACCOUNTS,
    BY_HAND,
    Trader,
    judge,
    planned,
    recovery,
    settle,
    strategy,
    supervised,
)
from localstack.platform import EMULATOR_PYTHON, Platform
from localstack.victims import Kill, Killer


@pytest.fixture
def platform() -> Iterator[Platform]:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    with supervised(BEGIN) as running:
        yield running


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.platform
def test_the_emulator_dies_while_entering_and_the_endpoint_while_exiting(platform: Platform) -> None:
    now = platform.clock.now()
    trader = Trader.arrives(
        platform, [strategy(BY_HAND, 0, now + timedelta(hours=1), now + timedelta(hours=2), weekday="SAT")]
    )
    platform.conductor.settle()
    mine = trader.strategies()[BY_HAND]
    killer = Killer(platform, random.Random(7))

    trader.run(mine, "once", f"{now + timedelta(minutes=2):%H:%M}")
    killer.kill("ministack")
    trader.run(mine, "once", f"{now + timedelta(minutes=2):%H:%M}")
    trader.square_off(mine)
    killer.kill("step-functions")

    running = settle(platform)
    judgement = judge(platform, trader, [mine], running)
    assert judgement.good, "\n".join([*map(str, judgement.claims), *judgement.ledgers])
    assert all(kill.seconds is not None for kill in killer.kills)


def test_a_day_is_planned_so_that_all_is_out_by_its_end() -> None:
    day = planned(BEGIN, 20)
    assert len(day) == 7
    assert (day[0]["entry_time"], day[-1]["exit_time"]) == ("09:24", "09:39")
    assert {account for each in day for account in each["accounts"]} == set(ACCOUNTS)


@pytest.mark.parametrize(
    ("seconds", "good"),
    [([1.0] * 19 + [90.0], True), ([1.0] * 18 + [31.0, 31.0], False), ([1.0] * 19 + [None], False), ([], True)],
)
def test_recovery(seconds: list[float | None], good: bool) -> None:
    """95 of 100 within 30 s, and none that never came back."""
    assert recovery([Kill(BEGIN, "API", "", each) for each in seconds])[1] is good
