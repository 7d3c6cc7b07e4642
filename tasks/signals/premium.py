"""The bars of all legs together: what selling them brings in less what buying them costs, in rupees a unit.

A strategy that only buys is looked at as what it costs. A leg of twice the lots counts twice. Bars are built
from the legs' one-minute closes, in which all legs were traded: the highest price of a sum is not the sum of
the highest prices. Before an entry the contracts are those that the strike rules chose when the day's scan
first looked; from the entry on, those that were traded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from math import gcd
from typing import Any

from brokers.model import Bar, Exchange, InstrumentId, Side
from tasks import fetch_chain, resolve_strikes
from tasks.domain.expiries import choose_expiry
from tasks.domain.strategy import Strategy
from tasks.instruments import expiries
from tasks.runtime import Runtime
from tasks.stores.ports import AccountRun


@dataclass(frozen=True, slots=True)
class Part:
    """One leg: its contract as brokers quote it, and how often it counts, below 0 where it is bought."""

    symbol: str
    instrument: InstrumentId
    weight: int


def parts_of_plan(plan: AccountRun) -> list[Part]:
    """The contracts of an open run."""
    lots = [(leg, sum(leg.slices) // leg.lot_size) for leg in plan.legs]
    return _weighed(
        (f"{leg.exchange}:{leg.symbol}", InstrumentId(leg.exchange, leg.exchange_token), leg.side, count)
        for leg, count in lots
    )


def parts_before_entry(owner: str, strategy: Strategy, account: str, day: date, rt: Runtime) -> list[Part]:
    """The contracts that the rules chose when this was first asked today.

    Raises
    ------
    BrokerError
        If the broker gives no prices to choose them by. `RateLimited`: it will in a second.
    """
    item = f"PREMIUM#{owner}#{strategy.strategy_id}"
    known = rt.stores.market.get(strategy.underlying, item)
    if known is None or known["date"] != day.isoformat():
        known = {"date": day.isoformat(), "legs": _chosen(owner, strategy, account, day, rt)}
        rt.stores.market.put(strategy.underlying, item, known)
    return _weighed(
        (f"{exchange}:{symbol}", InstrumentId(Exchange(exchange), token), Side(side), int(lots))
        for exchange, symbol, token, side, lots in known["legs"]
    )


def _chosen(owner: str, strategy: Strategy, account: str, day: date, rt: Runtime) -> list[list[Any]]:
    listed = expiries(rt, account, strategy.underlying, day)
    wanted = {
        choose_expiry(listed, rule, day, underlying=strategy.underlying) for rule in strategy.expiry_rules
    }
    fetch_chain.run(
        fetch_chain.Input(
            run_key=f"{owner}-{strategy.strategy_id}",
            account=account,
            underlying=strategy.underlying,
            trading_date=day,
            expiries=sorted(wanted),
        ),
        rt,
    )
    asked = resolve_strikes.Input(strategy=strategy.to_document(), trading_date=day)
    legs = resolve_strikes.run(asked, rt).legs
    return [[leg.exchange, leg.symbol, leg.exchange_token, leg.side, leg.lots] for leg in legs]


def _weighed(legs: Iterable[tuple[str, InstrumentId, Side, int]]) -> list[Part]:
    known = list(legs)
    sells = any(side is Side.SELL for _, _, side, _ in known)
    common = reduce(gcd, (lots for *_, lots in known))
    return [
        Part(symbol, instrument, lots // common * (1 if side is Side.SELL or not sells else -1))
        for symbol, instrument, side, lots in known
    ]


def combined(parts: Sequence[Part], bars_of: Callable[[str], Sequence[Bar]]) -> list[Bar]:
    """One bar for each minute in which every part was traded, oldest first. Its volume is the parts' sum."""
    by_minute = [{bar.start: bar for bar in bars_of(part.symbol)} for part in parts]
    shared = set.intersection(*(set(bars) for bars in by_minute)) if by_minute else set()
    found = []
    for start in sorted(shared):
        members = [bars[start] for bars in by_minute]
        price = sum((part.weight * bar.close for part, bar in zip(parts, members, strict=True)), Decimal(0))
        found.append(Bar(start, price, price, price, price, sum(bar.volume for bar in members)))
    return found
