"""CheckDTE: how many trading sessions is it to the contract's own expiry, and does the strategy want that?

The expiry is read from the day's instruments and never computed from the weekday: holidays move it.
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.domain.expiries import choose_expiry
from tasks.domain.strategy import ExpiryRule
from tasks.instruments import expiries
from tasks.lambda_task import task
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(
    name="CheckDTE",
    module="tasks.check_dte",
    timeout=30,
    http_timeout=HTTP_TIMEOUT,
    memory=1024,
    reads=(Table.MARKET,),
    writes=(Table.MARKET,),
    broker=True,
)


class Input(BaseModel):
    account: str
    underlying: str
    trading_date: date
    dte: list[int]
    expiry_rules: list[ExpiryRule]


class Output(Slot):
    """`dte` counts trading sessions to `expiry`, the first leg's: 0 on expiry day. `expiries` are all legs'."""

    ok: bool
    dte: int
    expiry: str
    expiries: list[str]
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    listed = expiries(rt, request.account, request.underlying, request.trading_date)
    chosen = [
        choose_expiry(listed, rule, request.trading_date, underlying=request.underlying)
        for rule in request.expiry_rules
    ]
    dte = _dte(request, chosen[0])
    ok = not request.dte or dte in request.dte
    return Output(
        ok=ok,
        dte=dte,
        expiry=chosen[0].isoformat(),
        expiries=sorted({expiry.isoformat() for expiry in chosen}),
        reason=_reason(request, chosen[0], dte, ok),
    )


def _dte(request: Input, expiry: date) -> int:
    """Sessions to the expiry. Where any will do, one beyond our calendar may stay uncounted: -1."""
    try:
        return TradingCalendar.load().dte(request.trading_date, expiry)
    except CalendarExhausted:
        if request.dte:
            raise
        return -1


def _reason(request: Input, expiry: date, dte: int, ok: bool) -> str:
    fact = f"{request.underlying} expires on {expiry:%a %d %b %Y}, DTE {dte}"
    return fact if ok else f"{fact}, and the strategy trades at DTE {', '.join(map(str, request.dte))}"


handler = task(run, Input)
