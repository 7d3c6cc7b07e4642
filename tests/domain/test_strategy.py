"""What a strategy document may say, and what is said to its author when it may not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from brokers.model import Exchange, Product, Right, Side
from tasks.domain.errors import InvalidStrategy
from tasks.domain.fields import Weekday
from tasks.domain.strategy import (
    AnyStrike,
    AtmStrike,
    Compare,
    ExactStrike,
    ExpiryRule,
    OnLegReject,
    PremiumStrike,
    Strategy,
    parse_strategy,
)

STRADDLE: dict[str, Any] = {
    "strategy_id": "bnf-straddle",
    "name": "BankNifty Weekly Straddle",
    "underlying": "BANKNIFTY",
    "entry_time": "09:30",
    "exit_time": "15:15",
    "weekdays": ["WED", "MON", "FRI"],
    "dte": 0,
    "transaction_type": "SELL",
    "legs": [
        {"right": "CE", "lots": 1, "strike": "ATM"},
        {"right": "PE", "lots": 1, "strike": {"rule": "ATM"}},
    ],
    "accounts": ["ZA1234"],
}


def straddle(**changed: Any) -> Strategy:
    return parse_strategy(STRADDLE | changed)


def with_leg(**changed: Any) -> Strategy:
    return straddle(legs=[{"right": "CE", "lots": 1, "strike": "ATM"} | changed])


def test_the_straddle_is_understood() -> None:
    strategy = straddle()
    assert strategy.weekdays == (Weekday.MON, Weekday.WED, Weekday.FRI)
    assert strategy.dte == (0,)
    assert strategy.exchange is Exchange.NFO
    assert strategy.index.spot_symbol == "NSE:NIFTY BANK"
    assert strategy.product is Product.MIS
    assert strategy.on_leg_reject is OnLegReject.UNWIND
    assert strategy.grace_seconds == 300
    assert strategy.enabled
    assert strategy.expiry_rules == (ExpiryRule.NEAREST,)
    assert [(leg.side, leg.right, leg.lots) for leg in strategy.legs] == [
        (Side.SELL, Right.CE, 1),
        (Side.SELL, Right.PE, 1),
    ]


def test_a_strategy_survives_its_document() -> None:
    strategy = straddle(
        legs=[
            {"right": "PE", "lots": 2, "strike": "premium >= 120.50", "expiry": "next_week"},
            {"right": "CE", "lots": 2, "strike": "58400", "side": "BUY", "expiry": "this_month"},
            {"right": "FUT", "lots": 1},
        ]
    )
    assert parse_strategy(strategy.to_document()) == strategy
    assert strategy.expiry_rules == (ExpiryRule.NEXT_WEEK, ExpiryRule.THIS_MONTH, ExpiryRule.NEAREST)


@pytest.mark.parametrize(("dte", "expected"), [(None, ()), (0, (0,)), ([3, 1, 1], (1, 3)), ([], ())])
def test_days_to_expiry_are_any_one_or_several(dte: Any, expected: tuple[int, ...]) -> None:
    assert straddle(dte=dte).dte == expected


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("ATM", AtmStrike()),
        ("atm + 2", AtmStrike(offset=2)),
        ("ATM-1", AtmStrike(offset=-1)),
        ({"rule": "ATM", "offset": 3}, AtmStrike(offset=3)),
        (58400, ExactStrike(strike=Decimal(58400))),
        ("58400.5", ExactStrike(strike=Decimal("58400.5"))),
        ({"rule": "EXACT", "strike": "58400"}, ExactStrike(strike=Decimal(58400))),
        ("premium ~ 100", PremiumStrike(compare=Compare.NEAREST, premium=Decimal(100))),
        ("Premium ≥ 99.5", PremiumStrike(compare=Compare.AT_LEAST, premium=Decimal("99.5"))),
        ("premium<=100", PremiumStrike(compare=Compare.AT_MOST, premium=Decimal(100))),
        ({"rule": "PREMIUM", "premium": 100}, PremiumStrike(premium=Decimal(100))),
    ],
)
def test_a_strike_is_written_in_many_ways(written: Any, rule: AnyStrike) -> None:
    assert with_leg(strike=written).legs[0].strike == rule


def test_a_leg_without_a_side_takes_the_strategys() -> None:
    assert with_leg(side="BUY").legs[0].side is Side.BUY
    assert with_leg().legs[0].side is Side.SELL
    assert straddle(transaction_type="BUY").legs[1].side is Side.BUY


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"underlying": "BANKNIFTI"}, "underlying: 'BANKNIFTI' is not an index traded here; use NIFTY, BANKNIFTY"),
    ({"underlying": None}, "underlying: must be text, not None"),
    ({"underlying": ["NIFTY"]}, "underlying: must be text, not ['NIFTY']"),
    ({"exit_time": "09:00"}, "exit_time: 09:00 is not after entry_time 09:30"),
    ({"exit_time": "09:30"}, "exit_time: 09:30 is not after entry_time 09:30"),
    ({"entry_time": "9:30"}, "entry_time: must be a time of day like \"09:30\" in IST, not '9:30'"),
    ({"entry_time": "24:00"}, "entry_time: must be a time of day"),
    ({"entry_time": 930}, "entry_time: must be a time of day"),
    ({"weekdays": []}, "weekdays: names no weekday, so it would never trade"),
    ({"weekdays": ["MON", "FUNDAY"]}, "weekdays: 'FUNDAY' is not a weekday; use MON, TUE, WED"),
    ({"weekdays": "MON"}, 'weekdays: must be a list like ["MON", "WED"], not \'MON\''),
    ({"weekdays": [["MON"]]}, "weekdays: ['MON'] is not a weekday"),
    ({"dte": -1}, "dte: must be a whole number of days to expiry"),
    ({"dte": "0"}, "dte: must be a whole number"),
    ({"dte": [0, 1.5]}, "not 1.5"),
    ({"dte": True}, "not True"),
    ({"legs": []}, "legs: has no legs, so there is nothing to trade"),
    ({"legs": None}, "legs: must be a list, not None"),
    ({"legs": ["ATM"]}, "legs[0]: must be an object with fields, not 'ATM'"),
    ({"legs": [{"right": "CE", "lots": 1, "strike": "ATM"}] * 21}, "legs: has 21 legs, at most 20"),
    ({"product": "CNC"}, "product: must be 'MIS' or 'NRML', not 'CNC'"),
    ({"on_leg_reject": "panic"}, "on_leg_reject: must be 'unwind' or 'keep', not 'panic'"),
    ({"chase": {"every_seconds": 2}}, "chase.every_seconds: must be at least 5, not 2"),
    ({"chase": {"entry": {"then": "leave"}}}, "chase.entry.percent: say either points or percent"),
    ({"chase": {"entry": {"points": 5, "percent": 2}}}, "chase.entry.percent: say either points or percent"),
    ({"chase": {"entry": {"points": 0}}}, "chase.entry.points: must be more than 0, not 0"),
    ({"chase": {"entry": {"points": 5, "then": "panic"}}}, "chase.entry.then: must be 'leave' or 'give_up'"),
    ({"chase": {"exit": {"percent": 5, "then": "give_up"}}}, "chase.exit.then: is not a known field"),
    ({"chase": {"exit": {"percent": 5, "patience_seconds": 3600}}}, "must be at most 600, not 3600"),
    ({"grace_seconds": -1}, "grace_seconds: must be at least 0, not -1"),
    ({"grace_seconds": 7200}, "grace_seconds: must be at most 3600, not 7200"),
    ({"enabled": "yes"}, "enabled: must be true or false, not 'yes'"),
    ({"strategy_id": "Bank Nifty"}, "strategy_id: must be 1 to 24 lower-case letters"),
    ({"strategy_id": "x" * 25}, "strategy_id: must be 1 to 24"),
    ({"accounts": ["za1234"]}, "accounts[0]: must be 2 to 12 capital letters and digits"),
    ({"accounts": ["ZA1234", "ZA1234"]}, "accounts: names an account twice"),
    ({"wekdays": ["MON"]}, "wekdays: is not a known field; did you mean 'weekdays'?"),
    ({"transaction_type": "SHORT"}, "transaction_type: must be 'BUY' or 'SELL', not 'SHORT'"),
]


@pytest.mark.parametrize(("changed", "said"), REFUSED, ids=[said.split(":")[0] for _, said in REFUSED])
def test_what_cannot_be_is_refused_by_its_path(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidStrategy) as refused:
        straddle(**changed)
    assert said in str(refused.value)


REFUSED_LEGS: list[tuple[dict[str, Any], str]] = [
    ({"lots": 0}, "legs[0].lots: must be at least 1, not 0"),
    ({"lots": -1}, "legs[0].lots: must be at least 1, not -1"),
    ({"lots": 1001}, "legs[0].lots: must be at most 1000"),
    ({"lots": 1.5}, "legs[0].lots: must be a whole number, not 1.5"),
    ({"lots": "1"}, "legs[0].lots: must be a whole number, not '1'"),
    ({"lots": True}, "legs[0].lots: must be a whole number, not True"),
    ({"right": "CALL"}, "legs[0].right: must be 'CE', 'PE' or 'FUT', not 'CALL'"),
    ({"side": "SHORT"}, "legs[0].side: must be 'BUY' or 'SELL', not 'SHORT'"),
    ({"expiry": "weekly"}, "legs[0].expiry: must be 'nearest', 'this_week'"),
    ({"strike": None}, 'legs[0].strike: is missing: say which strike, such as "ATM"'),
    ({"right": "FUT"}, "legs[0].strike: a future has no strike"),
    ({"strike": "OTM2"}, 'legs[0].strike: must be "ATM", "ATM+1", a strike'),
    ({"strike": True}, "legs[0].strike: must be"),
    ({"strike": 0}, "legs[0].strike.strike: must be more than 0, not"),
    (
        {"strike": {"rule": "MONEYNESS"}},
        "legs[0].strike: its `rule` must be ATM, EXACT, PREMIUM, DELTA, STRADDLE or ATM_PERCENT",
    ),
    ({"strike": "delta ~ 1"}, "legs[0].strike"),
    ({"strike": "ATM+60%"}, "legs[0].strike"),
    ({"strike": "ATM-11 straddle"}, "legs[0].strike"),
    ({"strike": {"rule": "ATM", "offset": 101}}, "legs[0].strike.offset: must be at most 100, not 101"),
    ({"strike": {"rule": "PREMIUM", "premium": 0}}, "legs[0].strike.premium: must be more than 0"),
    ({"strike": {"rule": "EXACT"}}, "legs[0].strike.strike: is missing"),
    ({"lot": 1}, "legs[0].lot: is not a known field; did you mean 'lots'?"),
]


@pytest.mark.parametrize(
    ("changed", "said"), REFUSED_LEGS, ids=[said.split(":")[0] for _, said in REFUSED_LEGS]
)
def test_what_a_leg_cannot_be_is_refused_by_its_path(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidStrategy) as refused:
        with_leg(**changed)
    assert said in str(refused.value)


def test_a_leg_needs_a_side_from_somewhere() -> None:
    document = {name: value for name, value in STRADDLE.items() if name != "transaction_type"}
    with pytest.raises(InvalidStrategy, match=r"legs\[0\]\.side: is missing; legs\[1\]\.side: is missing"):
        parse_strategy(document)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidStrategy) as refused:
        straddle(underlying="X", weekdays=[], exit_time="09:00", legs=[])
    assert len(refused.value.problems) == 4
    assert str(refused.value).startswith("strategy 'bnf-straddle': underlying: ")


@pytest.mark.parametrize("document", [{}, {"legs": 5, "transaction_type": "SELL"}, [], "text", None])
def test_whatever_comes_the_answer_is_a_named_error(document: Any) -> None:
    with pytest.raises(InvalidStrategy):
        parse_strategy(document)


def test_a_long_value_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidStrategy) as refused:
        straddle(underlying="X" * 10_000)
    assert len(str(refused.value)) < 300
