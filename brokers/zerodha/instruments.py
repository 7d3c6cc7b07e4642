"""Kite's instrument master as a stream of contracts.

kiteconnect's own parser makes a dict of every row: 89 MiB and ten times as long for the 40,000 rows of the
derivatives exchanges. Here the file is read row by row, and what repeats (expiries, strikes, ticks) is
converted once.
"""

from __future__ import annotations

import csv
from collections.abc import Container, Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

from brokers.model import Exchange, Instrument, InstrumentId, Right

_COLUMNS = (
    "exchange_token",
    "tradingsymbol",
    "name",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "exchange",
)
_RIGHTS = {right.value: right for right in Right}


class UnreadableInstruments(Exception):
    """The instrument file is not what it should be. Says which line or column."""


def parse_instruments(
    lines: Iterable[str], exchange: Exchange, underlyings: Container[str] | None = None
) -> Iterator[Instrument]:
    """Options and futures of `exchange` in a Kite instruments CSV.

    Parameters
    ----------
    lines
        The file, line by line.
    underlyings
        Only these, if given: `{"NIFTY", "BANKNIFTY"}`.

    Raises
    ------
    UnreadableInstruments
        While iterating, at the first row that can't be read: a master with rows missing would look like a
        market without those strikes.
    """
    reader = csv.reader(lines)
    at = _columns(next(reader, []))
    token, symbol, name, expiry, strike, tick, lot, right, venue = at
    dates, prices = _Dates(), _Prices()
    wanted = exchange.value
    for row in reader:
        if not row:
            continue
        try:
            kind = _RIGHTS.get(row[right])
            if (
                kind is None
                or row[venue] != wanted
                or (underlyings is not None and row[name] not in underlyings)
            ):
                continue
            yield Instrument(
                InstrumentId(exchange, row[token]),
                row[symbol],
                row[name],
                dates[row[expiry]],
                prices[row[strike]],
                kind,
                int(row[lot]),
                prices[row[tick]],
            )
        except (IndexError, ValueError, InvalidOperation) as error:
            raise UnreadableInstruments(f"instruments line {reader.line_num}: {error}") from error


def _columns(header: list[str]) -> tuple[int, ...]:
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        raise UnreadableInstruments(f"instruments: no column {', '.join(missing)} in the first line")
    return tuple(header.index(column) for column in _COLUMNS)


class _Dates(dict[str, date]):
    def __missing__(self, text: str) -> date:
        value = self[text] = date.fromisoformat(text)
        return value


class _Prices(dict[str, Decimal]):
    """Prices by their text, without the noise of a float: 24950.0 becomes Decimal("24950")."""

    def __missing__(self, text: str) -> Decimal:
        value = Decimal(text)
        value = value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()
        self[text] = value
        return value
