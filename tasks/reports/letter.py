"""The report as an e-mail: a few lines to read at once, and the whole file attached."""

from __future__ import annotations

from email.message import EmailMessage

from tasks.domain.money import rupees
from tasks.reports.day import Report


def letter(report: Report, html: str, to: str) -> EmailMessage:
    """To its user. The address is the one the user signed in with."""
    message = EmailMessage()
    day = report.records.day
    message["To"] = to
    message["Subject"] = f"{day:%a %d %b}: {rupees(report.total.net)} after charges"
    message.set_content(_words(report))
    message.add_attachment(html, subtype="html", filename=f"report-{day.isoformat()}.html")
    return message


def _words(report: Report) -> str:
    whole = report.total
    lines = [
        f"{report.records.day:%A %d %B %Y}",
        "",
        f"Net        {rupees(whole.net)}",
        f"Gross      {rupees(whole.gross)}",
        f"Charges    {rupees(whole.charges.total)}",
        "",
        *(f"{one.name}: {rupees(one.sum.net)}" for one in report.by_strategy),
        "",
        _verdict(report),
        *(f"Look at this: {one.account}: {one.what} ({one.settled})" for one in report.troubles if one.bad),
        "",
        "The whole report is attached: open it in a browser.",
    ]
    return "\n".join(lines)


def _verdict(report: Report) -> str:
    if not report.closings:
        return "The broker's own figure is not in yet."
    if report.differs:
        return "The broker's own profit differs: the report says where."
    return "The broker's own profit is the same."
