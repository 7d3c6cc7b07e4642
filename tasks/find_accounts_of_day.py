"""FindAccountsOfDay: every account that traded, or meant to, in a run of today: whom the reconciler looks at.

Also those that are flat: what a lost reply or a lagging book hid may turn up after the exit.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.domain.calendar import TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun

FUNCTION = Function(name="FindAccountsOfDay", module="tasks.find_accounts_of_day", reads=(Table.RUNS,))

AFTER_CLOSE = timedelta(minutes=15)
"""How long the books are still compared when the market has closed: a broker tells late what it squared off."""


class Input(BaseModel):
    """Nothing: it looks at the clock."""


class AccountOfDay(Slot):
    """One account, and the runs of it that are compared with its book."""

    account: str
    user_id: str
    run_keys: list[str]


class Output(Slot):
    accounts: list[AccountOfDay]
    reason: str


def run(_request: Input, rt: Runtime) -> Output:
    now = rt.clock.now()
    if _shut(now):
        return Output(accounts=[], reason="the market is shut")
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    postponed = rt.stores.runs.due_exits(now.date(), before=tomorrow)
    found: dict[str, dict[str, AccountRun]] = {}
    for plan in (*rt.stores.runs.accounts_of_day(now.date()), *postponed):
        found.setdefault(plan.account, {})[plan.run_key] = plan
    accounts = [_account(name, plans) for name, plans in sorted(found.items())]
    return Output(accounts=accounts, reason=f"{len(accounts)} accounts have a run today")


def _account(name: str, plans: dict[str, AccountRun]) -> AccountOfDay:
    user_id = next(iter(plans.values())).user_id
    return AccountOfDay(account=name, user_id=user_id, run_keys=sorted(plans))


def _shut(now: datetime) -> bool:
    """A day the calendar does not reach counts as open: a look too many harms nobody."""
    try:
        session = TradingCalendar.load().session(now.date())
    except CalendarExhausted:
        return False
    return session is None or not session.opens <= now < session.closes + AFTER_CLOSE


handler = task(run, Input)
