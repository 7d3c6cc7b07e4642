"""The demo, as a newcomer runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from localstack import demo
from localstack.platform import EMULATOR_PYTHON
from localstack.site import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.platform]

DUMP = ROOT.parent / "shared" / "data" / "kite" / "instruments_index_options_2026-08.csv"


@pytest.fixture(autouse=True)
def _emulator() -> None:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")


@pytest.fixture
def dump() -> Path:
    if not DUMP.exists():
        pytest.skip(f"{DUMP} is not present")
    return DUMP


def test_the_straddle_trades_and_the_ledgers_agree(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main([]) == 0
    told = capsys.readouterr().out
    for part in (
        "Market date Monday 23 November 2026",
        "CheckDTE               BANKNIFTY expires on Mon 23 Nov 2026, DTE 0",
        "is nearest to",
        "PlaceSellOrder",
        "P&L before charges",
        "The broker's ledger and ours agree.",
        "Where to look further",
    ):
        assert part in told


def test_a_day_that_is_not_expiry_is_skipped(dump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--date", "2026-08-24", "--weekdays", "MON", "--instruments", str(dump)]) == 0
    assert "DTE 1, and the strategy trades at DTE 0" in capsys.readouterr().out


def test_a_day_on_which_no_schedule_is_due(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--date", "2026-11-24"]) == 0
    assert "no schedule was due" in capsys.readouterr().out


def test_a_file_that_is_no_instrument_list_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--instruments", __file__]) == 1
    assert "simulator did not start" in capsys.readouterr().out
