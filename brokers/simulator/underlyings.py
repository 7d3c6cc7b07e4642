"""What the simulator knows of each index: its contracts' rules and where its level starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from brokers.simulator.calendar import load_data


@dataclass(frozen=True, slots=True)
class Index:
    """The index itself, as Kite lists it: `NSE:NIFTY BANK`, token 260105."""

    exchange: str
    symbol: str
    instrument_token: int

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.symbol}"


INDIA_VIX = Index("NSE", "INDIA VIX", 264969)


@dataclass(frozen=True, slots=True)
class Underlying:
    """One index and the rules of its contracts.

    `level` is where its price stands on the reference day, `volatility` its at-the-money volatility a year,
    `freeze` the largest order in units; `near` and `mid` count listed strikes on each side of the money.
    """

    name: str
    id: int
    exchange: str
    index: Index
    level: float
    volatility: float
    freeze: int
    tick: Decimal
    future_tick: Decimal
    step: int
    near: int
    mid: int
    far_step: int
    weeklies: int
    quarterlies: int
    half_yearlies: int
    expiry_weekdays: tuple[tuple[date, int], ...]
    lots: tuple[tuple[date, int], ...]

    @property
    def segment(self) -> int:
        """Kite's number of the derivatives segment: instrument_token = exchange_token * 256 + segment."""
        return 2 if self.exchange == "NFO" else 5

    def expiry_weekday(self, day: date) -> int:
        """Weekday (Monday is 0) of the contracts that expire around `day`: it moved in September 2025."""
        return _in_force(self.expiry_weekdays, day)

    def lot(self, expiry: date) -> int:
        """Units in a lot of the contracts with this expiry."""
        return _in_force(self.lots, expiry)

    def largest_order(self, expiry: date) -> int:
        """Units: the freeze quantity cut to whole lots."""
        lot = self.lot(expiry)
        return self.freeze // lot * lot


def _in_force(rows: tuple[tuple[date, int], ...], day: date) -> int:
    return next(value for since, value in reversed(rows) if since <= day)


def _dated(rows: list[list[Any]]) -> tuple[tuple[date, int], ...]:
    return tuple((date.fromisoformat(since), int(value)) for since, value in rows)


def _parse(row: dict[str, Any]) -> Underlying:
    fields = {**row}
    fields["index"] = Index(*row["index"])
    fields["tick"] = Decimal(row["tick"])
    fields["future_tick"] = Decimal(row["future_tick"])
    fields["expiry_weekdays"] = _dated(fields.pop("expiry_weekday"))
    fields["lots"] = _dated(row["lots"])
    return Underlying(**fields)


@lru_cache(maxsize=1)
def underlyings() -> dict[str, Underlying]:
    return {row["name"]: _parse(row) for row in load_data("underlyings.json")}
