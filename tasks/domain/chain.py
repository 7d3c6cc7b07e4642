"""The contracts of one underlying and expiry, and the compact document the `market` table holds of them.

A document is JSON-shaped. Contracts that share right, lot and tick are one group of rows, so that a chain of
300 contracts is about 12 KB and loads in well under a millisecond::

    {"underlying": "BANKNIFTY", "exchange": "NFO", "expiry": "2026-11-23",
     "groups": [{"right": "CE", "lot": 30, "tick": "0.05",
                 "rows": [["58400", "43021", "BANKNIFTY26NOV58400CE"], …]}]}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from brokers.model import Exchange, Instrument, InstrumentId, Right
from tasks.domain.errors import ChainMismatch
from tasks.domain.expiries import choose_expiry

__all__ = [
    "EXPIRIES_ITEM",
    "Chain",
    "chain_item",
    "chains_of",
    "choose_expiry",
    "expiries_document",
    "expiries_from",
    "quotes_item",
]

EXPIRIES_ITEM = "EXPIRIES"
"""The `market` item, beside the chains, that lists an underlying's expiries."""


def chain_item(expiry: date) -> str:
    """The `market` item of one expiry's contracts."""
    return f"CHAIN#{expiry.isoformat()}"


def quotes_item(expiry: date) -> str:
    """The `market` item of one expiry's shared quote snapshot."""
    return f"QUOTES#{expiry.isoformat()}"


@dataclass(frozen=True, slots=True)
class Chain:
    """What is listed for one underlying and expiry.

    `ladder` holds, for calls and puts apart, the contracts by rising strike, and `strikes` their strikes: on
    far expiries the two rights differ, and the steps between strikes are uneven.
    """

    underlying: str
    exchange: Exchange
    expiry: date
    contracts: Mapping[tuple[Right, Decimal], Instrument]
    ladder: Mapping[Right, tuple[Instrument, ...]]
    strikes: Mapping[Right, tuple[Decimal, ...]]

    @classmethod
    def of(cls, instruments: Iterable[Instrument]) -> Chain:
        """Raises `ChainMismatch` if there are none, or not all of one underlying, exchange and expiry."""
        rows = tuple(instruments)
        kinds = {(row.underlying, row.id.exchange, row.expiry) for row in rows}
        if len(kinds) != 1:
            raise ChainMismatch(f"a chain has one underlying, exchange and expiry, not {len(kinds)}")
        ((underlying, exchange, expiry),) = kinds
        return cls._of(underlying, exchange, expiry, rows)

    @classmethod
    def _of(cls, underlying: str, exchange: Exchange, expiry: date, rows: Iterable[Instrument]) -> Chain:
        contracts = {(row.right, row.strike): row for row in rows}
        rising = sorted(contracts.values(), key=lambda row: row.strike)
        ladder = {right: tuple(row for row in rising if row.right is right) for right in Right}
        strikes = {right: tuple(row.strike for row in ladder[right]) for right in Right}
        return cls(underlying, exchange, expiry, contracts, ladder, strikes)

    def contract(self, right: Right, strike: Decimal = Decimal(0)) -> Instrument | None:
        """The contract, None if it is not listed. A future has strike 0."""
        return self.contracts.get((right, strike))

    @property
    def symbols(self) -> tuple[str, ...]:
        """All its contracts as brokers quote them: `NFO:BANKNIFTY26NOV58400CE`."""
        return tuple(f"{self.exchange}:{row.symbol}" for row in self.contracts.values())

    def around(self, spot: Decimal, count: int) -> tuple[Instrument, ...]:
        """The calls and puts of the `count` listed strikes nearest to `spot`, and the future if there is one.

        For a quote call, which brokers limit to 500 symbols.
        """
        every = sorted(
            {*self.strikes[Right.CE], *self.strikes[Right.PE]}, key=lambda strike: abs(strike - spot)
        )
        near = set(every[:count])
        return tuple(row for row in self.contracts.values() if row.strike in near or row.right is Right.FUT)

    def to_document(self) -> dict[str, Any]:
        groups: dict[tuple[Right, int, Decimal], list[list[str]]] = defaultdict(list)
        for row in sorted(self.contracts.values(), key=lambda row: (row.right, row.strike)):
            groups[row.right, row.lot_size, row.tick].append([str(row.strike), row.id.token, row.symbol])
        return {
            "underlying": self.underlying,
            "exchange": self.exchange.value,
            "expiry": self.expiry.isoformat(),
            "groups": [
                {"right": right.value, "lot": lot, "tick": str(tick), "rows": rows}
                for (right, lot, tick), rows in groups.items()
            ],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Chain:
        underlying = str(document["underlying"])
        exchange = Exchange(document["exchange"])
        expiry = date.fromisoformat(document["expiry"])
        rows: list[Instrument] = []
        for group in document["groups"]:
            right, lot, tick = Right(group["right"]), int(group["lot"]), Decimal(group["tick"])
            rows += (
                Instrument(
                    InstrumentId(exchange, token),
                    symbol,
                    underlying,
                    expiry,
                    Decimal(strike),
                    right,
                    lot,
                    tick,
                )
                for strike, token, symbol in group["rows"]
            )
        return cls._of(underlying, exchange, expiry, rows)


def chains_of(instruments: Iterable[Instrument]) -> dict[tuple[str, date], Chain]:
    """One chain for each underlying and expiry among a broker's instruments."""
    groups: dict[tuple[str, date], list[Instrument]] = defaultdict(list)
    for row in instruments:
        groups[row.underlying, row.expiry].append(row)
    return {key: Chain.of(rows) for key, rows in groups.items()}


def expiries_document(underlying: str, trading_date: date, expiries: Iterable[date]) -> dict[str, Any]:
    """What is listed for `underlying` on `trading_date`, for the `EXPIRIES` item."""
    return {
        "underlying": underlying,
        "trading_date": trading_date.isoformat(),
        "expiries": [expiry.isoformat() for expiry in sorted(set(expiries))],
    }


def expiries_from(document: Mapping[str, Any]) -> tuple[date, ...]:
    return tuple(date.fromisoformat(text) for text in document["expiries"])
