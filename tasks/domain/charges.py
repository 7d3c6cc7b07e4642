"""What trading costs: brokerage, taxes and fees of executed orders in index options, as on the contract note.

Rates are dated (`data/charges.json`, with their sources). `order_charges` is the exact sum for one order, as a
broker's calculator gives it before the day is over; `contract_note` is the day's bill of one account, rounded
the way the note rounds, and shared out among the orders so that the parts add up to it.

The exchange simulator has charges of its own (`brokers.simulator.charges`). It is an oracle and shares no code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from brokers.model import Exchange, Side
from tasks.domain.errors import RateUnknown

PAISA = Decimal("0.01")
RUPEE = Decimal(1)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Charges:
    """Rupees. `protection_fund` is the exchange's investor protection levy."""

    brokerage: Decimal = ZERO
    stt: Decimal = ZERO
    exchange: Decimal = ZERO
    sebi: Decimal = ZERO
    protection_fund: Decimal = ZERO
    stamp: Decimal = ZERO
    gst: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return sum((getattr(self, line) for line in LINES), ZERO)

    def __add__(self, other: Charges) -> Charges:
        return Charges(*(getattr(self, line) + getattr(other, line) for line in LINES))

    def rounded(self) -> Charges:
        """As the contract note shows them: STT in whole rupees, all else in paise, half up."""
        return Charges(*(_nearest(getattr(self, line), _UNITS.get(line, PAISA)) for line in LINES))


LINES = tuple(each.name for each in fields(Charges))
_UNITS = {"stt": RUPEE}


@dataclass(frozen=True, slots=True)
class Executed:
    """One order that traded, wholly or in part: brokerage is due once, however many trades filled it.

    `value` is the premium turnover, price times units, in rupees. A sliced quantity is several of these.
    """

    key: str
    broker: str
    exchange: Exchange
    side: Side
    value: Decimal


@dataclass(frozen=True, slots=True)
class Exercised:
    """A long option that expired in the money and was exercised. `value` is intrinsic value times units.

    The buyer pays STT on it. Index options are settled in cash, so nothing else is due.
    """

    key: str
    exchange: Exchange
    value: Decimal


Item = Executed | Exercised


@dataclass(frozen=True, slots=True)
class Rates:
    """The table. Tests make their own; `rates()` is the one that ships."""

    document: Mapping[str, Any]

    def at(self, name: str, day: date, key: str = "") -> Decimal:
        """The rate in force on `day`; `key` is the exchange or the broker where the list is by those.

        Raises
        ------
        RateUnknown
        """
        rows = self.document[name].get(key, []) if key else self.document[name]
        known = [row for row in rows if row["from"] <= day.isoformat()]
        if not known:
            of = f" of {key}" if key else ""
            raise RateUnknown(f"no {name}{of} for {day}: add it to tasks/domain/data/charges.json")
        return Decimal(max(known, key=lambda row: str(row["from"]))["rate"])


@cache
def rates() -> Rates:
    return Rates(json.loads((files("tasks.domain.data") / "charges.json").read_text(encoding="utf-8")))


def order_charges(item: Item, day: date, table: Rates | None = None) -> Charges:
    """The exact charges of one executed order, or of one exercise, unrounded.

    Raises
    ------
    RateUnknown
        Where no rate is on file for the day, the exchange or the broker.
    """
    table = table or rates()
    if isinstance(item, Exercised):
        return Charges(stt=item.value * table.at("stt_on_exercise", day))
    if not item.value:
        return Charges()
    return with_gst(
        Charges(
            brokerage=table.at("brokerage_per_order", day, item.broker),
            stt=item.value * table.at("stt_on_sale", day) if item.side is Side.SELL else ZERO,
            exchange=item.value * table.at("exchange", day, item.exchange),
            sebi=item.value * table.at("sebi", day),
            protection_fund=item.value * table.at("protection_fund", day, item.exchange),
            stamp=item.value * table.at("stamp_on_purchase", day) if item.side is Side.BUY else ZERO,
        ),
        table.at("gst", day),
    )


def with_gst(charges: Charges, rate: Decimal) -> Charges:
    """GST is due on what is a service, and not on taxes and duties."""
    services = charges.brokerage + charges.exchange + charges.sebi + charges.protection_fund
    return replace(charges, gst=services * rate)


@dataclass(frozen=True, slots=True)
class ContractNote:
    """One account's bill of a day. The parts, by the items' keys, add up to the total, line by line."""

    total: Charges
    parts: Mapping[str, Charges]


def contract_note(items: Iterable[Item], day: date, table: Rates | None = None) -> ContractNote:
    """The day's bill of one account: each exchange's segment is rounded as a whole.

    Raises
    ------
    RateUnknown
    ValueError
        If two items have the same key.
    """
    by_exchange: dict[Exchange, list[Item]] = {}
    for item in items:
        by_exchange.setdefault(item.exchange, []).append(item)
    total, parts = Charges(), dict[str, Charges]()
    for exchange in sorted(by_exchange):
        segment = _segment(by_exchange[exchange], day, table or rates())
        if twice := parts.keys() & segment.parts.keys():
            raise ValueError(f"{', '.join(sorted(twice))} is in the contract note twice")
        total += segment.total
        parts |= segment.parts
    return ContractNote(total, parts)


def _segment(items: Sequence[Item], day: date, table: Rates) -> ContractNote:
    exact: dict[str, Charges] = {}
    for item in items:
        if item.key in exact:
            raise ValueError(f"{item.key} is in the contract note twice")
        exact[item.key] = order_charges(item, day, table)
    services = sum(exact.values(), Charges()).rounded()
    total = with_gst(services, table.at("gst", day)).rounded()
    shared = {line: _shared(exact, line, getattr(total, line)) for line in LINES}
    parts = {key: Charges(*(shared[line][key] for line in LINES)) for key in exact}
    return ContractNote(total, parts)


def _shared(exact: Mapping[str, Charges], line: str, total: Decimal) -> dict[str, Decimal]:
    return share(total, {key: getattr(charges, line) for key, charges in exact.items()})


def share(total: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """`total`, whole paise, split by weight into whole paise that add up to it: largest remainders first.

    Where nothing weighs, nothing is shared; equal remainders go by key, so that it is always the same.
    """
    whole = sum(weights.values(), ZERO)
    if not whole:
        return dict.fromkeys(weights, ZERO)
    exact = {key: total * weight / whole for key, weight in weights.items()}
    parts = {key: value.quantize(PAISA, ROUND_FLOOR) for key, value in exact.items()}
    missing = int((total - sum(parts.values(), ZERO)) / PAISA)
    by_remainder: Callable[[str], tuple[Decimal, str]] = lambda key: (parts[key] - exact[key], key)  # noqa: E731
    for key in sorted(parts, key=by_remainder)[:missing]:
        parts[key] += PAISA
    return parts


def _nearest(value: Decimal, unit: Decimal) -> Decimal:
    return (value / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit
