"""FetchChain: one shared picture of the prices, at most 2 s old.

Kite allows one quote call a second for an app, with 500 symbols in it. So all strategies of an underlying share
a snapshot, only one run at a time fetches it, and the underlyings take turns at an account; the others come
back a moment later.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from pydantic import BaseModel

from brokers.errors import RateLimited
from brokers.model import Quote
from tasks.contracts import Slot
from tasks.domain.chain import Chain, quotes_item
from tasks.domain.errors import QuoteMissing
from tasks.domain.quotes import Snapshot, quote_key
from tasks.domain.underlyings import underlying as index_of
from tasks.instruments import chain
from tasks.lambda_task import task
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(
    name="FetchChain",
    module="tasks.fetch_chain",
    timeout=15,
    http_timeout=HTTP_TIMEOUT,
    memory=1024,
    reads=(Table.MARKET,),
    writes=(Table.MARKET,),
    broker=True,
)

FRESH = 2.0
"""Seconds for which a snapshot is good."""

PACE = 1.0
"""Seconds between two quote calls of one account."""

MAX_SYMBOLS = 500
SPOT_ITEM = "SPOT"
SPOT_GOOD_FOR = timedelta(minutes=1)


class Input(BaseModel):
    """`account` is whose session asks, `run_key` who holds the flight while it is in the air."""

    run_key: str
    account: str
    underlying: str
    trading_date: date
    expiries: list[date]


class Output(Slot):
    snapshot_at: str
    spot: str
    quotes: int


def run(request: Input, rt: Runtime) -> Output:
    items = {expiry: quotes_item(expiry) for expiry in request.expiries}
    standing = [rt.stores.market.get(request.underlying, item) for item in items.values()]
    now = rt.clock.now()
    shared = [Snapshot.from_document(document) for document in standing if document]
    if len(shared) == len(items) and all(0 <= s.age(now) <= FRESH for s in shared):
        return _output(shared[0], sum(len(s.quotes) for s in shared))
    _take_turn(request, now, rt)
    return _fetch(request, rt)


def _take_turn(request: Input, now: datetime, rt: Runtime) -> None:
    """One run fetches an underlying, and one underlying a second asks through an account.

    Raises
    ------
    RateLimited
        If it is somebody else's turn.
    """
    market, underlying = rt.stores.market, request.underlying
    if not market.acquire(underlying, "FLIGHT", holder=request.run_key, now=now, seconds=FRESH):
        raise RateLimited(f"another run is fetching {underlying}: its snapshot is there in a moment")
    turn = f"{underlying} {now.isoformat()}"
    if not market.acquire(f"QUOTES#{request.account}", "TURN", holder=turn, now=now, seconds=PACE):
        raise RateLimited(f"{request.account} has asked for quotes within this second")


def _fetch(request: Input, rt: Runtime) -> Output:
    chains = [chain(rt, request.underlying, expiry) for expiry in request.expiries]
    spot_symbol = index_of(request.underlying).spot_symbol
    asked_at = rt.clock.now()
    quotes = rt.brokers.reader(request.account).quotes([spot_symbol, *_symbols(request, rt, chains)])
    if spot_symbol not in quotes:
        raise QuoteMissing(f"the broker gave no quote for {spot_symbol}")
    spot = quotes[spot_symbol].last
    rt.stores.market.put(request.underlying, SPOT_ITEM, {"spot": str(spot), "at": asked_at.isoformat()})
    snapshot = Snapshot(asked_at, spot, quotes)
    _share(request, rt, chains, snapshot)
    return _output(snapshot, len(quotes) - 1)


def _symbols(request: Input, rt: Runtime, chains: list[Chain]) -> list[str]:
    """All contracts if one call holds them, else those around the spot (learnt first, in a call of its own)."""
    symbols = [symbol for one in chains for symbol in one.symbols]
    if len(symbols) < MAX_SYMBOLS:
        return symbols
    spot = _known_spot(request, rt)
    strikes = (MAX_SYMBOLS - 1 - len(chains)) // (2 * len(chains))
    return [quote_key(contract) for one in chains for contract in one.around(spot, strikes)]


def _known_spot(request: Input, rt: Runtime) -> Decimal:
    document = rt.stores.market.get(request.underlying, SPOT_ITEM)
    now = rt.clock.now()
    if document and now - datetime.fromisoformat(document["at"]) <= SPOT_GOOD_FOR:
        return Decimal(document["spot"])
    symbol = index_of(request.underlying).spot_symbol
    quotes = rt.brokers.reader(request.account).quotes([symbol])
    if symbol not in quotes:
        raise QuoteMissing(f"the broker gave no quote for {symbol}")
    rt.stores.market.put(
        request.underlying, SPOT_ITEM, {"spot": str(quotes[symbol].last), "at": now.isoformat()}
    )
    raise RateLimited("the spot is known now, the chain can be asked for in a second: one quote call a second")


def _share(request: Input, rt: Runtime, chains: list[Chain], snapshot: Snapshot) -> None:
    for one in chains:
        own: dict[str, Quote] = {s: snapshot.quotes[s] for s in one.symbols if s in snapshot.quotes}
        document = Snapshot(snapshot.at, snapshot.spot, own).to_document()
        rt.stores.market.put(request.underlying, quotes_item(one.expiry), document)


def _output(snapshot: Snapshot, quotes: int) -> Output:
    return Output(snapshot_at=snapshot.at.isoformat(), spot=str(snapshot.spot), quotes=quotes)


handler = task(run, Input)
