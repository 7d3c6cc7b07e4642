"""EndDay: whether today traded, and when its books can be closed."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.domain.calendar import TradingCalendar
from tasks.lambda_task import task
from tasks.orderpath.limits import wait_until
from tasks.runtime import Runtime
from tasks.spec import Function

FUNCTION = Function(name="EndDay", module="tasks.end_day")

AFTER_CLOSE = timedelta(minutes=10)
"""For the last exits and for what brokers square off; within the reconciler's quarter of an hour."""


class Input(BaseModel):
    """Nothing: it looks at the clock."""


class Output(Slot):
    """`close_at` is UTC, whole seconds."""

    trading: bool
    reason: str
    trading_date: str
    close_at: str


def run(_request: Input, rt: Runtime) -> Output:
    now = rt.clock.now()
    calendar = TradingCalendar.load()
    session = calendar.session(now.date())
    return Output(
        trading=session is not None,
        reason=calendar.why_closed(now.date()) or "a trading day",
        trading_date=now.date().isoformat(),
        close_at=wait_until(session.closes + AFTER_CLOSE if session else now),
    )


handler = task(run, Input)
