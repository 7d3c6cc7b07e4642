"""CloseAccountDay: an account's profit of the day, charges taken off, beside the broker's own.

Written as one item of the catalog, which becomes DayClosed, and PnLDiffers where the two books disagree. Only
contracts that we traded are compared: what a person holds besides is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from brokers.model import Fill, NetPosition
from tasks.contracts import Slot
from tasks.domain import items
from tasks.domain.day_pnl import BrokerSays, Contract, Dealt, beside_broker, legs_of, total
from tasks.domain.fifo import Trade
from tasks.lambda_task import task
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.reports.trades import dealt
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import OrderRow

FUNCTION = Function(
    name="CloseAccountDay",
    module="tasks.close_account_day",
    timeout=30,  # two requests: trades and positions
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.CATALOG),
    writes=(Table.CATALOG,),
    broker=True,
)


class Input(BaseModel):
    account: str
    user_id: str
    run_keys: list[str]
    trading_date: date


class Output(Slot):
    """Rupees as text. `agrees` is False where the broker's profit can't be explained: look at PnLDiffers."""

    net: str
    difference: str
    agrees: bool
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    rows = [row for key in request.run_keys for row in rt.stores.orders.by_run_account(key, request.account)]
    broker = rt.brokers.reader(request.account)
    ours = dealt(rows)
    symbols = {each.leg.symbol for each in ours}
    says = _says(one for one in broker.positions() if one.symbol in symbols)
    outside = _outside(broker.trades(), rows, symbols)
    contracts = beside_broker(ours, outside, says)
    document = _document(request, ours, says, contracts, len(rows))
    agrees = all(each.agrees for each in contracts)
    if not agrees:
        rt.alarms.count("PnLDiffers", account=request.account)
    day = document["day"]
    item = items.day(request.trading_date, request.account)
    standing = rt.stores.catalog.get(request.user_id, item) or {}
    if {**standing.get("day", {}), "closed_at": ""} != {**day, "closed_at": ""}:
        day["closed_at"] = rt.clock.now().isoformat()
        rt.stores.catalog.put(request.user_id, item, document)
    reason = "the broker says the same" if agrees else _words(contracts)
    return Output(net=day["net"], difference=day["difference"], agrees=agrees, reason=reason)


def _says(positions: Iterable[NetPosition]) -> dict[str, BrokerSays]:
    """By contract: a person may hold the same one in another product."""
    found: dict[str, BrokerSays] = {}
    for one in positions:
        before = found.get(one.symbol, BrokerSays(Decimal(0), one.last))
        found[one.symbol] = BrokerSays(before.pnl + one.profit, one.last)
    return found


def _outside(
    fills: Iterable[Fill], rows: Iterable[OrderRow], symbols: Iterable[str]
) -> Mapping[str, Sequence[Trade]]:
    """Trades in our contracts that no order of ours made."""
    known = {row.broker_order_id for row in rows if row.broker_order_id}
    found: dict[str, list[Trade]] = {symbol: [] for symbol in symbols}
    for fill in fills:
        if fill.symbol in found and fill.broker_order_id not in known:
            trade = Trade.of(fill.trade_id, fill.side, fill.quantity, fill.price, fill.at)
            found[fill.symbol].append(trade)
    return found


def _document(
    request: Input,
    ours: list[Dealt],
    says: Mapping[str, BrokerSays],
    contracts: Sequence[Contract],
    orders: int,
) -> dict[str, Any]:
    last = {f"{each.leg.exchange}:{each.leg.symbol}": _last(says, each.leg.symbol) for each in ours}
    whole = total(legs_of(ours, request.trading_date, last=last))
    return {
        "account": request.account,
        "trading_date": request.trading_date.isoformat(),
        "day": {
            "orders": orders,
            "gross": str(whole.gross),
            "charges": str(whole.charges.total),
            "net": str(whole.net),
            "outside": str(_sum(each.outside for each in contracts)),
            "broker": str(_sum(each.broker for each in contracts)),
            "difference": str(_sum(each.difference for each in contracts)),
            "contracts": [
                {
                    "symbol": each.symbol,
                    "ours": str(each.ours),
                    "outside": str(each.outside),
                    "broker": str(each.broker),
                    "difference": str(each.difference),
                    "agrees": each.agrees,
                }
                for each in contracts
            ],
            "closed_at": "",
        },
    }


def _last(says: Mapping[str, BrokerSays], symbol: str) -> Decimal:
    """Of a contract that the broker does not list the price is 0, as in the comparison: it will not agree."""
    return says[symbol].last if symbol in says else Decimal(0)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _words(contracts: Iterable[Contract]) -> str:
    wrong = [each for each in contracts if not each.agrees]
    return "; ".join(
        f"{each.symbol}: ours {each.ours}, others' {each.outside}, the broker's {each.broker}" for each in wrong
    )[:1000]


handler = task(run, Input)
