"""Prices are a pure function of seed, name and time, and a chain looks like a chain."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import exp

import pytest

from brokers.clock import IST
from brokers.simulator.black76 import INTEREST, forward, years_to_expiry
from brokers.simulator.calendar import trading_calendar
from brokers.simulator.instruments import Contract, generate
from brokers.simulator.market import Market
from brokers.simulator.prices import Walk
from brokers.simulator.protection import price_band, protected_price
from brokers.simulator.quotes import full_quote
from brokers.simulator.underlyings import INDIA_VIX, underlyings

DAY = date(2026, 11, 23)
LEVELS = {name: underlying.level for name, underlying in underlyings().items()}
CALENDAR = trading_calendar()


def walk(seed: int = 7) -> Walk:
    return Walk(seed, LEVELS, date(2026, 11, 20), CALENDAR)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, second, tzinfo=IST)


def chain(name: str = "BANKNIFTY", expiry: date = DAY) -> list[tuple[Contract, Contract]]:
    """(call, put) by strike."""
    listed = [
        c for c in generate(DAY, LEVELS, CALENDAR).contracts if (c.underlying, c.expiry) == (name, expiry)
    ]
    puts = {c.strike: c for c in listed if c.right == "PE"}
    return sorted(((c, puts[c.strike]) for c in listed if c.right == "CE"), key=lambda pair: pair[0].strike)


def test_the_same_whoever_asks_in_whatever_order() -> None:
    moments = [at(9, 15) + timedelta(seconds=97 * n) for n in range(40)]
    forwards = [walk().spot("BANKNIFTY", moment) for moment in moments]
    asked = walk()
    assert [asked.spot("BANKNIFTY", moment) for moment in reversed(moments)] == forwards[::-1]
    assert walk(8).spot("BANKNIFTY", at(12)) != walk().spot("BANKNIFTY", at(12))


def test_moves_like_an_index() -> None:
    walk_ = walk()
    prices = [walk_.spot("BANKNIFTY", at(9, 15) + timedelta(seconds=n)) for n in range(23_000)]
    assert max(abs(b / a - 1) for a, b in pairwise(prices)) < 0.0005
    assert 0.002 < max(prices) / min(prices) - 1 < 0.04
    assert abs(prices[0] / walk_.close("BANKNIFTY", date(2026, 11, 20)) - 1) < 0.01


def test_stands_still_outside_the_session() -> None:
    asked = walk()
    close = asked.spot("NIFTY", at(15, 40))
    assert close == pytest.approx(asked.close("NIFTY", DAY))
    assert asked.spot("NIFTY", at(23)) == close
    assert asked.spot("NIFTY", datetime(2026, 11, 24, 12, tzinfo=IST)) == pytest.approx(close)
    assert asked.spot("NIFTY", at(8)) == asked.close("NIFTY", date(2026, 11, 20))


def test_stays_near_its_level_over_the_years() -> None:
    asked = walk()
    days = [date(2025, 1, 1) + timedelta(days=7 * n) for n in range(100)]
    assert all(abs(asked.close("BANKNIFTY", day) / LEVELS["BANKNIFTY"] - 1) < 0.06 for day in days)
    assert asked.close("BANKNIFTY", date(2026, 11, 20)) == LEVELS["BANKNIFTY"]


@pytest.mark.parametrize("expiry", [DAY, date(2026, 12, 29), date(2027, 3, 30)])
@pytest.mark.parametrize("moment", [at(9, 15), at(12), at(15, 29)])
def test_calls_fall_and_puts_rise_with_the_strike(expiry: date, moment: datetime) -> None:
    market = Market(walk(), CALENDAR)
    calls = [market.fair(call, moment) for call, _ in chain(expiry=expiry)]
    puts = [market.fair(put, moment) for _, put in chain(expiry=expiry)]
    assert all(a >= b - 0.01 for a, b in pairwise(calls))
    assert all(a <= b + 0.01 for a, b in pairwise(puts))


def test_put_call_parity() -> None:
    asked = walk()
    market = Market(asked, CALENDAR)
    for call, put in chain(expiry=date(2026, 12, 29)):
        years = years_to_expiry(call.expiry, at(10))
        ahead = forward(asked.spot("BANKNIFTY", at(10)), years)
        parity = exp(-INTEREST * years) * (ahead - float(call.strike))
        assert market.fair(call, at(10)) - market.fair(put, at(10)) == pytest.approx(parity, abs=1e-6)


def test_at_expiry_an_option_is_worth_what_it_pays() -> None:
    asked = walk()
    market = Market(asked, CALENDAR)
    spot = asked.spot("BANKNIFTY", at(15, 35))
    for call, _ in chain():
        assert market.fair(call, at(15, 35)) == pytest.approx(max(spot - float(call.strike), 0), abs=15)


def test_books_are_on_the_tick_and_never_cross() -> None:
    market = Market(walk(), CALENDAR)
    for pair in chain():
        for contract in pair:
            book = market.book(contract, at(11))
            prices = [x.price for x in (*book.bids[::-1], *book.asks)]
            assert all(a < b for a, b in pairwise(prices))
            assert all(price > 0 and price % contract.tick == 0 for price in prices)
            assert all(level.quantity % contract.lot == 0 for level in (*book.bids, *book.asks))
            assert book.last >= contract.tick


def test_quotes_of_a_worthless_option_keep_kites_form() -> None:
    market = Market(walk(), CALENDAR)
    deepest = chain()[-1][0]
    quote = full_quote(market, deepest, at(15))
    assert quote["last_price"] == 0.05
    assert len(quote["depth"]["buy"]) == 5
    assert quote["depth"]["buy"][1] == {"price": 0, "quantity": 0, "orders": 0}


def test_vix_moves_against_nifty() -> None:
    asked = walk()
    market = Market(asked, CALENDAR)
    before = market.index_price(INDIA_VIX, at(11))
    asked.move("NIFTY", at(10), 0.98)
    assert market.index_price(INDIA_VIX, at(11)) > before


def test_a_shock_counts_from_its_time_on() -> None:
    asked = walk()
    quiet = asked.spot("NIFTY", at(10)), asked.spot("NIFTY", at(12))
    asked.move("NIFTY", at(11), 1.01)
    assert asked.spot("NIFTY", at(10)) == quiet[0]
    assert asked.spot("NIFTY", at(12)) == pytest.approx(quiet[1] * 1.01)
    asked.forget_moves()
    assert asked.spot("NIFTY", at(12)) == quiet[1]


def test_a_jump_of_hours_costs_nothing() -> None:
    asked = walk()
    market = Market(asked, CALENDAR)
    contract = chain()[70][0]
    market.book(contract, at(9, 15))
    began = time.perf_counter()
    for hour in range(10, 15):
        market.book(contract, at(hour))
    assert time.perf_counter() - began < 0.05


@pytest.mark.parametrize(
    ("last", "side", "protection", "price"),
    [
        ("100", "BUY", "-1", "102"),
        ("100", "SELL", "-1", "98"),
        ("9", "BUY", "-1", "9.45"),
        ("50", "SELL", "-1", "48.5"),
        ("800", "BUY", "-1", "808"),
        ("100.05", "BUY", "3", "103.1"),
        ("0.05", "SELL", "-1", "0.05"),
    ],
)
def test_protection(last: str, side: str, protection: str, price: str) -> None:
    found = protected_price(Decimal(last), side, Decimal(protection), Decimal("0.05"))
    assert found == Decimal(price)


def test_price_bands() -> None:
    assert price_band(Decimal(100)) == (Decimal(60), Decimal(140))
    assert price_band(Decimal(30)) == (Decimal(10), Decimal(50))
    assert price_band(Decimal(5)) == (Decimal(0), Decimal(25))
