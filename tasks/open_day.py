"""OpenDay: whether today trades, and that the calendar reaches far enough to go on."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from pydantic import BaseModel

from brokers.clock import IST
from tasks.contracts import Slot
from tasks.domain import items
from tasks.domain.calendar import TradingCalendar
from tasks.lambda_task import task
from tasks.orderpath.limits import wait_until
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(
    name="OpenDay",
    module="tasks.open_day",
    reads=(Table.CATALOG,),
    writes=(Table.MARKET,),
)

SECOND_CALL = time(9)
"""When who has not logged in is called again: a quarter of an hour before the market opens."""

MIN_REACH = timedelta(days=15)
"""The exchange tells next year's holidays in December; a day beyond the calendar stops every strategy."""

CALENDAR, SESSION = "CALENDAR", "SESSION"


class Input(BaseModel):
    """Nothing: it looks at the clock."""


class Output(Slot):
    """`second_call_at` is UTC, whole seconds. `data_account` is "" where the operator names none."""

    trading: bool
    reason: str
    trading_date: str
    second_call_at: str
    data_account: str


def run(_request: Input, rt: Runtime) -> Output:
    today = rt.clock.now().date()
    calendar = TradingCalendar.load()
    closed = calendar.why_closed(today)
    if today + MIN_REACH > calendar.reaches:
        rt.alarms.count("CalendarEnds", account="")
    if closed is None:
        rt.stores.market.put(CALENDAR, SESSION, _session(calendar, today))
    settings = rt.stores.catalog.get(items.PLATFORM, items.SETTINGS) or {}
    return Output(
        trading=closed is None,
        reason=closed or "a trading day",
        trading_date=today.isoformat(),
        second_call_at=wait_until(datetime.combine(today, SECOND_CALL, IST)),
        data_account=str(settings.get("data_account") or ""),
    )


def _session(calendar: TradingCalendar, today: date) -> dict[str, str]:
    session = calendar.session(today)
    return {
        "trading_date": today.isoformat(),
        "opens": session.opens.isoformat() if session else "",
        "closes": session.closes.isoformat() if session else "",
        "next": calendar.next_session(today).isoformat(),
        "reaches": calendar.reaches.isoformat(),
    }


handler = task(run, Input)
