"""The instrument master: streamed, filtered, and never silently short."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bench.instruments import synthetic_master
from brokers.errors import BrokerUnavailable, TokenExpired
from brokers.model import Exchange, Instrument, InstrumentId, Right
from brokers.zerodha.instruments import UnreadableInstruments, parse_instruments
from tests.zerodha.loopback import Loopback, answer, close_after_reading, raw, refusal
from tests.zerodha.samples import Connect

HEADER = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,"
    "instrument_type,segment,exchange"
)
CALL = "14866434,58072,BANKNIFTY26NOV58000CE,BANKNIFTY,0.0,2026-11-23,58000.0,0.05,30,CE,NFO-OPT,NFO"
FUTURE = "1,2,M&M26NOVFUT,M&M,0.0,2026-11-23,0.0,0.1,200,FUT,NFO-FUT,NFO"
SHARE = '3,4,INFY,"INFOSYS, LTD",0.0,,0.0,0.05,1,EQ,NSE,NSE'
SENSEX = "5,6,SENSEX2682079200PE,SENSEX,0.0,2026-08-20,79200.5,0.05,20,PE,BFO-OPT,BFO"


def parse(*rows: str, exchange: Exchange = Exchange.NFO) -> list[Instrument]:
    return list(parse_instruments([f"{row}\n" for row in (HEADER, *rows)], exchange))


def test_options_and_futures_of_one_exchange() -> None:
    call, future = parse(CALL, SHARE, "", FUTURE, SENSEX)
    assert call == Instrument(
        InstrumentId(Exchange.NFO, "58072"),
        "BANKNIFTY26NOV58000CE",
        "BANKNIFTY",
        date(2026, 11, 23),
        Decimal(58000),
        Right.CE,
        30,
        Decimal("0.05"),
    )
    assert (future.right, future.strike, future.tick) == (Right.FUT, Decimal(0), Decimal("0.1"))
    (put,) = parse(CALL, SENSEX, exchange=Exchange.BFO)
    assert put.strike == Decimal("79200.5")


def test_strikes_read_as_people_write_them() -> None:
    (call,) = parse(CALL)
    assert str(call.strike) == "58000"


def test_only_the_underlyings_that_are_asked_for() -> None:
    rows = [f"{row}\n" for row in (HEADER, CALL, FUTURE)]
    (call,) = parse_instruments(rows, Exchange.NFO, {"BANKNIFTY"})
    assert call.underlying == "BANKNIFTY"


def test_columns_may_stand_in_another_order() -> None:
    swapped = [",".join(reversed(row.split(","))) + "\n" for row in (HEADER, CALL)]
    assert list(parse_instruments(swapped, Exchange.NFO)) == parse(CALL)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (CALL.replace("2026-11-23", "soon"), "soon"),
        (CALL.replace("58000.0", "high"), "line 2"),
        (CALL.replace(",30,", ",,"), "line 2"),
        ("1,2,3", "line 2"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(row: str, word: str) -> None:
    with pytest.raises(UnreadableInstruments, match=word):
        parse(row)


@pytest.mark.parametrize("text", ["", "<html>", HEADER.replace("strike,", "")])
def test_a_file_that_is_no_master_is_refused(text: str) -> None:
    with pytest.raises(UnreadableInstruments, match=r"no column .*strike"):
        list(parse_instruments([text], Exchange.NFO))


def test_kites_own_samples_hold_no_derivatives_of_ours(kite_data: Path) -> None:
    with (kite_data / "responses" / "instruments_nse.csv").open() as lines:
        assert list(parse_instruments(lines, Exchange.NSE)) == []


def test_a_real_master(kite_data: Path) -> None:
    path = kite_data / "instruments_index_options_2026-08.csv"
    found = {}
    for exchange in (Exchange.NFO, Exchange.BFO):
        with path.open() as lines:
            found[exchange] = list(parse_instruments(lines, exchange))
    with path.open() as lines:
        rows = sum(1 for _ in lines) - 1
    assert sum(map(len, found.values())) == rows
    assert {one.underlying for one in found[Exchange.NFO]} >= {"NIFTY", "BANKNIFTY"}
    assert len({one.id for ones in found.values() for one in ones}) == rows


def test_the_master_over_http(connect: Connect) -> None:
    body = "\n".join((HEADER, CALL, FUTURE))
    with Loopback([answer(200, body, "text/csv")]) as kite:
        symbols = [one.symbol for one in connect(kite.url).instruments(Exchange.NFO)]
        (asked,) = kite.requests
    assert symbols == ["BANKNIFTY26NOV58000CE", "M&M26NOVFUT"]
    assert asked.target == "/instruments/NFO"
    assert asked.headers["authorization"].startswith("token ")


def test_a_master_that_cannot_be_had_says_so_at_once(connect: Connect) -> None:
    with Loopback([refusal(403, "TokenException", "Expired"), answer(200, '{"data":[]}')]) as kite:
        broker = connect(kite.url)
        with pytest.raises(TokenExpired):
            broker.instruments(Exchange.NFO)
        with pytest.raises(BrokerUnavailable):
            broker.instruments(Exchange.NFO)


def test_half_a_master_is_none(connect: Connect) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 9999\r\n\r\n"
    with Loopback([raw(head + f"{HEADER}\n{CALL}\n".encode()), close_after_reading]) as kite:
        broker = connect(kite.url)
        with pytest.raises(BrokerUnavailable):
            broker.instruments(Exchange.NFO)


def test_a_broken_row_over_http_is_the_brokers_fault(connect: Connect) -> None:
    with (
        Loopback([answer(200, f"{HEADER}\n{CALL[:40]}", "text/csv")]) as kite,
        pytest.raises(BrokerUnavailable),
    ):
        list(connect(kite.url).instruments(Exchange.NFO))


def test_a_hundred_thousand_rows_are_read_one_by_one() -> None:
    assert sum(1 for _ in parse_instruments(synthetic_master(100_000), Exchange.NFO)) == 100_000
