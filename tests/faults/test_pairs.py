"""Two faults on one day. `make faults PAIRS=2000` plays others each time."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from tests.faults import pairs
from tests.faults.invariants import Violation
from tests.faults.matrix import Cell
from tests.faults.play import Played, Scenario, play


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="algo")


test_every_invariant_holds_with_two_faults = pairs.search(40)


def test_what_breaks_shrinks_to_the_fault_that_does_it_on_the_plainest_day() -> None:
    culprit = Cell("F9", "P11")

    def spoiled(scenario: Scenario, **how: Any) -> Played:
        if culprit not in scenario.cells:
            return Played(scenario, *(None,) * 2, [])  # type: ignore[arg-type]
        played = play(scenario, **how)
        played.violations.append(Violation("I0", "", "it is spoiled"))
        return played

    with patch.object(pairs, "play", spoiled), pytest.raises(pairs.Broken) as broken:
        pairs.search(300, of=1)()
    assert str(broken.value).endswith("again: make faults CELL=F9/P11 SHAPE=1-1-instant SEED=0")
