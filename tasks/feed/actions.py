"""What follows from a level that was reached."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.contracts import AccountTask
from tasks.domain.ids import exit_name
from tasks.find_open_accounts import exit_task
from tasks.runtime import Runtime
from tasks.stores.ports import AccountRun

ACCOUNT_BASKET = "AccountBasket"


@dataclass(frozen=True, slots=True)
class StartExit:
    """Close everything of one account's run: the same execution as its schedule, the sweep and a square-off
    would start, under the same name, so that whoever comes first has done it."""

    task: AccountTask
    why: str

    @classmethod
    def of(cls, plan: AccountRun, why: str) -> StartExit:
        return cls(exit_task(plan), why)

    @property
    def name(self) -> str:
        return exit_name(self.task.run_key, self.task.account)

    def perform(self, rt: Runtime) -> None:
        """One that failed before is redriven: an exit must go on."""
        rt.executions.start(ACCOUNT_BASKET, self.name, self.task.model_dump(mode="json"))
