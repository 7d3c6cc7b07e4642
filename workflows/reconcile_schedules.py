"""ReconcileSchedules, Express, every quarter of an hour: the catalog and Scheduler say the same."""

from __future__ import annotations

from pydantic import BaseModel

from tasks import repair_schedules
from workflows import parts
from workflows.asl.machine import Machine
from workflows.asl.states import Succeed


class Data(BaseModel):
    repaired: repair_schedules.Output


RECONCILE_SCHEDULES = Machine(
    name="ReconcileSchedules",
    comment="Compare the strategies with their schedules, and repair either way",
    data=Data,
    states=[
        parts.invoke("RepairSchedules", "repair_schedules", "repaired", {}),
        Succeed(name="Reconciled"),
    ],
    kind="EXPRESS",
)
