"""CheckWeekday: is today one of the strategy's weekdays, and does the market trade at all?"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.domain.calendar import TradingCalendar
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function

FUNCTION = Function(name="CheckWeekday", module="tasks.check_weekday")


class Input(BaseModel):
    trading_date: date
    weekdays: list[str]


class Output(Slot):
    ok: bool
    reason: str


def run(request: Input, _rt: Runtime) -> Output:
    """Raises `CalendarExhausted` where our calendar doesn't reach: then nobody knows, and nothing is sold."""
    day = request.trading_date
    closed = TradingCalendar.load().why_closed(day)
    if closed is not None:
        return Output(ok=False, reason=f"{day:%a %d %b %Y}: {closed}")
    name = f"{day:%a}".upper()
    if name not in request.weekdays:
        return Output(ok=False, reason=f"{day:%a %d %b %Y} is not one of {', '.join(request.weekdays)}")
    return Output(ok=True, reason=f"{day:%a %d %b %Y} is a trading day of this strategy")


handler = task(run, Input)
