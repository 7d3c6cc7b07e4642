"""The exchange without a server: told the time, it does what was due, when it was due."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from brokers.clock import IST
from brokers.simulator.calendar import trading_calendar
from brokers.simulator.exchange import Exchange
from brokers.simulator.instruments import Contract, generate
from brokers.simulator.market import Market
from brokers.simulator.orders import Behaviour, Change, NewOrder, Order, Status
from brokers.simulator.positions import net_quantities, positions
from brokers.simulator.prices import Walk
from brokers.simulator.underlyings import underlyings

LEVELS = {name: underlying.level for name, underlying in underlyings().items()}
CALENDAR = trading_calendar()
DAY = date(2026, 11, 23)
MORNING = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
STEP = timedelta(milliseconds=10)
PLAIN = Behaviour()


@pytest.fixture
def walk() -> Walk:
    return Walk(7, LEVELS, date(2026, 11, 20), CALENDAR)


def make(walk: Walk) -> Exchange:
    market = Market(walk, CALENDAR)
    return Exchange(market, CALENDAR, step=STEP, always_open=lambda: False, price_bands=lambda: True)


@pytest.fixture
def exchange(walk: Walk) -> Exchange:
    return make(walk)


@pytest.fixture
def call(walk: Walk) -> Contract:
    listing = generate(DAY, LEVELS, CALENDAR)
    spot = round(walk.spot("BANKNIFTY", MORNING) / 100) * 100
    return listing.by_key[f"NFO:BANKNIFTY26NOV{spot}CE"]


def order(contract: Contract, side: str, price: Decimal, *, quantity: int = 30, **changes: object) -> NewOrder:
    plain = NewOrder("ZA1234", contract, side, "LIMIT", quantity, price, "MIS")
    return replace(plain, **changes)  # type: ignore[arg-type]


def last(walk: Walk, contract: Contract, at: datetime = MORNING) -> Decimal:
    return Market(walk, CALENDAR).last(contract, at)


def statuses(one: Order) -> list[str]:
    return [row["status"] for row in one.history]


def run(exchange: Exchange, hours: float, every: float) -> None:
    """Look at the exchange every so many seconds."""
    at = MORNING
    while at < MORNING + timedelta(hours=hours):
        at += timedelta(seconds=every)
        exchange.advance(at)


@pytest.mark.parametrize("every", [0.37, 60.0, 7200.0])
def test_the_outcome_does_not_depend_on_how_often_anybody_looks(
    walk: Walk, call: Contract, every: float
) -> None:
    def play(seconds: float) -> list[object]:
        exchange = make(walk)
        price = last(walk, call) // 2
        placed = [
            exchange.place(order(call, "BUY", Decimal(price)), PLAIN, MORNING),
            exchange.place(order(call, "SELL", last(walk, call) + 15), PLAIN, MORNING),
            exchange.place(
                order(call, "SELL", last(walk, call) - 5), Behaviour(held=True, hold_seconds=99), MORNING
            ),
        ]
        run(exchange, 2, seconds)
        return [row for one in placed for row in one.history]

    assert play(every) == play(1.0)


def test_a_jump_over_the_day_is_quick_and_fills_on_the_way(
    exchange: Exchange, walk: Walk, call: Contract
) -> None:
    resting = exchange.place(order(call, "SELL", last(walk, call) + 20), PLAIN, MORNING)
    exchange.advance(MORNING + timedelta(hours=5))
    assert resting.status is Status.COMPLETE
    assert MORNING < resting.trades[0].at < MORNING + timedelta(hours=5)
    assert resting.trades[0].price == resting.price


def test_each_state_has_its_own_moment(exchange: Exchange, walk: Walk, call: Contract) -> None:
    placed = exchange.place(order(call, "BUY", last(walk, call) + 5), PLAIN, MORNING)
    assert exchange.next_due() == MORNING + STEP
    exchange.advance(MORNING + 3 * STEP)
    assert statuses(placed)[-1] == "OPEN"
    exchange.advance(MORNING + 4 * STEP)
    assert statuses(placed)[-1] == "COMPLETE"
    assert exchange.next_due() is None
    assert [update.row["status"] for update in exchange.take_updates()] == ["COMPLETE"]
    assert exchange.take_updates() == []


def test_a_large_order_walks_down_the_book(exchange: Exchange, walk: Walk, call: Contract) -> None:
    book = Market(walk, CALENDAR).book(call, MORNING + 4 * STEP)
    size = book.asks[0].quantity + 2 * call.lot
    placed = exchange.place(order(call, "BUY", last(walk, call) + 20, quantity=size), PLAIN, MORNING)
    exchange.advance(MORNING + 4 * STEP)
    assert [trade.quantity for trade in placed.trades] == [book.asks[0].quantity, 2 * call.lot]
    assert book.asks[0].price < placed.average_price < book.asks[1].price
    assert placed.status is Status.COMPLETE


def test_what_the_limit_does_not_reach_rests(exchange: Exchange, walk: Walk, call: Contract) -> None:
    book = Market(walk, CALENDAR).book(call, MORNING + 4 * STEP)
    size = book.asks[0].quantity + call.lot
    placed = exchange.place(order(call, "BUY", book.asks[0].price, quantity=size), PLAIN, MORNING)
    exchange.advance(MORNING + 4 * STEP)
    assert (placed.filled, placed.remaining, placed.status) == (book.asks[0].quantity, call.lot, Status.OPEN)


def test_immediate_or_cancel(exchange: Exchange, walk: Walk, call: Contract) -> None:
    away = exchange.place(order(call, "BUY", last(walk, call) - 10, validity="IOC"), PLAIN, MORNING)
    exchange.advance(MORNING + timedelta(seconds=1))
    assert (away.status, away.cancelled_quantity) == (Status.CANCELLED, 30)


def test_a_stop_waits_for_its_trigger(exchange: Exchange, walk: Walk, call: Contract) -> None:
    price = last(walk, call)
    stop = order(call, "BUY", price + 30, order_type="SL", trigger_price=price + 10)
    placed = exchange.place(stop, PLAIN, MORNING)
    exchange.advance(MORNING + timedelta(seconds=1))
    assert statuses(placed)[-1] == "TRIGGER PENDING"
    walk.move("BANKNIFTY", MORNING + timedelta(seconds=5), 1.0006)
    exchange.advance(MORNING + timedelta(seconds=10))
    assert placed.status is Status.COMPLETE
    assert placed.average_price >= price + 10


def test_a_protected_stop_becomes_a_limit_order(exchange: Exchange, walk: Walk, call: Contract) -> None:
    price = last(walk, call)
    stop = order(
        call, "BUY", Decimal(0), order_type="SL-M", trigger_price=price + 10, market_protection=Decimal(5)
    )
    placed = exchange.place(stop, PLAIN, MORNING)
    walk.move("BANKNIFTY", MORNING + timedelta(seconds=5), 1.0006)
    exchange.advance(MORNING + timedelta(seconds=10))
    assert (placed.status, placed.order_type) == (Status.COMPLETE, "LIMIT")
    assert placed.price > price + 10


def test_a_modification_takes_hold_when_it_arrives(exchange: Exchange, walk: Walk, call: Contract) -> None:
    placed = exchange.place(order(call, "BUY", last(walk, call) - 20), PLAIN, MORNING)
    exchange.advance(MORNING + timedelta(seconds=1))
    exchange.modify(placed, Change(quantity=60, price=last(walk, call) - 19), MORNING + timedelta(seconds=1))
    assert placed.quantity == 30
    exchange.advance(MORNING + timedelta(seconds=1) + 2 * STEP)
    assert (placed.quantity, placed.modifications) == (60, 1)


def test_a_fill_on_the_way_beats_the_cancellation(exchange: Exchange, walk: Walk, call: Contract) -> None:
    how = Behaviour(held=True, hold_seconds=1.0)
    placed = exchange.place(order(call, "BUY", last(walk, call) + 10), how, MORNING)
    exchange.advance(MORNING + timedelta(seconds=0.995))
    exchange.cancel(placed, MORNING + timedelta(seconds=0.995))
    exchange.advance(MORNING + timedelta(seconds=2))
    assert placed.status is Status.COMPLETE
    assert "CANCEL PENDING" in statuses(placed)


def test_no_order_trades_when_the_market_is_shut(exchange: Exchange, walk: Walk, call: Contract) -> None:
    evening = MORNING.replace(hour=15, minute=39, second=59, microsecond=995_000)
    placed = exchange.place(order(call, "BUY", last(walk, call, evening) + 10), PLAIN, evening)
    exchange.advance(evening + timedelta(minutes=5))
    assert placed.trades == []


def test_an_overnight_position_is_carried_until_it_expires(exchange: Exchange, walk: Walk) -> None:
    listing = generate(DAY, LEVELS, CALENDAR)
    december = next(c for c in listing.contracts if c.symbol == "BANKNIFTY26DEC56300CE")
    for product in ("MIS", "NRML"):
        exchange.trade_outside(order(december, "BUY", Decimal(0), product=product), MORNING)
    overnight = MORNING + timedelta(days=2)
    [row] = positions(exchange.trades, Market(walk, CALENDAR).last, overnight)["net"]
    assert (row["product"], row["quantity"], row["overnight_quantity"], row["day_buy_quantity"]) == (
        "NRML",
        30,
        30,
        0,
    )
    assert net_quantities(exchange.trades, MORNING + timedelta(days=60)) == {}


def test_a_fault_free_day_adds_up(exchange: Exchange, walk: Walk, call: Contract) -> None:
    for n in range(40):
        side = "BUY" if n % 3 else "SELL"
        away = Decimal(n % 7) if side == "SELL" else -Decimal(n % 7)
        exchange.place(order(call, side, last(walk, call) + away, quantity=30 * (1 + n % 4)), PLAIN, MORNING)
    exchange.advance(MORNING + timedelta(hours=7))
    for one in exchange.orders.values():
        assert one.terminal
        assert sum(trade.quantity for trade in one.trades) == one.filled <= one.quantity
        assert one.filled + one.cancelled_quantity == one.quantity
    assert len({trade.trade_id for trade in exchange.trades}) == len(exchange.trades)
