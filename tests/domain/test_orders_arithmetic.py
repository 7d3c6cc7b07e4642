"""Prices, slices, profit and loss, rupees, names: the arithmetic of an order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.model import Exchange, Quote, Right, Side
from tasks.domain.errors import FreezeLimitUnknown, QuoteMissing, TooManySlices, UnknownUnderlying
from tasks.domain.ids import MAX_SLICES, Purpose, order_id, position_id, run_key
from tasks.domain.money import grouped, rupees
from tasks.domain.pnl import Totals, realised, total
from tasks.domain.pricing import band, limit_price
from tasks.domain.slicing import largest_slice, quantity, slices
from tasks.domain.underlyings import UNDERLYINGS, freeze_limit, underlying
from tests.domain.market import AT

TICK = Decimal("0.05")


def quote(last: str, bid: str | None = None, ask: str | None = None) -> Quote:
    return Quote("NFO:X", Decimal(last), Decimal(bid) if bid else None, Decimal(ask) if ask else None, AT)


@pytest.mark.parametrize(
    ("last", "percent"),
    [("0.05", 5), ("9.95", 5), ("10", 3), ("99.95", 3), ("100", 2), ("500", 2), ("500.05", 1), ("9000", 1)],
)
def test_the_band_depends_on_the_last_price(last: str, percent: int) -> None:
    assert band(Decimal(last)) == Decimal(percent) / 100


@pytest.mark.parametrize(
    ("side", "given_quote", "price"),
    [
        (Side.SELL, quote("311.50", "311.40", "311.60"), "305.15"),
        (Side.BUY, quote("311.50", "311.40", "311.60"), "317.85"),
        (Side.BUY, quote("600", "599", "600"), "606"),
        (Side.SELL, quote("0.05", "0.05", "0.10"), "0.05"),
        (Side.BUY, quote("0.05", "0.05", "0.10"), "0.15"),
        (Side.SELL, quote("311.50", None, "311.60"), "305.25"),
        (Side.BUY, quote("311.50", "311.40", None), "317.75"),
        (Side.BUY, quote("311.50", "311.40", "0"), "317.75"),
        (Side.BUY, quote("0", None, "50"), "51.5"),
    ],
)
def test_a_price_is_beyond_the_book_and_on_the_tick(side: Side, given_quote: Quote, price: str) -> None:
    assert limit_price(side, given_quote, TICK) == Decimal(price)


@pytest.mark.parametrize("side", list(Side))
def test_without_any_price_there_is_no_order(side: Side) -> None:
    with pytest.raises(QuoteMissing, match="NFO:X has no"):
        limit_price(side, quote("0"), TICK)


premiums = st.decimals(Decimal("0.05"), Decimal(5000), places=2)


@given(premiums, premiums, st.sampled_from(["0.05", "0.1", "0.2", "1"]))
def test_a_price_always_crosses_and_never_runs_away(last: Decimal, touch: Decimal, tick_text: str) -> None:
    tick = Decimal(tick_text)
    book = Quote("X", last, touch, touch, AT)
    buy, sell = limit_price(Side.BUY, book, tick), limit_price(Side.SELL, book, tick)
    assert buy % tick == 0
    assert sell % tick == 0
    assert sell <= max(touch, tick)
    assert touch <= buy <= touch * Decimal("1.05") + tick
    assert sell >= max(touch * Decimal("0.95") - tick, tick)


def test_lots_become_units() -> None:
    assert quantity(2, 30) == 60
    assert quantity(2, 30, 3) == 180


@pytest.mark.parametrize("numbers", [(0, 30, 1), (1, 0, 1), (1, 30, 0), (-1, 30, 1)])
def test_nothing_times_something_is_no_order(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        quantity(*numbers)


@pytest.mark.parametrize(
    ("units", "lot", "freeze", "expected"),
    [
        (30, 30, 600, (30,)),
        (600, 30, 600, (600,)),
        (630, 30, 600, (600, 30)),
        (1755, 65, 1800, (1755,)),
        (1820, 65, 1800, (1755, 65)),
        (75, 65, 1800, (75,)),
        (0, 65, 1800, ()),
    ],
)
def test_slices(units: int, lot: int, freeze: int, expected: tuple[int, ...]) -> None:
    assert slices(units, lot_size=lot, freeze=freeze) == expected


def test_what_nine_orders_cannot_take_is_refused_with_what_they_can() -> None:
    with pytest.raises(
        TooManySlices, match=r"5430 units need 10 orders of at most 600 .* use at most 180 lots"
    ):
        slices(5430, lot_size=30, freeze=600)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 3000))
def test_slices_are_whole_lots_and_add_up(lots: int, lot: int, freeze: int) -> None:
    units = quantity(lots, lot)
    try:
        parts = slices(units, lot_size=lot, freeze=freeze)
    except TooManySlices:
        assert units > MAX_SLICES * largest_slice(lot, freeze)
        return
    assert sum(parts) == units
    assert len(parts) <= MAX_SLICES
    assert all(part > 0 and part % lot == 0 and part <= max(freeze, lot) for part in parts)


@given(st.integers(1, 5000), st.integers(1, 300), st.integers(1, 3000))
def test_an_odd_remainder_is_closed_too(units: int, lot: int, freeze: int) -> None:
    try:
        parts = slices(units, lot_size=lot, freeze=freeze)
    except TooManySlices:
        return
    assert sum(parts) == units
    assert all(part % lot == 0 for part in parts[:-1])


@dataclass(frozen=True, slots=True)
class Order:
    filled_quantity: int
    average_price: Decimal


def test_fills_of_several_orders_are_weighted() -> None:
    fills = total([Order(600, Decimal("311.5")), Order(30, Decimal("300")), Order(0, Decimal(0))])
    assert fills == Totals(630, Decimal("195900.0"))
    assert fills.average_price == Decimal("310.9524")
    assert total([]).average_price == 0


def test_a_short_earns_when_it_falls() -> None:
    entry, exit_fills = Totals(30, 30 * Decimal("311.5")), Totals(30, 30 * Decimal("250"))
    assert realised(Side.SELL, entry, exit_fills) == Decimal("1845.00")
    assert realised(Side.BUY, entry, exit_fills) == Decimal("-1845.00")


def test_only_what_is_closed_is_realised() -> None:
    assert realised(Side.SELL, Totals(60, Decimal(60 * 300)), Totals(30, Decimal(30 * 290))) == Decimal(300)
    assert realised(Side.BUY, Totals(60, Decimal(60)), Totals()) == 0


fills = st.lists(st.builds(Order, st.integers(1, 2000), premiums), min_size=1, max_size=9)


@given(fills)
def test_an_average_lies_between_the_prices(orders: list[Order]) -> None:
    average = total(orders).average_price
    assert min(order.average_price for order in orders) <= average + Decimal("0.0001")
    assert average - Decimal("0.0001") <= max(order.average_price for order in orders)


@given(fills, fills)
def test_what_one_side_earns_the_other_loses(entries: list[Order], exits: list[Order]) -> None:
    entry, closed = total(entries), total(exits)
    assert realised(Side.BUY, entry, closed) == -realised(Side.SELL, entry, closed)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "₹0.00"),
        ("1844.25", "₹1,844.25"),
        ("123456.5", "₹1,23,456.50"),
        ("-123456.5", "-₹1,23,456.50"),
        ("123456789.999", "₹12,34,56,790.00"),
        ("100", "₹100.00"),
        ("-0.001", "₹0.00"),
        ("1E+5", "₹1,00,000.00"),
    ],
)
def test_rupees_are_grouped_as_indians_do(amount: str, text: str) -> None:
    assert rupees(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [("58400.0", "58,400"), ("58412.35", "58,412.35"), ("5.84E+4", "58,400"), ("-1000", "-1,000")],
)
def test_strikes_are_grouped_without_empty_zeroes(number: str, text: str) -> None:
    assert grouped(Decimal(number)) == text


def test_the_indices_we_trade() -> None:
    assert underlying("SENSEX").exchange is Exchange.BFO
    assert underlying("BANKNIFTY").spot_symbol == "NSE:NIFTY BANK"
    assert all(index.exchange in (Exchange.NFO, Exchange.BFO) for index in UNDERLYINGS.values())
    with pytest.raises(UnknownUnderlying, match="'RELIANCE' is not an index traded here; use NIFTY"):
        underlying("RELIANCE")


def test_freeze_limits_have_dates() -> None:
    assert freeze_limit("NIFTY", date(2026, 11, 23)) == 1800
    assert freeze_limit("BANKNIFTY", date(2026, 11, 23)) == 600
    with pytest.raises(FreezeLimitUnknown, match=r"NIFTY for 2024-12-31: add it to .*freeze_limits\.json"):
        freeze_limit("NIFTY", date(2024, 12, 31))
    with pytest.raises(FreezeLimitUnknown, match="SENSEX50"):
        freeze_limit("SENSEX50", date(2026, 11, 23))


def test_an_order_id_is_a_brokers_tag() -> None:
    position = position_id(run_key("bnf-straddle", date(2026, 11, 23)), "ZA1234", 1)
    assert position == "bnf-straddle-20261123-S-ZA1234-L1"
    tag = order_id(Purpose.EXIT, position, slice_no=9, attempt=99)
    assert len(tag) == 20
    assert (tag[0], tag[-3:]) == ("X", "999")
    assert tag[1:17] == order_id(Purpose.ENTRY, position, slice_no=1, attempt=1)[1:17]
    assert not set(tag) & set("ILOU")


@pytest.mark.parametrize(("slice_no", "attempt"), [(0, 1), (10, 1), (1, 0), (1, 100)])
def test_an_order_id_has_room_for_nine_slices_and_99_attempts(slice_no: int, attempt: int) -> None:
    with pytest.raises(ValueError, match="must be 1 to"):
        order_id(Purpose.ENTRY, "p", slice_no=slice_no, attempt=attempt)


def test_a_right_is_not_a_side() -> None:
    assert {right.value for right in Right}.isdisjoint(side.value for side in Side)
