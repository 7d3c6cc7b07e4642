"""The whole platform, with everything that goes wrong: the broker's ledger and ours agree in each case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localstack.cases import BEGIN, play, verdicts
from localstack.demo import running_platform
from localstack.ledger import table
from localstack.platform import EMULATOR_PYTHON, Market, Platform
from localstack.scenarios import SCENARIOS, Scenario

pytestmark = [pytest.mark.slow, pytest.mark.platform]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    with running_platform(Market(), BEGIN) as running:
        yield running


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_case(platform: Platform, scenario: Scenario) -> None:
    outcome = play(platform, scenario)
    broken = [text for text, holds in verdicts(scenario, outcome) if not holds]
    assert not broken, "\n".join(table(outcome.day.comparison))
