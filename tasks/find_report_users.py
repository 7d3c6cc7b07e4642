"""FindReportUsers: whoever has linked a broker account. A user on whose day nothing happened gets no report."""

from __future__ import annotations

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(
    name="FindReportUsers",
    module="tasks.find_report_users",
    timeout=60,
    reads=(Table.CATALOG,),
    scans=(Table.CATALOG,),
)


class Input(BaseModel):
    """Nothing."""


class Output(Slot):
    users: list[str]


def run(_request: Input, rt: Runtime) -> Output:
    accounts = rt.stores.catalog.everything("ACCOUNT#")
    return Output(users=sorted({owner for owner, _, document in accounts if "lot_multiplier" in document}))


handler = task(run, Input)
