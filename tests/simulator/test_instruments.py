"""Calendar, expiries, symbols and contracts, checked against real lists where there are any."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import exchange_calendars
import pytest

from brokers.clock import IST
from brokers.simulator.calendar import trading_calendar
from brokers.simulator.expiries import future_symbol, is_monthly, listed_expiries, option_symbol
from brokers.simulator.instruments import HEADER, Listing, exchange_token, generate, guess_levels, read_dump
from brokers.simulator.underlyings import underlyings

CALENDAR = trading_calendar()
DUMP = Path(__file__).resolve().parents[3] / "shared/data/kite/instruments_index_options_2026-08.csv"
DUMP_DAY = date(2026, 8, 18)


def levels() -> dict[str, float]:
    return {name: underlying.level for name, underlying in underlyings().items()}


@pytest.fixture(scope="module")
def dump() -> Listing:
    if not DUMP.exists():
        pytest.skip(f"{DUMP.name} not present")
    return read_dump(DUMP)


@pytest.fixture(scope="module")
def november() -> Listing:
    return generate(date(2026, 11, 23), levels(), CALENDAR)


@pytest.mark.filterwarnings("ignore:Series.values")
def test_trading_days_agree_with_exchange_calendars() -> None:
    bse = exchange_calendars.get_calendar("XBOM")
    day = date(2025, 1, 1)
    while day < date(2027, 1, 1):
        if day.weekday() < 5 and day != date(2025, 10, 21):  # that day had Muhurat trading only
            assert CALENDAR.is_trading_day(day) == bse.is_session(day.isoformat()), day
        day += timedelta(days=1)


def test_special_sessions_and_the_later_close() -> None:
    budget = CALENDAR.session(date(2026, 2, 1))
    assert budget is not None
    assert budget.close.hour == 15
    july, august = CALENDAR.session(date(2026, 7, 31)), CALENDAR.session(date(2026, 8, 3))
    assert july is not None
    assert august is not None
    assert (july.close.minute, august.close.minute) == (30, 40)
    assert CALENDAR.session(date(2026, 11, 24)) is None
    assert CALENDAR.is_open(datetime(2026, 11, 23, 15, 39, 59, tzinfo=IST))
    assert not CALENDAR.is_open(datetime(2026, 11, 23, 15, 40, tzinfo=IST))
    assert CALENDAR.previous(date(2026, 11, 25)) == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("name", "expiry"),
    [
        # Expiries that holidays moved to the previous trading day.
        ("NIFTY", "2025-10-20"),
        ("NIFTY", "2026-03-02"),
        ("NIFTY", "2026-03-30"),
        ("NIFTY", "2026-04-13"),
        ("NIFTY", "2026-10-19"),
        ("NIFTY", "2026-11-09"),
        ("NIFTY", "2026-11-23"),
        ("BANKNIFTY", "2026-11-23"),
        ("SENSEX", "2025-10-01"),
        ("SENSEX", "2025-12-24"),
        ("SENSEX", "2026-01-14"),
        ("SENSEX", "2026-03-25"),
        ("SENSEX", "2026-05-27"),
        # Before September 2025, NSE's contracts expired on Thursdays and BSE's on Tuesdays.
        ("NIFTY", "2025-07-31"),
        ("SENSEX", "2025-07-29"),
    ],
)
def test_first_expiry(name: str, expiry: str) -> None:
    day = date.fromisoformat(expiry)
    assert listed_expiries(underlyings()[name], day, CALENDAR)[0] == day


def test_only_nifty_and_sensex_have_weeklies() -> None:
    for name, underlying in underlyings().items():
        expiries = listed_expiries(underlying, date(2026, 11, 23), CALENDAR)
        assert all(is_monthly(underlying, e, CALENDAR) for e in expiries) == (name not in ("NIFTY", "SENSEX"))


def test_expiries_are_those_of_the_real_list(dump: Listing) -> None:
    real = defaultdict(set)
    for contract in dump.contracts:
        if contract.is_option:
            real[contract.underlying].add(contract.expiry)
    assert set(real) >= {"NIFTY", "BANKNIFTY", "SENSEX"}
    for name, expiries in real.items():
        assert listed_expiries(underlyings()[name], DUMP_DAY, CALENDAR) == sorted(expiries), name


def test_symbols_lots_ticks_and_tokens_are_those_of_the_real_list(dump: Listing) -> None:
    for contract in dump.contracts:
        underlying = underlyings()[contract.underlying]
        monthly = is_monthly(underlying, contract.expiry, CALENDAR)
        if contract.is_option:
            ours = option_symbol(
                contract.underlying, contract.expiry, contract.strike, contract.right, monthly=monthly
            )
        else:
            ours = future_symbol(contract.underlying, contract.expiry)
        assert ours == contract.symbol
        assert underlying.lot(contract.expiry) == contract.lot
        assert (underlying.tick if contract.is_option else underlying.future_tick) == contract.tick
        assert contract.instrument_token % 256 == underlying.segment


def test_levels_are_guessed_from_the_densest_strikes(dump: Listing) -> None:
    guessed = guess_levels(dump)
    assert guessed["BANKNIFTY"] == 56350
    listed = {c.strike for c in dump.contracts if c.underlying == "BANKNIFTY" and c.expiry == date(2026, 8, 25)}
    assert {Decimal(56300), Decimal(56400)} <= listed


def test_dump_comes_out_as_it_went_in(dump: Listing) -> None:
    rows = dump.csv("NFO").splitlines()
    assert rows[0].split(",") == HEADER
    original = DUMP.read_text().splitlines()
    assert len(set(rows) & set(original)) == len(rows)


def test_november_lists_banknifty_on_a_monday(november: Listing) -> None:
    bank = [c for c in november.contracts if c.underlying == "BANKNIFTY" and c.expiry == date(2026, 11, 23)]
    assert {c.symbol[:14] for c in bank} == {"BANKNIFTY26NOV"}
    assert {c.lot for c in bank} == {30}
    strikes = sorted({c.strike for c in bank if c.is_option})
    gaps = {int(b - a) for a, b in pairwise(strikes)}
    assert 100 in gaps
    assert 500 in gaps  # the grid is not even
    assert "NIFTY26D0124600CE" in {c.symbol for c in november.contracts}


def test_every_symbol_and_token_is_there_once(november: Listing) -> None:
    assert len(november.by_key) == len(november.contracts)
    assert len(november.by_token) == len(november.contracts) + len(november.indices)
    assert all(c.instrument_token < 2**32 for c in november.contracts)


def test_a_contract_keeps_its_token_from_day_to_day(november: Listing) -> None:
    earlier = generate(date(2026, 11, 16), levels(), CALENDAR)
    common = set(earlier.by_key) & set(november.by_key)
    assert len(common) > 1000
    assert all(earlier.by_key[key] == november.by_key[key] for key in common)
    bank = underlyings()["BANKNIFTY"]
    assert exchange_token(bank, date(2026, 11, 23), Decimal(56000), "PE") % 2 == 1


def test_lots_changed_in_2026() -> None:
    assert underlyings()["NIFTY"].lot(date(2025, 12, 30)) == 75
    assert underlyings()["NIFTY"].lot(date(2026, 1, 6)) == 65
    assert underlyings()["NIFTY"].largest_order(date(2026, 1, 6)) == 1755


def test_making_a_day_takes_little_time() -> None:
    began = time.perf_counter()
    generate(date(2026, 11, 23), levels(), CALENDAR).csv()
    assert time.perf_counter() - began < 1.0


def test_files_that_are_no_dump_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no column"):
        read_dump(file)
    file.write_text(",".join(HEADER) + "\n")
    with pytest.raises(ValueError, match="no contract"):
        read_dump(file)
