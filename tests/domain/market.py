"""A small market to test with."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.clock import IST
from brokers.model import Exchange, Instrument, InstrumentId, Quote, Right
from tasks.domain.chain import Chain
from tasks.domain.quotes import quote_key

EXPIRY = date(2026, 11, 23)
AT = datetime(2026, 11, 23, 9, 29, 58, tzinfo=IST)
REAL = Path(__file__).parents[3] / "shared" / "data" / "kite" / "instruments_index_options_2026-08.csv"


def contract(strike: int | str, right: Right = Right.CE, *, expiry: date = EXPIRY) -> Instrument:
    return Instrument(
        id=InstrumentId(Exchange.NFO, f"{strike}{right}{expiry:%d%m}"),
        symbol=f"BANKNIFTY{expiry:%y%b}{strike}{right}".upper(),
        underlying="BANKNIFTY",
        expiry=expiry,
        strike=Decimal(strike),
        right=right,
        lot_size=30,
        tick=Decimal("0.05"),
    )


def chain_with(strikes: Iterable[int | str], *, future: bool = False) -> Chain:
    rows = [contract(strike, right) for strike in strikes for right in (Right.CE, Right.PE)]
    return Chain.of([*rows, *([contract(0, Right.FUT)] if future else [])])


def quoted(row: Instrument, last: str, bid: str | None = None, ask: str | None = None) -> Quote:
    return Quote(
        quote_key(row), Decimal(last), Decimal(bid) if bid else None, Decimal(ask) if ask else None, AT
    )


def last_prices(chain: Chain, right: Right, prices: dict[int, str]) -> dict[str, Quote]:
    rows = [(chain.contracts[right, Decimal(strike)], last) for strike, last in prices.items()]
    return {quote_key(row): quoted(row, last) for row, last in rows}


def real_instruments() -> list[Instrument]:
    """Kite's dump of 18 August 2026, indices only."""
    if not REAL.exists():
        pytest.skip(f"{REAL} not present")
    with REAL.open(newline="") as file:
        return list(_rows(csv.DictReader(file)))


def _rows(reader: Iterable[dict[str, str]]) -> Iterator[Instrument]:
    for row in reader:
        yield Instrument(
            id=InstrumentId(Exchange(row["exchange"]), row["exchange_token"]),
            symbol=row["tradingsymbol"],
            underlying=row["name"],
            expiry=date.fromisoformat(row["expiry"]),
            strike=Decimal(row["strike"]),
            right=Right(row["instrument_type"]),
            lot_size=int(row["lot_size"]),
            tick=Decimal(row["tick_size"]),
        )
