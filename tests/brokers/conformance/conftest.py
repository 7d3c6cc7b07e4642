"""The venues that the cases run against. A new broker is one more name here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.brokers.conformance.venue import Venue
from tests.brokers.conformance.zerodha_venue import ZerodhaVenue, zerodha_venue


@pytest.fixture(scope="session")
def zerodha(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZerodhaVenue]:
    with zerodha_venue(tmp_path_factory.mktemp("zerodha")) as venue:
        yield venue


@pytest.fixture(params=["zerodha"])
def venue(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Venue:
    monkeypatch.setattr("brokers.zerodha.http.READ_TIMEOUT", 0.5)
    found: ZerodhaVenue = request.getfixturevalue(request.param)
    found.begin()
    return found
