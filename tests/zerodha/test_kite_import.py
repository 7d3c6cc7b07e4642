"""The client without its ticker: Twisted is not loaded, and a real KiteTicker is still to be had."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(code: str) -> str:
    """Run `code` in an interpreter that has imported nothing yet."""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_the_adapter_does_not_load_twisted() -> None:
    out = run(
        "import sys, brokers.zerodha.adapter\n"
        "print('twisted' in sys.modules, 'kiteconnect' in sys.modules, 'kiteconnect.ticker' in sys.modules)"
    )
    assert out == "False True False"


def test_the_real_ticker_can_be_had_afterwards() -> None:
    out = run(
        "import sys, brokers.zerodha.adapter\n"
        "from kiteconnect import KiteTicker, KiteConnect\n"
        "import kiteconnect.ticker\n"
        "assert KiteTicker is kiteconnect.ticker.KiteTicker is kiteconnect.KiteTicker\n"
        "KiteTicker('key', 'token')\n"
        "print('twisted' in sys.modules, hasattr(kiteconnect, 'nothing'))"
    )
    assert out == "True False"


def test_a_client_that_was_there_first_is_left_alone() -> None:
    out = run(
        "import kiteconnect\n"
        "before = dict(vars(kiteconnect))\n"
        "import brokers.zerodha.adapter\n"
        "from brokers.zerodha._kite import KiteConnect\n"
        "print(dict(vars(kiteconnect)) == before, KiteConnect is kiteconnect.KiteConnect)"
    )
    assert out == "True True"


def test_verifying_a_postback_needs_no_client_at_all() -> None:
    out = run(
        "import sys\n"
        "from brokers.zerodha import parse_postback\n"
        "print('kiteconnect' in sys.modules, 'requests' in sys.modules)"
    )
    assert out == "False False"
