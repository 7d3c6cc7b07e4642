"""The contracts of a trading day: made from the exchanges' rules, or read from a Kite dump."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median

from brokers.simulator.calendar import TradingCalendar
from brokers.simulator.expiries import (
    MONTHLIES,
    future_symbol,
    is_monthly,
    listed_expiries,
    monthly_expiry,
    option_symbol,
)
from brokers.simulator.underlyings import INDIA_VIX, Index, Underlying, underlyings

HEADER = [
    "instrument_token",
    "exchange_token",
    "tradingsymbol",
    "name",
    "last_price",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
]  # Kite's columns, in Kite's order
FAR_STRIKES = 6


@dataclass(frozen=True, slots=True)
class Contract:
    """One listed option or future. `strike` is 0 for a future, `right` is CE, PE or FUT."""

    instrument_token: int
    symbol: str
    underlying: str
    expiry: date
    strike: Decimal
    tick: Decimal
    lot: int
    right: str
    exchange: str

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.symbol}"

    @property
    def exchange_token(self) -> int:
        return self.instrument_token // 256

    @property
    def is_option(self) -> bool:
        return self.right != "FUT"


class Listing:
    """What can be quoted on one day: contracts and indices, by key and by token."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self.contracts = tuple(contracts)
        names = {contract.underlying for contract in self.contracts}
        known = underlyings()
        self.indices: tuple[Index, ...] = (*(known[n].index for n in known if n in names), INDIA_VIX)

    @cached_property
    def by_key(self) -> dict[str, Contract]:
        return {contract.key: contract for contract in self.contracts}

    @cached_property
    def by_token(self) -> dict[int, Contract | Index]:
        everything: list[Contract | Index] = [*self.contracts, *self.indices]
        return {item.instrument_token: item for item in everything}

    @cached_property
    def index_by_key(self) -> dict[str, Index]:
        return {index.key: index for index in self.indices}

    def find(self, key: str) -> Contract | Index | None:
        """The instrument that `EXCHANGE:SYMBOL` or a numeric token names."""
        if key.isdigit():
            return self.by_token.get(int(key))
        return self.by_key.get(key) or self.index_by_key.get(key)

    def csv(self, exchange: str = "") -> str:
        """Kite's instruments CSV, of one exchange or of all."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(_index_row(i) for i in self.indices if exchange in ("", i.exchange))
        writer.writerows(_contract_row(c) for c in self.contracts if exchange in ("", c.exchange))
        return out.getvalue()


def _index_row(index: Index) -> tuple[object, ...]:
    token = index.instrument_token
    return (
        token,
        token // 256,
        index.symbol,
        index.symbol,
        "0.0",
        "",
        "0.0",
        "0.0",
        0,
        "EQ",
        "INDICES",
        index.exchange,
    )


def _contract_row(c: Contract) -> tuple[object, ...]:
    segment = f"{c.exchange}-{'OPT' if c.is_option else 'FUT'}"
    tick = f"{c.tick.normalize():f}"
    head = (c.instrument_token, c.exchange_token, c.symbol, c.underlying, "0.0", c.expiry.isoformat())
    return (*head, f"{float(c.strike)}", tick, c.lot, c.right, segment, c.exchange)


def generate(day: date, levels: dict[str, float], calendar: TradingCalendar) -> Listing:
    """The contracts listed on `day`, around each underlying's previous close in `levels`."""
    return Listing(
        contract
        for underlying in underlyings().values()
        for contract in _contracts(underlying, day, levels[underlying.name], calendar)
    )


def _contracts(u: Underlying, day: date, level: float, calendar: TradingCalendar) -> Iterator[Contract]:
    expiries = listed_expiries(u, day, calendar)
    monthlies = [expiry for expiry in expiries if is_monthly(u, expiry, calendar)][:MONTHLIES]
    for expiry in monthlies:
        yield _contract(u, expiry, Decimal(0), "FUT", future_symbol(u.name, expiry))
    for expiry in expiries:
        monthly = expiry == monthly_expiry(u, expiry.year, expiry.month, calendar)
        for strike in _strikes(u, level, _tier(expiry, expiries, monthlies)):
            for right in ("CE", "PE"):
                yield _contract(
                    u, expiry, strike, right, option_symbol(u.name, expiry, strike, right, monthly=monthly)
                )


def _tier(expiry: date, expiries: list[date], monthlies: list[date]) -> str:
    if expiry == monthlies[0]:
        return "front"
    if expiry in monthlies:
        return "month"
    return "week" if expiry < monthlies[-1] and expiry in expiries else "far"


def _strikes(u: Underlying, level: float, tier: str) -> list[Decimal]:
    """Listed strikes: a fine grid around the money, coarse tails on monthlies, only coarse far out."""
    if tier == "far":
        centre = round(level / u.far_step) * u.far_step
        return [Decimal(centre + n * u.far_step) for n in range(-FAR_STRIKES, FAR_STRIKES + 1)]
    width = u.near if tier == "front" else u.mid
    centre = round(level / u.step) * u.step
    fine = {centre + n * u.step for n in range(-width, width + 1)}
    tails = set[int]()
    if tier in ("front", "month"):
        coarse = 5 * u.step
        tails = {
            _round_out(edge, coarse, sign) + sign * n * coarse
            for edge, sign in ((min(fine), -1), (max(fine), 1))
            for n in range(1, 5)
        }
    return [Decimal(strike) for strike in sorted(fine | tails)]


def _round_out(value: int, step: int, sign: int) -> int:
    return value // step * step if sign < 0 else -(-value // step) * step


def _contract(u: Underlying, expiry: date, strike: Decimal, right: str, symbol: str) -> Contract:
    return Contract(
        instrument_token=exchange_token(u, expiry, strike, right) * 256 + u.segment,
        symbol=symbol,
        underlying=u.name,
        expiry=expiry,
        strike=strike,
        tick=u.tick if right != "FUT" else u.future_tick,
        lot=u.lot(expiry),
        right=right,
        exchange=u.exchange,
    )


def exchange_token(u: Underlying, expiry: date, strike: Decimal, right: str) -> int:
    """A token that is the same on every day, unique over ten years, and fits Kite's 24 bits.

    Three bits of underlying, nine of expiry week, eleven of strike, one of right; a future is strike 0, CE.
    """
    week = expiry.toordinal() // 7 % 512
    rung = int(strike) // u.step % 2048
    return ((u.id * 512 + week) * 2048 + rung) * 2 + (right == "PE")


def read_dump(path: Path) -> Listing:
    """The index options and futures of a Kite instruments CSV.

    Raises
    ------
    ValueError
        If the file is not such a CSV, or holds no contract of an index that the simulator knows.
    """
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        missing = set(HEADER) - set(reader.fieldnames or ())
        if missing:
            raise ValueError(
                f"{path}: not a Kite instruments CSV, it has no column {', '.join(sorted(missing))}"
            )
        contracts = [_read_row(row) for row in reader if row["name"] in underlyings() and row["expiry"]]
    if not contracts:
        raise ValueError(f"{path}: no contract of {', '.join(underlyings())}")
    return Listing(contracts)


def _read_row(row: dict[str, str]) -> Contract:
    return Contract(
        instrument_token=int(row["instrument_token"]),
        symbol=row["tradingsymbol"],
        underlying=row["name"],
        expiry=date.fromisoformat(row["expiry"]),
        strike=Decimal(row["strike"]),
        tick=Decimal(row["tick_size"]),
        lot=int(row["lot_size"]),
        right=row["instrument_type"],
        exchange=row["exchange"],
    )


def guess_levels(listing: Listing) -> dict[str, float]:
    """Where each index stood when a dump was made: the middle of the densest strikes of its first expiry."""
    strikes: dict[str, dict[date, set[Decimal]]] = defaultdict(lambda: defaultdict(set))
    for contract in listing.contracts:
        if contract.is_option:
            strikes[contract.underlying][contract.expiry].add(contract.strike)
    return {name: _centre(sorted(by_expiry[min(by_expiry)])) for name, by_expiry in strikes.items()}


def _centre(strikes: list[Decimal]) -> float:
    if len(strikes) < 3:
        return float(median(strikes))
    pairs = list(pairwise(strikes))
    finest = min(high - low for low, high in pairs)
    dense = {strike for low, high in pairs if high - low == finest for strike in (low, high)}
    return float(median(dense))
