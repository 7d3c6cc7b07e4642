"""A game day that follows its runbook ends flat; and every disaster has an alarm and a way out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localstack.cases import BEGIN
from localstack.demo import running_platform
from localstack.disasters import DISASTERS, Disaster
from localstack.gameday import COMMANDS, main, play
from localstack.platform import EMULATOR_PYTHON, Market, Platform
from tasks.alarms import COUNTED


def test_the_list_names_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [d.name for d in DISASTERS]


@pytest.mark.parametrize("disaster", DISASTERS, ids=lambda disaster: disaster.name)
def test_a_disaster_calls_by_an_alarm_and_is_mended_by_commands(disaster: Disaster) -> None:
    assert disaster.alarm in {"", *COUNTED}
    assert disaster.fix
    assert set(disaster.fix) <= set(COMMANDS)


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    with running_platform(Market(), BEGIN) as running:
        yield running


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.platform
@pytest.mark.parametrize("name", ["rejected-exit", "token-revoked"])
def test_by_the_book_it_is_over(platform: Platform, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    disaster = next(one for one in DISASTERS if one.name == name)
    assert play(platform, disaster, fix=True), capsys.readouterr().out
