"""What the feed keeps, on DynamoDB: items of the `market` table.

======================== ============================ =====================================
`underlying`             `item`                       holds
======================== ============================ =====================================
`NFO:BANKNIFTY26NOV…CE`  `NEWEST`                     the newest tick
`NFO:BANKNIFTY26NOV…CE`  `BARS#2026-11-23T09`         the hour's closed one-minute bars
`FEED#ZA1234`            `LEASE`, `STATE`             who feeds, and how it goes
======================== ============================ =====================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from brokers.clock import IST
from brokers.model import Bar, Tick
from tasks.domain.bars import bars_document, bars_from
from tasks.stores import documents
from tasks.stores.feed_ports import Lease
from tasks.stores.table import DynamoTable
from tasks.stores.wire import attributes

if TYPE_CHECKING:
    from tasks.stores.wire import Stored

_NEWEST = "NEWEST"
_LEASE, _STATE = "LEASE", "STATE"
_NEWER = "attribute_not_exists(#underlying) OR #at < :at OR ( #at = :at AND #received_at < :came )"
_NOBODY_NEWER = "attribute_not_exists(#underlying) OR #fence <= :fence"


class DynamoQuotes:
    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def put(self, tick: Tick) -> bool:
        values = {
            "underlying": tick.symbol,
            "item": _NEWEST,
            "last": tick.last,
            "bid": tick.bid,
            "ask": tick.ask,
            "volume": tick.volume,
            "at": tick.at,
            "received_at": tick.received_at,
        }
        return self._table.put(
            attributes(values),
            condition=_NEWER,
            values={"at": tick.at, "came": tick.received_at},
        )

    def get_many(self, symbols: Iterable[str]) -> dict[str, Tick]:
        found = self._table.get_many({"underlying": symbol, "item": _NEWEST} for symbol in symbols)
        return {tick.symbol: tick for tick in map(_tick, found)}


def _tick(item: Mapping[str, Stored]) -> Tick:
    return Tick(
        symbol=str(item["underlying"]["S"]),
        last=Decimal(item["last"]["N"]),
        bid=_price(item, "bid"),
        ask=_price(item, "ask"),
        volume=int(item["volume"]["N"]),
        at=datetime.fromisoformat(item["at"]["S"]),
        received_at=datetime.fromisoformat(item["received_at"]["S"]),
    )


def _price(item: Mapping[str, Stored], name: str) -> Decimal | None:
    return Decimal(item[name]["N"]) if name in item else None


class DynamoBars:
    """By the hour: a day in one item would be written whole each minute."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def put(self, symbol: str, bars: Sequence[Bar], *, fence: int) -> bool:
        item = f"{_day_of(bars[0].start)}T{bars[0].start.astimezone(IST):%H}"
        return self._table.put(
            attributes({"underlying": symbol, "item": item, "fence": fence})
            | attributes(documents.pack({"bars": bars_document(bars)})),
            condition=_NOBODY_NEWER,
            values={"fence": fence},
        )

    def day(self, symbol: str, day: date) -> list[Bar]:
        found = self._table.query(
            "#underlying = :symbol AND begins_with(#item, :day)",
            {"symbol": symbol, "day": f"BARS#{day.isoformat()}"},
        )
        return [bar for item in found for bar in bars_from(documents.unpack(item)["bars"])]


def _day_of(start: datetime) -> str:
    return f"BARS#{start.astimezone(IST).date().isoformat()}"


class DynamoLeases:
    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def get(self, name: str) -> Lease | None:
        item = self._table.get(underlying=name, item=_LEASE)
        if item is None:
            return None
        return Lease(
            holder=str(item.get("holder", {"S": ""})["S"]),
            fence=int(item["fence"]["N"]),
            beat=int(item["beat"]["N"]),
            at=datetime.fromisoformat(item["at"]["S"]),
        )

    def take(self, name: str, holder: str, *, standing: Lease | None, at: datetime) -> Lease | None:
        lease = Lease(holder, (standing.fence if standing else 0) + 1, 0, at)
        return lease if self._write(name, lease, standing) else None

    def beat(self, name: str, lease: Lease, *, at: datetime) -> Lease | None:
        alive = Lease(lease.holder, lease.fence, lease.beat + 1, at)
        written = self._table.put(
            _lease_item(name, alive),
            condition="#holder = :holder AND #fence = :fence",
            values={"holder": lease.holder, "fence": lease.fence},
        )
        return alive if written else None

    def release(self, name: str, lease: Lease, *, at: datetime) -> None:
        self._table.put(
            _lease_item(name, Lease("", lease.fence, lease.beat + 1, at)),
            condition="#holder = :holder AND #fence = :fence",
            values={"holder": lease.holder, "fence": lease.fence},
        )

    def _write(self, name: str, lease: Lease, standing: Lease | None) -> bool:
        if standing is None:
            return self._table.put(_lease_item(name, lease), condition="attribute_not_exists(#underlying)")
        return self._table.put(
            _lease_item(name, lease),
            condition="#fence = :fence AND #beat = :beat",
            values={"fence": standing.fence, "beat": standing.beat},
        )


def _lease_item(name: str, lease: Lease) -> dict[str, Any]:
    return attributes(
        {
            "underlying": name,
            "item": _LEASE,
            "holder": lease.holder,
            "fence": lease.fence,
            "beat": lease.beat,
            "at": lease.at,
        }
    )


class DynamoFeedStates:
    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def put(self, account: str, document: Mapping[str, Any], *, fence: int) -> bool:
        return self._table.put(
            attributes({"underlying": feed_name(account), "item": _STATE, "fence": fence})
            | attributes(documents.pack(dict(document))),
            condition=_NOBODY_NEWER,
            values={"fence": fence},
        )

    def get(self, account: str) -> dict[str, Any] | None:
        item = self._table.get(underlying=feed_name(account), item=_STATE)
        return documents.unpack(item) if item else None


def feed_name(account: str) -> str:
    """The `market` partition of one account's feed, and the name of its lease."""
    return f"FEED#{account}"
