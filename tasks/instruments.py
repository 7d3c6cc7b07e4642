"""The day's instruments: loaded from the broker by whoever needs them first, shared through `market`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from brokers.model import Exchange, Instrument, InstrumentId
from tasks.domain.chain import EXPIRIES_ITEM, Chain, chain_item, chains_of, expiries_document, expiries_from
from tasks.domain.underlyings import UNDERLYINGS
from tasks.domain.underlyings import underlying as index_of
from tasks.runtime import Runtime

INDICES = "INDICES"
"""The `market` partition that holds the indices' numbers."""

_NEAREST = 12
"""Expiries that are kept: next month's is within them even where an index has weekly ones."""


def expiries(rt: Runtime, account: str, underlying: str, trading_date: date) -> tuple[date, ...]:
    """What is listed for `underlying` on `trading_date`, nearest first.

    Raises
    ------
    BrokerError
        If they have to be loaded and the broker does not give them.
    """
    document = rt.stores.market.get(underlying, EXPIRIES_ITEM)
    if document is None or document["trading_date"] != trading_date.isoformat():
        document = _load(rt, account, underlying, trading_date)
    return expiries_from(document)


def listed_expiries(rt: Runtime, underlying: str) -> tuple[date, ...]:
    """What `expiries` loaded for the day."""
    document = rt.stores.market.get(underlying, EXPIRIES_ITEM)
    if document is None:
        raise ChainNotLoaded(f"{underlying}: the day's instruments are not loaded: CheckDTE loads them")
    return expiries_from(document)


def chain(rt: Runtime, underlying: str, expiry: date) -> Chain:
    """The contracts of one expiry, after `expiries` was called for the day."""
    document = rt.stores.market.get(underlying, chain_item(expiry))
    if document is None:
        raise ChainNotLoaded(
            f"{underlying} {expiry}: the day's instruments are not loaded: CheckDTE loads them"
        )
    return Chain.from_document(document)


def index_ids(rt: Runtime, account: str, trading_date: date) -> dict[str, InstrumentId]:
    """The indices the broker quotes, by `NSE:NIFTY BANK`; loaded by whoever needs them first that day.

    Raises
    ------
    BrokerError
        If they have to be loaded and the broker does not give them.
    """
    document = rt.stores.market.get(INDICES, "IDS")
    if document is None or document["trading_date"] != trading_date.isoformat():
        found = rt.brokers.reader(account).indices()
        tokens = {symbol: instrument.token for symbol, instrument in found.items()}
        document = {"trading_date": trading_date.isoformat(), "tokens": tokens}
        rt.stores.market.put(INDICES, "IDS", document)
    return {
        symbol: InstrumentId(Exchange(symbol.partition(":")[0]), token)
        for symbol, token in document["tokens"].items()
    }


class ChainNotLoaded(Exception):
    """The `market` table has no contracts of this expiry."""


def refresh(rt: Runtime, account: str, trading_date: date) -> dict[str, int]:
    """Load every index traded here, each exchange's list once; how many expiries were kept of each."""
    kept: dict[str, int] = {}
    for exchange in sorted({index.exchange for index in UNDERLYINGS.values()}):
        names = {name for name, index in UNDERLYINGS.items() if index.exchange is exchange}
        listed = list(rt.brokers.reader(account).instruments(exchange, names))
        for name in sorted({row.underlying for row in listed}):
            rows = [row for row in listed if row.underlying == name]
            kept[name] = len(expiries_from(_keep(rt, name, trading_date, rows)))
    return kept


def _load(rt: Runtime, account: str, underlying: str, trading_date: date) -> dict[str, object]:
    listed = rt.brokers.reader(account).instruments(index_of(underlying).exchange, {underlying})
    return _keep(rt, underlying, trading_date, listed)


def _keep(rt: Runtime, underlying: str, trading_date: date, listed: Iterable[Instrument]) -> dict[str, object]:
    chains = chains_of(row for row in listed if row.underlying == underlying and row.expiry >= trading_date)
    nearest = sorted(chains, key=lambda key: key[1])[:_NEAREST]
    for key in nearest:
        rt.stores.market.put(underlying, chain_item(key[1]), chains[key].to_document())
    document = expiries_document(underlying, trading_date, [expiry for _, expiry in nearest])
    rt.stores.market.put(underlying, EXPIRIES_ITEM, document)
    return document
