"""Each guard of the order path is missed by a cell when it is off. `make guards` prints the whole table."""

from __future__ import annotations

import pytest

from tests.faults.guards import GUARDS, Guard, caught, first_caught


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name.replace(" ", "-"))
def test_a_guard_that_is_off_is_missed(guard: Guard) -> None:
    assert first_caught(guard) is not None


def test_with_all_guards_on_nothing_fails_in_these_cells() -> None:
    pace = next(guard for guard in GUARDS if guard.name == "rate limiter")
    assert caught(pace, off=False) == {}
