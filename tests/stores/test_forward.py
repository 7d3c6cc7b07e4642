"""Order updates in any order, repeated and late: the outcome only ever moves forward."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tasks.stores.forward import changes
from tasks.stores.ports import OrderRow, OrderState
from tests.stores.rows import an_order, later

Update = tuple[OrderState, int]

_HELD = [state for state in OrderState if state.rank >= OrderState.OPEN.rank]

updates = st.lists(
    st.tuples(st.sampled_from(_HELD), st.integers(0, 30)) | st.tuples(st.sampled_from(OrderState), st.just(0)),
    max_size=12,
)
"""Only an order the broker has can have fills."""


def apply(row: OrderRow, update: Update, second: int = 1) -> OrderRow:
    status, filled = update
    changed = changes(
        row,
        status,
        at=later(second),
        broker_order_id="1",
        filled_quantity=filled,
        average_price=Decimal(filled),
        reason=status.value,
    )
    return row.model_copy(update=changed)


@given(updates)
def test_rank_and_fills_never_fall(seen: list[Update]) -> None:
    row = an_order()
    for update in seen:
        following = apply(row, update)
        assert following.status.rank >= row.status.rank
        assert following.filled_quantity >= row.filled_quantity
        assert not row.status.terminal or following.status is row.status
        row = following


@given(updates)
def test_a_repeated_update_changes_nothing(seen: list[Update]) -> None:
    row = an_order()
    for update in seen:
        row = apply(row, update)
        assert apply(row, update, second=2) == row


@given(updates)
def test_no_fill_is_lost_whatever_the_order_of_arrival(seen: list[Update]) -> None:
    row = an_order()
    for update in seen:
        row = apply(row, update)
    assert row.filled_quantity == max((filled for _, filled in seen), default=0)
    assert row.status.rank == max((status.rank for status, _ in seen), default=0)


@given(updates)
def test_the_average_belongs_to_the_fills(seen: list[Update]) -> None:
    row = an_order()
    for update in seen:
        row = apply(row, update)
    assert row.average_price == row.filled_quantity
