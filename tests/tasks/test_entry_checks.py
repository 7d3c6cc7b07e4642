"""From the schedule's event to contracts: bad input gets a clear answer, and nothing is half done."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from brokers.errors import BrokerUnavailable, RateLimited, TokenExpired
from brokers.model import Exchange, Instrument, InstrumentId, Right
from tasks import check_dte, check_weekday, fetch_chain, open_run, resolve_strikes
from tasks.domain.errors import (
    CalendarExhausted,
    InvalidPayload,
    InvalidStrategy,
    NoSuchExpiry,
    QuoteMissing,
    StrikeNotListed,
)
from tasks.open_run import OutsideMarketHours, StrategyDisabled, StrategyNotFound
from tasks.participants import AccountNotFound, NoAccounts
from tests.tasks.world import ACCOUNT, World, strategy

MONDAY = date(2026, 11, 23)
EXPIRY = date(2026, 11, 23)
SPOT = "NSE:NIFTY BANK"


def event(**changes: Any) -> dict[str, Any]:
    return {
        "user_id": "user-1",
        "basket_id": "weekly",
        "strategy_id": "straddle",
        "transaction_type": "ENTRY",
        "entry_time": "09:30",
        "exit_time": "15:15",
        "weekdays": ["MON", "WED", "FRI"],
        "dte": 0,
        "scheduled_time": "2026-11-23T03:58:00Z",
    } | changes


def contract(strike: int, right: Right, expiry: date = EXPIRY) -> Instrument:
    symbol = f"BANKNIFTY26NOV{strike}{right}"
    token = f"{expiry:%m}{strike}{'1' if right is Right.CE else '2'}"
    ident = InstrumentId(Exchange.NFO, token)
    return Instrument(ident, symbol, "BANKNIFTY", expiry, Decimal(strike), right, 30, Decimal("0.05"))


@pytest.fixture
def world() -> World:
    world = World.at()
    world.link_account()
    world.stores.catalog.put("user-1", "STRATEGY#straddle", strategy())
    strikes = range(58000, 58900, 100)
    world.broker.listed = [contract(s, r) for s in strikes for r in (Right.CE, Right.PE)]
    world.broker.prices = {f"NFO:{i.symbol}": Decimal(200) for i in world.broker.listed}
    world.broker.prices[SPOT] = Decimal("58412.35")
    return world


def opened(world: World, **changes: Any) -> open_run.Output:
    return open_run.run(open_run.Input(event=event(**changes)), world.rt)


def dte(world: World, *wanted: int, day: date = MONDAY) -> check_dte.Output:
    request = check_dte.Input(
        account=ACCOUNT, underlying="BANKNIFTY", trading_date=day, dte=list(wanted), expiry_rules=["nearest"]
    )
    return check_dte.run(request, world.rt)


def fetch(world: World, run_key: str = "straddle-20261123-S") -> fetch_chain.Output:
    request = fetch_chain.Input(
        run_key=run_key, account=ACCOUNT, underlying="BANKNIFTY", trading_date=MONDAY, expiries=[EXPIRY]
    )
    return fetch_chain.run(request, world.rt)


def resolve(world: World) -> resolve_strikes.Output:
    document = world.stores.catalog.get("user-1", "STRATEGY#straddle") or {}
    request = resolve_strikes.Input(strategy=document, trading_date=MONDAY)
    return resolve_strikes.run(request, world.rt)


def test_a_run_knows_its_times_in_utc(world: World) -> None:
    run = opened(world)
    assert run.run_key == "straddle-20261123-S"
    assert (run.entry_at, run.entry_until) == ("2026-11-23T04:00:00Z", "2026-11-23T04:05:00Z")
    assert run.exit_at == "2026-11-23T09:45:00Z"
    assert [a.account for a in run.accounts] == [ACCOUNT]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"exit_time": "09:15"}, "exit_time"),
        ({"weekdays": ["MON", "FUNDAY"]}, "weekdays"),
        ({"entry_time": "25:00"}, "entry_time"),
        ({"dte": -1}, "dte"),
        ({"transaction_type": "HOLD"}, "transaction_type"),
        ({"scheduled_time": "soon"}, "scheduled_time"),
    ],
)
def test_a_wrong_event_names_its_field(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidPayload, match=field):
        opened(world, **changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"legs": []}, "legs"),
        ({"legs": [{"side": "SELL", "right": "CE", "lots": 0, "strike": "ATM"}]}, "lots"),
        ({"underlying": "DOGE"}, "underlying"),
    ],
)
def test_a_wrong_strategy_names_its_field(world: World, changes: dict[str, Any], field: str) -> None:
    world.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(**changes))
    with pytest.raises(InvalidStrategy, match=field):
        opened(world)


@pytest.mark.parametrize(
    ("changes", "field"), [({"entry_time": "09:00"}, "entry_time"), ({"exit_time": "15:45"}, "exit_time")]
)
def test_outside_market_hours_nothing_is_entered(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(OutsideMarketHours, match=field):
        opened(world, **changes)


def test_a_strategy_that_is_not_there(world: World) -> None:
    with pytest.raises(StrategyNotFound, match="condor"):
        opened(world, strategy_id="condor")


def test_a_strategy_that_is_switched_off(world: World) -> None:
    world.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(enabled=False))
    with pytest.raises(StrategyDisabled):
        opened(world)


def test_a_strategy_without_accounts(world: World) -> None:
    world.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(accounts=[]))
    with pytest.raises(NoAccounts):
        opened(world)


def test_an_account_that_is_not_linked(world: World) -> None:
    world.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(accounts=["ZB9999"]))
    with pytest.raises(AccountNotFound, match="ZB9999"):
        opened(world)


@pytest.mark.parametrize("broken", [{"enabled": False}, {"legs": []}, {"accounts": []}])
def test_nothing_in_the_catalog_stops_an_exit(world: World, broken: dict[str, Any]) -> None:
    world.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(**broken))
    run = opened(world, transaction_type="EXIT")
    assert run.run_key == "straddle-20261123-S"


def test_wrong_weekdays_do_not_stop_an_exit(world: World) -> None:
    assert opened(world, transaction_type="EXIT", weekdays=["FUNDAY"]).exit_at == "2026-11-23T09:45:00Z"


@pytest.mark.parametrize(
    ("day", "ok", "reason"),
    [
        (MONDAY, True, "Mon 23 Nov 2026"),
        (date(2026, 11, 24), False, "holiday"),
        (date(2026, 11, 26), False, "not one of MON, WED, FRI"),
        (date(2026, 11, 22), False, "weekend"),
    ],
)
def test_weekdays_and_holidays(world: World, day: date, ok: bool, reason: str) -> None:
    request = check_weekday.Input(trading_date=day, weekdays=["MON", "WED", "FRI"])
    output = check_weekday.run(request, world.rt)
    assert (output.ok, reason in output.reason) == (ok, True)


def test_beyond_the_calendar_nobody_guesses(world: World) -> None:
    with pytest.raises(CalendarExhausted):
        check_weekday.run(check_weekday.Input(trading_date=date(2031, 1, 6), weekdays=["MON"]), world.rt)


def test_dte_is_counted_to_the_listed_expiry(world: World) -> None:
    output = dte(world, 0)
    assert (output.ok, output.dte, output.expiry) == (True, 0, "2026-11-23")


def test_the_wrong_dte_says_what_it_is(world: World) -> None:
    output = dte(world, 0, day=date(2026, 11, 20))
    assert not output.ok
    assert "DTE 1" in output.reason


def test_any_dte_will_do(world: World) -> None:
    assert dte(world, day=date(2026, 11, 20)).ok


def test_any_dte_needs_no_calendar_beyond_its_reach(world: World) -> None:
    world.broker.listed = [contract(58400, Right.CE, date(2030, 1, 29))]
    assert dte(world).ok
    with pytest.raises(CalendarExhausted):
        dte(world, 0)


def test_instruments_are_loaded_once_a_day(world: World) -> None:
    dte(world, 0)
    dte(world, 0)
    assert world.broker.loads == 1


def test_no_expiry_is_named(world: World) -> None:
    world.broker.listed = []
    with pytest.raises(NoSuchExpiry, match="BANKNIFTY"):
        dte(world, 0)


def test_an_expired_token_is_named_and_mended_by_a_login(world: World) -> None:
    world.expire_token()
    with pytest.raises(TokenExpired):
        dte(world, 0)
    world.log_in()
    assert dte(world, 0).ok


def test_strategies_share_one_snapshot(world: World) -> None:
    dte(world, 0)
    first = fetch(world)
    world.clock.advance(1.5)
    assert fetch(world) == first
    world.clock.advance(1)
    assert fetch(world).snapshot_at != first.snapshot_at
    assert len(world.broker.quote_calls) == 2


def test_one_task_at_a_time_asks_for_quotes(world: World) -> None:
    dte(world, 0)
    world.stores.market.acquire("BANKNIFTY", "FLIGHT", holder="other", now=world.clock.now(), seconds=2)
    with pytest.raises(RateLimited):
        fetch(world)
    assert world.broker.quote_calls == []


def test_two_indexes_take_turns_at_an_account(world: World) -> None:
    dte(world, 0)
    now = world.clock.now()
    world.stores.market.acquire(f"QUOTES#{ACCOUNT}", "TURN", holder="NIFTY now", now=now, seconds=1)
    with pytest.raises(RateLimited, match="within this second"):
        fetch(world)
    world.clock.advance(1)
    fetch(world)
    assert len(world.broker.quote_calls) == 1


def test_two_runs_in_the_same_instant_fetch_once(world: World) -> None:
    dte(world, 0)
    world.broker.broken = BrokerUnavailable("502", account=ACCOUNT)
    with pytest.raises(BrokerUnavailable):
        fetch(world)
    world.broker.broken = None
    with pytest.raises(RateLimited, match="another run"):
        fetch(world, "other-20261123-S")
    world.clock.advance(1)
    fetch(world)
    assert fetch(world, "other-20261123-S").quotes
    assert len(world.broker.quote_calls) == 1


def test_a_big_chain_is_asked_for_around_the_spot(world: World) -> None:
    strikes = range(40000, 80000, 100)
    world.broker.listed = [contract(s, r) for s in strikes for r in (Right.CE, Right.PE)]
    world.broker.prices |= {f"NFO:{i.symbol}": Decimal(200) for i in world.broker.listed}
    dte(world, 0)
    with pytest.raises(RateLimited, match="spot"):
        fetch(world)
    world.clock.advance(2.5)
    fetch(world)
    (only_spot, around) = world.broker.quote_calls
    assert only_spot == [SPOT]
    assert len(around) <= 500
    assert f"NFO:{resolve(world).legs[0].symbol}" in around


def test_the_atm_straddle_with_its_reasons_and_prices(world: World) -> None:
    dte(world, 0)
    fetch(world)
    call, put = resolve(world).legs
    assert (call.symbol, put.symbol) == ("BANKNIFTY26NOV58400CE", "BANKNIFTY26NOV58400PE")
    assert "58,412.35" in call.reason
    assert (call.limit_price, call.quote) == ("195.50", "200.0")
    assert (call.lot_size, call.freeze) == (30, 600)


def test_a_strike_that_is_not_listed(world: World) -> None:
    legs = [{"side": "SELL", "right": "CE", "lots": 1, "strike": "ATM+40"}]
    world.stores.catalog.put("user-1", "STRATEGY#straddle", strategy(legs=legs))
    dte(world, 0)
    fetch(world)
    with pytest.raises(StrikeNotListed):
        resolve(world)


def test_a_contract_without_a_quote(world: World) -> None:
    del world.broker.prices["NFO:BANKNIFTY26NOV58400PE"]
    dte(world, 0)
    fetch(world)
    with pytest.raises(QuoteMissing, match="58400PE"):
        resolve(world)
