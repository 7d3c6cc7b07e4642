"""MarkAccount: what an account's positions are worth right now, and the funds they block, as its broker says.

Taken every few minutes while something is open. The day's curve and the margin used are made from these marks,
which are events like all else (AccountMarked).
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.domain import items
from tasks.lambda_task import task
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import Phase

FUNCTION = Function(
    name="MarkAccount",
    module="tasks.mark_account",
    timeout=25,  # two requests: positions and funds
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.RUNS, Table.CATALOG),
    writes=(Table.CATALOG,),
    broker=True,
)


class Input(BaseModel):
    account: str
    user_id: str
    run_keys: list[str]


class Output(Slot):
    """`marked` is False where nothing is open: then the broker was not asked."""

    marked: bool
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    plans = [p for key in request.run_keys if (p := rt.stores.runs.account(key, request.account))]
    if all(plan.phase is Phase.FLAT for plan in plans):
        return Output(marked=False, reason="nothing is open")
    broker, now = rt.brokers.reader(request.account), rt.clock.now()
    symbols = {leg.symbol for plan in plans for leg in plan.legs}
    held = [one for one in broker.positions() if one.symbol in symbols]
    funds = broker.funds()
    profit = sum((one.profit for one in held), Decimal(0))
    document = {
        "account": request.account,
        "trading_date": now.date().isoformat(),
        "at": now.isoformat(),
        "profit": str(profit),
        "blocked": str(funds.blocked),
        "available": str(funds.available),
        "prices": {one.symbol: str(one.last) for one in held},
    }
    rt.stores.catalog.put(request.user_id, items.mark(now.date(), request.account), document)
    return Output(marked=True, reason=f"{len(held)} contracts, {profit} so far")


handler = task(run, Input)
