"""`kill -9` of the endpoint in the middle of a day. `make kills` does it fifty times."""

from __future__ import annotations

import pytest

from localstack.cases import BEGIN
from localstack.demo import running_platform
from localstack.kills import play
from localstack.platform import EMULATOR_PYTHON, Market
from localstack.seed import ACCOUNT

pytestmark = [pytest.mark.slow, pytest.mark.platform]


def test_every_execution_finishes_and_no_order_is_doubled_or_lost() -> None:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    with running_platform(Market(), BEGIN) as platform:
        kills, broken = play(platform, count=3, seed=7, accounts=[ACCOUNT])

    assert not broken
    assert len(kills) == 3
    assert any(kill.called_again for kill in kills), "at least one came between a call and its result"
