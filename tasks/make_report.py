"""MakeReport: one user's report of a day, kept in S3, its twin in the lake, and mailed if the user wants."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.domain import items
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Lake, Table

FUNCTION = Function(
    name="MakeReport",
    module="tasks.make_report",
    timeout=60,
    memory=1024,
    reads=(Table.CATALOG, Table.VIEWS, Table.ORDERS, Table.EVENTS, Table.MARKET),
    lake=(Lake.WRITE,),
    parquet=True,
    keeps_reports=True,
    sends_mail=True,
)


class Input(BaseModel):
    user_id: str
    trading_date: date


class Output(Slot):
    """`made` is False where nothing happened on the user's day. `net` is rupees as text."""

    made: bool
    mailed: bool
    net: str
    key: str
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    # Here, so that the state machines are built without Parquet.
    from tasks.reports import twin  # noqa: PLC0415
    from tasks.reports.day import report_of  # noqa: PLC0415
    from tasks.reports.page import page  # noqa: PLC0415
    from tasks.reports.records import read  # noqa: PLC0415

    report = report_of(read(rt.stores, request.user_id, request.trading_date, rt.clock.now()))
    if not report.anything:
        return Output(made=False, mailed=False, net="0.00", key="", reason="nothing happened")
    html = page(report)
    key = report_key(request.user_id, request.trading_date)
    rt.reports.put(key, html.encode())
    if report.legs:
        rt.lake.put(twin.key(report), twin.twin(report))
    profile = rt.stores.catalog.get(request.user_id, items.PROFILE) or {}
    mailed = False
    if profile.get("report") == "mail" and profile.get("email"):
        from tasks.reports.letter import letter  # noqa: PLC0415

        mailed = bool(rt.mail.send(letter(report, html, str(profile["email"]))))
    reason = "mailed and kept" if mailed else "kept"
    return Output(made=True, mailed=mailed, net=str(report.total.net), key=key, reason=reason)


def report_key(user_id: str, day: date) -> str:
    """Where a user's report of a day lies in its bucket."""
    return f"{user_id}/{day.isoformat()}.html"


handler = task(run, Input)
