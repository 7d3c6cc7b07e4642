"""The report of a day, made when it is asked for, of the caller's own orders and of nobody else's."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tasks.api.answers import Answer
from tasks.api.current import Asking, routes
from tasks.api.parameters import Day
from tasks.reports.day import report_of
from tasks.reports.page import page
from tasks.reports.records import read

router = routes()


class DayReport(Answer):
    """Rupees. `closed` says that the brokers' own figures are in, `agrees` that they are the same.

    `html` is the whole report as one file.
    """

    trading_date: date
    net: Decimal
    gross: Decimal
    charges: Decimal
    slippage: Decimal
    orders: int
    closed: bool
    agrees: bool
    html: str


@router.get("/reports/day", summary="My report of a day", tags=["reports"])
def day_report(here: Asking, day: Day = None) -> DayReport:
    """Made from what is recorded by now: of today it is the day so far."""
    wanted = day or here.today
    report = report_of(read(here.stores, here.user_id, wanted, here.now))
    return DayReport(
        trading_date=wanted,
        net=report.total.net,
        gross=report.total.gross,
        charges=report.total.charges.total,
        slippage=report.slippage,
        orders=report.total.orders,
        closed=bool(report.closings),
        agrees=not report.differs,
        html=page(report),
    )
