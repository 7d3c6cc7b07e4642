"""What a scan finds: entries, exits, and what it can't judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.clock import IST
from brokers.errors import BrokerUnavailable
from brokers.model import Bar, Exchange, Instrument, InstrumentId, Right
from tasks import find_signals
from tasks.domain import items
from tasks.domain.payload import parse_payload
from tasks.domain.strategy import parse_strategy
from tasks.plan_account import run as plan_account
from tasks.signals.watched import agree
from tasks.stores.ports import Phase
from tests.tasks.world import ACCOUNT, World, account_task, leg, strategy

DAY = date(2026, 11, 23)
BANKNIFTY = InstrumentId(Exchange.NSE, "1016")
OPENS = datetime(2026, 11, 23, 9, 15, tzinfo=IST)


def at(clock: str) -> datetime:
    return datetime.combine(DAY, datetime.fromisoformat(f"2026-11-23T{clock}").time(), IST)


class Market(World):
    """A world whose index has bars."""

    def scan(self, clock: str) -> find_signals.Output:
        self.clock.at = at(clock)
        return find_signals.run(find_signals.Input(), self.rt)

    def watch(self, owner: str = "user-1", **changes: Any) -> None:
        document = strategy(
            **({"dte": None, "entry_time": "09:20", "trigger": "indicator", "basket_id": "weekly"} | changes)
        )
        strategy_id = str(document["strategy_id"])
        self.stores.catalog.put(owner, items.strategy(strategy_id), document)
        agree(owner, strategy_id, parse_strategy(document), self.rt)

    def closes(self, *prices: int, minutes: int = 5, instrument: InstrumentId = BANKNIFTY) -> None:
        """Today's bars, from the open on."""
        self.broker.history[instrument, minutes] = [
            _bar(OPENS + n * timedelta(minutes=minutes), price) for n, price in enumerate(prices)
        ]

    def enter(self, run: str, strategy_id: str = "straddle") -> None:
        """The run plans its account, as AccountBasket does."""
        task = account_task(leg(1, "CE"), leg(2, "PE")).model_copy(
            update={
                "run_key": f"{strategy_id}-20261123-{run}",
                "strategy_id": strategy_id,
                "entry_until": (self.clock.now() + timedelta(minutes=5)).isoformat(),
            }
        )
        plan_account(task, self.rt)

    def flatten(self, run: str) -> None:
        assert self.stores.runs.set_phase(f"straddle-20261123-{run}", ACCOUNT, Phase.FLAT)


def _bar(start: datetime, price: int, volume: int = 0) -> Bar:
    value = Decimal(price)
    return Bar(start, value, value + 1, value - 1, value, volume)


@pytest.fixture
def market() -> Market:
    world = Market.at(at("09:15"))
    assert isinstance(world, Market)
    world.link_account()
    return world


def rule(entry: Any, **more: Any) -> dict[str, Any]:
    return {"indicators": {"timeframe": 5, "entry": entry, **more}}


def names(found: find_signals.Output) -> list[str]:
    return [one.name for one in found.runs]


def test_a_bar_that_closes_above_enters_under_its_own_name(market: Market) -> None:
    market.watch(**rule("close crosses above 100"))
    market.closes(99, 99, 101)
    found = market.scan("09:30:03")
    assert names(found) == ["straddle-20261123-I0930-ENTRY"]
    event = parse_payload(found.runs[0].event.model_dump())
    assert event.run == "I0930"
    assert event.entry_at == at("09:30")
    assert event.signal == "CLOSE 101.00 crosses above 100, a bar before 99.00 to 100.00"
    assert (found.looked_at, found.series, found.unknown) == (1, 1, [])


@pytest.mark.parametrize(
    ("clock", "why"),
    [
        ("09:31:03", "the bar is no news any more"),
        ("09:32:03", "no bar has closed"),
        ("09:10:00", "the market is shut"),
        ("15:45:00", "the market is shut"),
    ],
)
def test_a_bar_is_looked_at_when_it_closes(market: Market, clock: str, why: str) -> None:
    market.watch(**rule("close crosses above 100"))
    market.closes(99, 99, 101)
    assert names(market.scan(clock)) == [], why


def test_the_same_minute_scanned_twice_starts_the_same_run(market: Market) -> None:
    market.watch(**rule("close crosses above 100"))
    market.closes(99, 99, 101)
    first = market.scan("09:30:03")
    again = market.scan("09:30:31")
    assert again.runs == first.runs
    market.enter("I0930")
    assert market.scan("09:30:50").runs == first.runs


def test_nothing_before_the_window_and_after_its_last_entry(market: Market) -> None:
    market.watch(**rule("close above 1", last_entry="09:35", max_entries=9), entry_time="09:30")
    market.closes(*[5] * 20)
    found = {clock: names(market.scan(clock)) for clock in ("09:25:03", "09:30:03")}
    assert found == {"09:25:03": [], "09:30:03": ["straddle-20261123-I0930-ENTRY"]}
    market.enter("I0930")
    market.flatten("I0930")
    assert names(market.scan("09:35:03")) == ["straddle-20261123-I0935-ENTRY"]
    market.enter("I0935")
    market.flatten("I0935")
    assert names(market.scan("09:40:03")) == []


def test_not_while_a_run_is_open_or_starting(market: Market) -> None:
    market.watch(**rule("close above 1", max_entries=3))
    market.closes(*[5] * 20)
    assert names(market.scan("09:30:03"))
    assert names(market.scan("09:35:03")), "it never planned an account: it failed, and the next signal counts"
    market.enter("I0935")
    assert names(market.scan("09:40:03")) == []
    market.flatten("I0935")
    assert names(market.scan("09:45:03")) == ["straddle-20261123-I0945-ENTRY"]
    market.enter("I0945")
    market.flatten("I0945")
    assert names(market.scan("09:50:03")) == [], "three entries are enough"


def test_a_pause_between_entries(market: Market) -> None:
    market.watch(**rule("close above 1", max_entries=3, pause_minutes=10))
    market.closes(*[5] * 30)
    market.scan("09:30:03")
    market.enter("I0930")
    market.scan("09:35:03")
    market.flatten("I0930")
    assert names(market.scan("09:40:03")) == [], "flat since now"
    assert names(market.scan("09:45:03")) == []
    assert names(market.scan("09:50:03")) == ["straddle-20261123-I0950-ENTRY"]


def test_an_exit_condition_closes_what_is_open(market: Market) -> None:
    market.watch(**rule("close above 100", exit="close below 90"))
    market.closes(99, 101, 101, 89)
    assert names(market.scan("09:25:03"))
    market.enter("I0925")
    assert market.scan("09:30:03").exits == []
    (found,) = market.scan("09:35:03").exits
    assert (found.run_key, found.account, found.side) == ("straddle-20261123-I0925", ACCOUNT, "EXIT")
    assert market.scan("09:35:40").exits == [found]
    market.flatten("I0925")
    assert market.scan("09:35:50").exits == []


def test_time_closes_what_a_signal_opened_even_of_a_strategy_that_is_gone(market: Market) -> None:
    market.watch(**rule("close above 100"))
    market.closes(99, 101)
    market.scan("09:25:03")
    market.enter("I0925")
    market.stores.catalog.put("user-1", items.strategy("straddle"), strategy(enabled=False))
    assert names(market.scan("15:12:03")) == []
    (started,) = market.scan("15:13:03").runs
    assert started.name == "straddle-20261123-I0925-EXIT"
    event = parse_payload(started.event.model_dump())
    assert (event.transaction_type, event.run, event.exit_at) == ("EXIT", "I0925", at("15:15"))


def test_what_is_unknown_starts_nothing_and_says_so(market: Market) -> None:
    market.watch(**rule({"not": "sma(3) above 100"}))
    market.closes(99, 99)
    found = market.scan("09:25:03")
    assert found.runs == []
    assert found.unknown == ["straddle: not (SMA(3) (unknown) above 100)"]
    assert market.alarms.raised == ["SignalsUnknown"]


def test_a_broker_that_gives_no_bars_leaves_it_unknown(market: Market) -> None:
    market.watch(**rule("close above 1"))
    market.broker.broken = BrokerUnavailable("502", account=ACCOUNT)
    found = market.scan("09:25:03")
    assert found.runs == []
    assert any("502" in line for line in found.unknown)


def test_a_bar_that_is_late_is_unknown(market: Market) -> None:
    market.watch(**rule("close above 1"))
    market.closes(5)
    assert market.scan("09:25:03").unknown == ["straddle: CLOSE (unknown) above 1"]


def test_the_feeds_minutes_are_used_where_all_are_there(market: Market) -> None:
    market.watch(**rule("close above 100"))
    minutes = [_bar(OPENS + timedelta(minutes=n), 101 if n == 9 else 1) for n in range(10)]
    assert market.stores.bars.put("NSE:NIFTY BANK", minutes, fence=1)
    assert names(market.scan("09:25:03")) == ["straddle-20261123-I0925-ENTRY"]


def test_where_the_feed_missed_a_minute_the_brokers_bars_stand_in(market: Market) -> None:
    market.watch(**rule("close above 100"))
    minutes = [_bar(OPENS + timedelta(minutes=n), 1) for n in range(10) if n != 4]
    assert market.stores.bars.put("NSE:NIFTY BANK", minutes, fence=1)
    market.closes(99, 101)
    assert names(market.scan("09:25:03")) == ["straddle-20261123-I0925-ENTRY"]


def test_older_bars_are_asked_for_once_a_day(market: Market) -> None:
    market.watch(**rule("close above sma(100)"))
    friday = datetime(2026, 11, 20, 9, 15, tzinfo=IST)
    before = [_bar(friday + n * timedelta(minutes=5), 90) for n in range(77)]
    thursday = [replace(bar, start=bar.start - timedelta(days=1)) for bar in before]
    market.closes(99, 101)
    market.broker.history[BANKNIFTY, 5] = [*thursday, *before, *market.broker.history[BANKNIFTY, 5]]
    assert names(market.scan("09:25:03")) == ["straddle-20261123-I0925-ENTRY"]
    known = market.stores.market.get("NSE:NIFTY BANK", "HISTORY#5")
    assert known is not None
    assert len(known["bars"]) == 154


def test_a_series_is_computed_once_for_many_strategies(market: Market) -> None:
    for number in range(20):
        market.watch(**rule("close above sma(2)"), strategy_id=f"s{number:02d}")
    market.closes(99, 101)
    found = market.scan("09:25:03")
    assert (len(found.runs), found.looked_at, found.series) == (20, 20, 2)


def test_a_strategy_that_is_switched_off_is_watched_no_more(market: Market) -> None:
    market.watch(**rule("close above 1"))
    market.closes(*[5] * 9)
    document = strategy(trigger="indicator", **rule("close above 1"), enabled=False)
    assert agree("user-1", "straddle", parse_strategy(document), market.rt) == ["no longer watching straddle"]
    assert agree("user-1", "straddle", None, market.rt) == []
    assert market.scan("09:25:03").looked_at == 0


def test_on_another_weekday_nobody_waits(market: Market) -> None:
    market.watch(**rule("close above 1"), weekdays=["TUE"])
    market.closes(5, 5)
    assert market.scan("09:25:03").looked_at == 0


def _listed(market: Market, right: Right, strike: int, token: str) -> Instrument:
    row = Instrument(
        id=InstrumentId(Exchange.NFO, token),
        symbol=f"BANKNIFTY26NOV{strike or ''}{right}",
        underlying="BANKNIFTY",
        expiry=date(2026, 11, 23),
        strike=Decimal(strike),
        right=right,
        lot_size=30,
        tick=Decimal("0.05"),
    )
    market.broker.listed.append(row)
    return row


def test_the_future_is_the_one_that_expires_next(market: Market) -> None:
    row = _listed(market, Right.FUT, 0, "77")
    _listed(market, Right.CE, 58400, "78")
    market.watch(**rule("future.close above future.vwap"))
    market.closes(99, 101, instrument=row.id)
    market.broker.history[row.id, 5] = [replace(b, volume=10) for b in market.broker.history[row.id, 5]]
    assert names(market.scan("09:25:03")) == ["straddle-20261123-I0925-ENTRY"]


def premium_market(market: Market) -> Callable[[int, int], None]:
    """Calls and puts whose one-minute closes the test sets."""
    rows = [_listed(market, right, 58400, f"4000{n}") for n, right in enumerate((Right.CE, Right.PE), start=1)]
    market.broker.prices = {
        "NSE:NIFTY BANK": Decimal(58412),
        **{f"NFO:{row.symbol}": Decimal(250) for row in rows},
    }

    def trade(call: int, put: int) -> None:
        for row, price in zip(rows, (call, put), strict=True):
            market.closes(*[price] * 20, minutes=1, instrument=row.id)

    return trade


def test_the_premium_is_that_of_all_legs(market: Market) -> None:
    trade = premium_market(market)
    market.watch(**rule("premium.close below 400", exit="premium.close above 600"))
    trade(250, 200)
    assert market.scan("09:25:03").runs == []
    trade(150, 200)
    (found,) = market.scan("09:30:03").runs
    assert found.event.signal == "premium.CLOSE 350.00 below 400"
    market.enter("I0930")
    trade(400, 300)
    assert [plan.run_key for plan in market.scan("09:35:03").exits] == ["straddle-20261123-I0930"]


def test_the_strikes_of_the_premium_stay_those_of_the_first_look(market: Market) -> None:
    trade = premium_market(market)
    market.watch(**rule("premium.close below 400"))
    trade(250, 200)
    market.scan("09:25:03")
    market.broker.prices["NSE:NIFTY BANK"] = Decimal(99999)
    trade(150, 200)
    assert names(market.scan("09:30:03")) == ["straddle-20261123-I0930-ENTRY"]


def test_what_is_bought_costs(market: Market) -> None:
    trade = premium_market(market)
    legs = [
        {"side": "SELL", "lots": 2, "right": "CE", "strike": "ATM"},
        {"side": "BUY", "lots": 1, "right": "PE", "strike": "ATM"},
    ]
    market.watch(**rule("premium.close above 1"), legs=legs)
    trade(150, 70)
    (found,) = market.scan("09:25:03").runs
    assert found.event.signal == "premium.CLOSE 230.00 above 1"
