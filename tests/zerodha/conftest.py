from __future__ import annotations

from pathlib import Path

import pytest

from brokers.clock import FixedClock
from brokers.zerodha import Zerodha
from tests.zerodha.samples import CREDENTIALS, NOW, Connect

RESPONSES = Path(__file__).parents[2] / ".." / "shared" / "data" / "kite"


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """An adapter that gives up after a fraction of a second, so that a test of a time-out is quick."""
    monkeypatch.setattr("brokers.zerodha.http.CONNECT_TIMEOUT", 0.3)
    monkeypatch.setattr("brokers.zerodha.http.READ_TIMEOUT", 0.3)

    def build(root: str, proxy_url: str | None = None, algo_id: str = "") -> Zerodha:
        clock = FixedClock(NOW)
        return Zerodha(CREDENTIALS, clock=clock, root=root, proxy_url=proxy_url, algo_id=algo_id)

    return build


@pytest.fixture
def kite_data() -> Path:
    """Kite's published sample responses and a real instrument dump, which are not part of this repository."""
    if not RESPONSES.exists():
        pytest.skip("../shared/data/kite is not present")
    return RESPONSES
