"""P&L: FIFO by hand and by property, parts that add up, two strategies in one contract, and the broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.clock import IST
from brokers.model import Exchange, Side
from tasks.domain.charges import Charges, Executed, contract_note
from tasks.domain.day_pnl import (
    BrokerSays,
    Dealt,
    Leg,
    Mark,
    PriceMissing,
    Settled,
    beside_broker,
    by,
    curve,
    legs_of,
    total,
)
from tasks.domain.fifo import Trade, fifo
from tasks.domain.pnl import Totals, realised

DAY = date(2026, 11, 23)
OPEN = datetime(2026, 11, 23, 9, 15, tzinfo=IST)
CALL = "BANKNIFTY26NOV56300CE"


def leg(strategy: str = "straddle", account: str = "ZA1234", symbol: str = CALL, **more: str) -> Leg:
    run = f"{strategy}-20261123-S"
    names = {"user_id": "asha", "basket_id": "weekly", "broker": "zerodha"} | more
    return Leg(
        account=account,
        strategy_id=strategy,
        run_key=run,
        position_id=f"{run}-{account}-{symbol}",
        exchange=Exchange.NFO,
        symbol=symbol,
        **names,
    )


def trade(key: str, side: str, quantity: int, price: str, minute: int) -> Trade:
    return Trade.of(key, Side(side), quantity, Decimal(price), OPEN + timedelta(minutes=minute))


def test_fifo_by_hand() -> None:
    """Bought 100 at 10 and 50 at 12, sold 120 at 13: 100 × 3 + 20 × 1 = 320; 30 at 12 are left, now at 14."""
    book = fifo(
        [
            trade("b1", "BUY", 100, "10", 1),
            trade("b2", "BUY", 50, "12", 2),
            trade("s1", "SELL", 120, "13", 3),
        ]
    )
    assert [(match.opened, match.quantity, match.gain) for match in book.matches] == [
        ("b1", 100, Decimal(300)),
        ("b2", 20, Decimal(20)),
    ]
    assert (book.quantity, book.realised) == (30, Decimal(320))
    assert book.unrealised(Decimal(14)) == 60
    assert book.gross(Decimal(14)) == 380
    average = realised(Side.BUY, Totals(150, Decimal(1600)), Totals(120, Decimal(1560)))
    assert average == 280, "by averages it would be another number"


def test_fifo_of_a_short_that_turns_long() -> None:
    book = fifo([trade("s", "SELL", 30, "200", 1), trade("b", "BUY", 50, "190", 2)])
    assert (book.realised, book.quantity) == (Decimal(300), 20)
    assert book.lots[0].key == "b"
    assert book.unrealised(Decimal(180)) == -200


trades = st.lists(
    st.builds(
        trade,
        st.uuids().map(str),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 3000),
        st.integers(1, 20000).map(lambda ticks: str(ticks * Decimal("0.05"))),
        st.integers(0, 374),
    ),
    max_size=12,
)
prices = st.integers(1, 20000).map(lambda ticks: ticks * Decimal("0.05"))


@given(trades, prices)
def test_realised_and_unrealised_are_all_there_is(done: list[Trade], last: Decimal) -> None:
    book = fifo(done)
    cash = sum((t.value if t.side is Side.SELL else -t.value for t in done), Decimal(0))
    held = sum(t.signed for t in done)
    assert book.quantity == held
    assert book.realised + book.unrealised(last) == cash + held * last
    assert not {lot.side for lot in book.lots} - {Side.BUY if held > 0 else Side.SELL}
    if not held:
        assert book.realised == cash
    exact = sum(((last - lot.price) * lot.signed for lot in book.lots), Decimal(0))
    assert abs(book.unrealised(last) - exact) < Decimal("0.02")


def straddle_day() -> list[Dealt]:
    """A straddle in two accounts, and another strategy in the same call."""
    mine, other, second = leg(), leg("scalper"), leg(account="ZB5678", user_id="ravi")
    put = leg(symbol="BANKNIFTY26NOV56300PE")
    return [
        Dealt(mine, trade("n1", "SELL", 30, "250.00", 15)),
        Dealt(put, trade("n2", "SELL", 30, "240.00", 15)),
        Dealt(second, trade("n3", "SELL", 60, "249.95", 15)),
        Dealt(other, trade("n4", "BUY", 30, "251.00", 20)),
        Dealt(other, trade("x4", "SELL", 30, "255.00", 30)),
        Dealt(mine, trade("x1", "BUY", 30, "200.00", 360)),
        Dealt(put, trade("x2", "BUY", 30, "260.00", 360)),
        Dealt(second, trade("x3", "BUY", 60, "201.00", 360)),
    ]


def test_two_strategies_in_one_contract_stay_apart() -> None:
    """The broker netted them; each earned its own."""
    legs = legs_of(straddle_day(), DAY)
    found = {sum_.leg.strategy_id: sum_.realised for sum_ in legs if sum_.leg.account == "ZA1234"
             and sum_.leg.symbol == CALL}  # fmt: skip
    assert found == {"straddle": Decimal(1500), "scalper": Decimal(120)}
    assert not any(one.open_quantity for one in legs)


def test_every_level_adds_up_and_the_charges_are_those_of_the_notes() -> None:
    dealt = straddle_day()
    legs = legs_of(dealt, DAY)
    whole = total(legs)
    assert whole.gross == Decimal("1500") - 600 + 120 + Decimal("2937.00")
    for what in ("strategy_id", "basket_id", "account", "user_id", "position_id", "symbol"):
        sums = by(legs, lambda leg, what=what: getattr(leg, what))  # type: ignore[misc]
        assert sum((one.net for one in sums.values()), Decimal(0)) == whole.net
        assert sum((one.charges for one in sums.values()), Charges()) == whole.charges
    for account, sum_ in by(legs, lambda leg: leg.account).items():
        orders = [each for each in dealt if each.leg.account == account]
        items = [Executed(d.trade.key, "zerodha", Exchange.NFO, d.trade.side, d.trade.value) for d in orders]
        assert contract_note(items, DAY).total == sum_.charges
        assert sum_.charges.brokerage == 20 * len(orders)
    assert whole.net == whole.gross - whole.charges.total


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["Z1", "Z2"]), trades), max_size=6))
def test_the_parts_always_add_up(books: list[tuple[str, str, list[Trade]]]) -> None:
    dealt = [
        Dealt(leg(strategy, account), replace(each, key=f"{n}-{each.key}"))
        for n, (strategy, account, done) in enumerate(books)
        for each in done
    ]
    legs = legs_of(dealt, DAY, last={f"NFO:{CALL}": Decimal("101.35")})
    cash = sum((d.trade.value if d.trade.side is Side.SELL else -d.trade.value for d in dealt), Decimal(0))
    held = sum(d.trade.signed for d in dealt)
    assert total(legs).gross == cash + held * Decimal("101.35")
    by_strategy = by(legs, lambda leg: leg.strategy_id)
    assert sum((one.gross for one in by_strategy.values()), Decimal(0)) == total(legs).gross


def test_what_is_open_is_valued_at_the_last_quote_and_never_guessed() -> None:
    opened = [Dealt(leg(), trade("n1", "SELL", 30, "250.00", 15))]
    (found,) = legs_of(opened, DAY, last={f"NFO:{CALL}": Decimal("244.50")})
    assert (found.realised, found.unrealised) == (Decimal(0), Decimal(165))
    assert found.last == Decimal("244.50")
    with pytest.raises(PriceMissing, match="holds -30 BANKNIFTY26NOV56300CE"):
        legs_of(opened, DAY)


def test_an_option_that_is_exercised_pays_tax_on_its_intrinsic_value() -> None:
    """65 bought at 60, 84.30 in the money: earns 1,579.50, and 5,479.50 × 0.15 % = 8.22 → 8 of STT."""
    held = leg(symbol="NIFTY2640722800CE")
    close = OPEN.replace(hour=15, minute=30)
    bought = [Dealt(held, trade("n1", "BUY", 65, "60.00", 15))]
    (found,) = legs_of(bought, date(2026, 4, 7), settled=[Settled(held, Decimal("84.30"), close)])
    assert found.realised == Decimal("1579.50")
    assert found.charges.stt == 8
    assert found.charges.brokerage == 20, "the exchange closes for nothing"
    (short,) = legs_of(
        [Dealt(held, trade("n1", "SELL", 65, "60.00", 15))],
        date(2026, 4, 7),
        settled=[Settled(held, Decimal("84.30"), close)],
    )
    assert short.realised == Decimal("-1579.50")
    assert short.charges.stt == 6, "only that of its sale: 3,900 × 0.15 % = 5.85"
    (worthless,) = legs_of(bought, date(2026, 4, 7), settled=[Settled(held, Decimal(0), close)])
    assert (worthless.realised, worthless.charges.stt) == (Decimal(-3900), Decimal(0))


def broker_says(*pairs: tuple[str, str, str]) -> dict[str, BrokerSays]:
    return {symbol: BrokerSays(Decimal(pnl), Decimal(last)) for symbol, pnl, last in pairs}


def test_the_parts_are_the_brokers_own_day() -> None:
    """1,500 of the straddle's call and 120 of the scalper's are one contract there."""
    dealt = [each for each in straddle_day() if each.leg.account == "ZA1234"]
    says = broker_says((CALL, "1620", "200"), ("BANKNIFTY26NOV56300PE", "-600", "260"))
    assert all(each.agrees for each in beside_broker(dealt, {}, says))


def test_what_others_traded_is_told_from_what_nobody_can_explain() -> None:
    dealt = [each for each in straddle_day() if each.leg.account == "ZA1234"]
    by_hand = {CALL: [trade("o1", "BUY", 30, "230", 40), trade("o2", "SELL", 30, "236", 50)]}
    says = broker_says((CALL, "1800", "200"), ("BANKNIFTY26NOV56300PE", "-1320", "260"))
    call, put = beside_broker(dealt, by_hand, says)
    assert call.agrees
    assert (call.ours, call.outside) == (Decimal(1620), Decimal(180))
    assert not put.agrees
    assert put.difference == -720


def test_an_average_of_four_digits_is_no_difference() -> None:
    """700 at 71.30 and 1,100 at 71.35: the average 71.3306 is off by 0.0000444… a unit, ₹0.08 in all."""
    sold = [Dealt(leg(), trade("n1", "SELL", 1800, "71.3306", 1))]
    exact = Decimal("700") * Decimal("71.30") + Decimal("1100") * Decimal("71.35")
    (found,) = beside_broker(sold, {}, {CALL: BrokerSays(exact - 1800 * 70, Decimal(70))})
    assert found.difference != 0
    assert found.agrees
    (wrong,) = beside_broker(sold, {}, {CALL: BrokerSays(exact - 1800 * 70 + 1, Decimal(70))})
    assert not wrong.agrees


def test_what_only_the_broker_knows_is_a_difference() -> None:
    (found,) = beside_broker([], {}, broker_says((CALL, "-500", "10")))
    assert (found.ours, found.difference) == (Decimal(0), Decimal(-500))
    assert not found.agrees


def test_the_curve_goes_through_every_price() -> None:
    dealt = [Dealt(leg(), trade("n1", "SELL", 30, "250", 15)), Dealt(leg(), trade("x1", "BUY", 30, "200", 360))]
    marks = [Mark(OPEN + timedelta(minutes=m), CALL, Decimal(p)) for m, p in ((5, 262), (60, 280), (120, 190))]
    points = curve(dealt, marks)
    assert [(p.at.strftime("%H:%M"), p.gross) for p in points] == [
        ("09:30", Decimal(0)),
        ("10:15", Decimal(-900)),
        ("11:15", Decimal(1800)),
        ("15:15", Decimal(1500)),
    ]
    assert curve([], marks) == ()


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), trades), max_size=4), prices)
def test_the_curve_ends_where_the_day_does(books: Sequence[tuple[str, list[Trade]]], last: Decimal) -> None:
    dealt = [
        Dealt(leg(strategy), replace(each, key=f"{n}-{each.key}"))
        for n, (strategy, done) in enumerate(books)
        for each in done
    ]
    points = curve(dealt, [Mark(OPEN + timedelta(hours=7), CALL, last)])
    assert [p.at for p in points] == sorted({p.at for p in points})
    if dealt:
        assert points[-1].gross == total(legs_of(dealt, DAY, last={f"NFO:{CALL}": last})).gross
