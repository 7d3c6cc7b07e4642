"""What every position store promises."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tasks.domain.ids import Purpose
from tasks.stores import Stores
from tests.stores.rows import DAY, a_position


def test_entry_and_exit_meet_in_one_row(stores: Stores) -> None:
    entry = a_position(entry_qty=30, entry_price=Decimal("311.525"))
    assert stores.positions.record(entry, purpose=Purpose.ENTRY)
    closed = a_position(exit_qty=30, exit_price=Decimal("250.05"), realised=Decimal("1844.25"))
    assert stores.positions.record(closed, purpose=Purpose.EXIT)
    assert stores.positions.get(entry.position_id) == a_position(
        entry_qty=30,
        entry_price=Decimal("311.525"),
        exit_qty=30,
        exit_price=Decimal("250.05"),
        realised=Decimal("1844.25"),
    )


def test_recording_twice_changes_nothing(stores: Stores) -> None:
    row = a_position(entry_qty=30, entry_price=Decimal("311.525"))
    assert stores.positions.record(row, purpose=Purpose.ENTRY)
    assert not stores.positions.record(row, purpose=Purpose.ENTRY)


def test_a_position_never_shrinks(stores: Stores) -> None:
    stores.positions.record(a_position(entry_qty=60, entry_price=Decimal(310)), purpose=Purpose.ENTRY)
    assert not stores.positions.record(
        a_position(entry_qty=30, entry_price=Decimal(311)), purpose=Purpose.ENTRY
    )
    standing = stores.positions.get(a_position().position_id)
    assert standing is not None
    assert (standing.entry_qty, standing.entry_price) == (60, Decimal(310))


def test_an_exit_leaves_the_entry_alone(stores: Stores) -> None:
    stores.positions.record(a_position(entry_qty=60, entry_price=Decimal(310)), purpose=Purpose.ENTRY)
    stores.positions.record(
        a_position(entry_qty=999, exit_qty=30, exit_price=Decimal(300)), purpose=Purpose.EXIT
    )
    standing = stores.positions.get(a_position().position_id)
    assert standing is not None
    assert (standing.entry_qty, standing.exit_qty) == (60, 30)


def test_an_unknown_position_is_none(stores: Stores) -> None:
    assert stores.positions.get("nobody-L1") is None


def test_a_users_positions_of_a_day(stores: Stores) -> None:
    mine = [a_position(leg, entry_qty=30) for leg in (1, 2)]
    for row in [
        *mine,
        a_position(3, entry_qty=30, user_id="user-2"),
        a_position(4, entry_qty=30, trading_date=date(2026, 11, 20)),
    ]:
        stores.positions.record(row, purpose=Purpose.ENTRY)
    assert list(stores.positions.by_user_date("user-1", DAY)) == mine
    assert list(stores.positions.by_user_date("user-3", DAY)) == []
