"""RefreshInstruments: load the day's contracts of every index before the market opens."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.instruments import refresh
from tasks.lambda_task import task
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(
    name="RefreshInstruments",
    module="tasks.refresh_instruments",
    timeout=60,
    http_timeout=HTTP_TIMEOUT,
    memory=1024,
    reads=(Table.MARKET,),
    writes=(Table.MARKET,),
    broker=True,
)


class Input(BaseModel):
    account: str
    trading_date: date


class Output(Slot):
    underlyings: int
    expiries: int


def run(request: Input, rt: Runtime) -> Output:
    loaded = refresh(rt, request.account, request.trading_date)
    return Output(underlyings=len(loaded), expiries=sum(loaded.values()))


handler = task(run, Input)
