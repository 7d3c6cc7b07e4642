"""The black-box faults through the whole HTTP stack. `make blackbox` shows them as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from localstack.blackbox import FAULTS, Fault, Seen, play, table
from localstack.cases import BEGIN
from localstack.demo import running_platform
from localstack.platform import EMULATOR_PYTHON, Market

pytestmark = [pytest.mark.slow, pytest.mark.platform, pytest.mark.long]


@pytest.fixture(scope="module")
def played() -> Iterator[Mapping[str, tuple[Fault, Seen]]]:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    with running_platform(Market(), BEGIN) as platform:
        yield {fault.name: (fault, seen) for fault, seen in play(platform)}


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS])
def test_fault(played: Mapping[str, tuple[Fault, Seen]], name: str) -> None:
    fault, seen = played[name]
    assert fault.good(seen), "\n".join(table([(fault, seen)]))


def test_what_would_not_be_good(played: Mapping[str, tuple[Fault, Seen]]) -> None:
    """The same answers with another ledger, as the peer has left it."""
    fault, seen = played["accepted-then-502"]
    assert not fault.good(replace(seen, broker=[*seen.broker, *seen.broker])), "ordered again"
    assert not fault.good(
        replace(seen, orders=[row | {"status": "REJECTED"} for row in map(dict, seen.orders)])
    )
    assert not fault.good(replace(seen, struck=set())), "nothing went wrong"
    fault, seen = played["two-of-four-rejected"]
    assert not fault.good(replace(seen, held={"BANKNIFTY26NOV56300CE": -30})), "the calls are left open"
