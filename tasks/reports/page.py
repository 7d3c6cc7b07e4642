"""The report as one HTML file: nothing is fetched, nothing runs in it, it prints and fits a phone.

What a trader wants first comes first: what is left after charges, whether the broker says the same, what went
wrong. Colour never says anything alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from tasks.domain.charges import LINES, Charges
from tasks.domain.events import DayClosed
from tasks.domain.money import rupees
from tasks.reports import drawings
from tasks.reports.day import Line, Report, Run, Slice
from tasks.reports.html import Child, Html, join, raw, tag

STYLE = Path(__file__).with_name("report.css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Whatever text were to slip through: nothing is fetched, nothing is run."""

_CHARGES = {
    "brokerage": "Brokerage",
    "stt": "Securities transaction tax",
    "exchange": "Exchange transaction charge",
    "sebi": "SEBI turnover fee",
    "protection_fund": "Investor protection fund",
    "stamp": "Stamp duty",
    "gst": "GST on services",
}


def page(report: Report) -> str:
    """The whole file."""
    records = report.records
    title = f"{records.day:%d %B %Y}: {rupees(report.total.net)}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", raw(STYLE.read_text(encoding="utf-8"))),
    )
    body = tag(
        "body",
        _head(report),
        tag(
            "main",
            _warnings(report),
            _day(report),
            _strategies(report),
            _runs(report),
            _skipped(report),
            _troubles(report),
            _accounts(report),
            _charges(report.total.charges),
            _coming(report),
        ),
        _foot(report),
    )
    return "<!doctype html>\n" + tag("html", head, body, lang="en")


# --- first ---


def _head(report: Report) -> Html:
    records, whole = report.records, report.total
    who = f"{records.name} · " if records.name else ""
    facts = (
        ("Before charges", rupees(whole.gross)),
        ("Charges", rupees(whole.charges.total)),
        ("Slippage", rupees(report.slippage)),
        ("Orders that traded", str(whole.orders)),
    )
    return tag(
        "header",
        tag("p", f"{who}{records.day:%A %d %B %Y}", class_="when"),
        tag(
            "h1",
            tag("span", "Net profit" if whole.net >= 0 else "Net loss", class_="label"),
            _money(whole.net, class_="net"),
        ),
        tag("dl", *(join(tag("div", tag("dt", name), tag("dd", value))) for name, value in facts)),
        _verdict(report),
    )


def _verdict(report: Report) -> Html:
    if not report.closings:
        return tag("p", "The broker's own figure is not in yet: this is the day so far.", class_="verdict open")
    if report.differs:
        return tag("p", "✗ The broker's own profit differs: see Accounts.", class_="verdict bad")
    return tag("p", "✓ The broker's own profit is the same, account by account.", class_="verdict good")


def _warnings(report: Report) -> Html | None:
    said = [f"{one.account}: {one.what} ({one.settled})" for one in report.troubles if one.bad]
    said += [
        f"{leg.leg.account}: {leg.open_quantity} {leg.leg.symbol} is still open, valued at {leg.last}"
        for leg in report.legs
        if leg.open_quantity
    ]
    said += [
        f"{symbol} is open and its last price is unknown: left out of the sums" for symbol in report.unpriced
    ]
    if not said:
        return None
    items = [tag("li", one) for one in said]
    return _section("attention", "Look at this", tag("ul", *items), class_="attention")


# --- the day ---


def _day(report: Report) -> Html | None:
    if not report.points:
        return _section("day", "The day", tag("p", "Nothing was traded.", class_="quiet"))
    low = min(point.gross for point in report.points)
    words = f"Before charges, realised and open. The lowest point was {rupees(low)}."
    return _section("day", "The day", drawings.curve(report.points), tag("p", words, class_="quiet"))


def _strategies(report: Report) -> Html | None:
    if not report.by_strategy:
        return None
    parts = [_bars("Strategy", report.by_strategy)]
    if len(report.by_basket) > 1:
        parts.append(_bars("Basket", report.by_basket))
    return _section("strategies", "Strategies", *parts)


def _bars(what: str, slices: Sequence[Slice]) -> Html:
    most = max(abs(one.sum.net) for one in slices)
    rows = [
        tag(
            "tr",
            tag("th", one.name, scope="row"),
            tag("td", drawings.bar(one.sum.net, most), class_="barcell"),
            tag("td", _money(one.sum.net), class_="number", data_label="Net"),
            tag("td", rupees(one.sum.gross), class_="number wide", data_label="Gross"),
            tag("td", rupees(one.sum.charges.total), class_="number wide", data_label="Charges"),
        )
        for one in slices
    ]
    return _table(
        f"Profit by {what.lower()}", (what, "", "Net", "Before charges", "Charges"), rows, class_="bars"
    )


# --- runs ---


def _runs(report: Report) -> Html | None:
    if not report.runs:
        return None
    return _section("runs", "Runs", *(_run(run) for run in report.runs))


def _run(run: Run) -> Html:
    story = run.story
    facts = [story.account, story.underlying, story.run_key]
    if story.exit_at:
        facts.append(f"exit due {story.exit_at:%H:%M}")
    return tag(
        "details",
        tag(
            "summary",
            tag("span", run.strategy, class_="name"),
            tag("span", story.status, class_=f"status {story.status.lower()}"),
            _money(run.sum.net),
        ),
        tag("p", " · ".join(filter(None, facts)), class_="quiet"),
        *(_order(line) for line in run.lines),
        tag("p", "No order was planned.", class_="quiet") if not run.lines else None,
        open="open",
        class_="run",
    )


def _order(line: Line) -> Html:
    row = line.row
    filled = f"{row.filled_quantity} at {row.average_price:.2f}" if row.filled_quantity else "nothing filled"
    return tag(
        "article",
        tag(
            "h3",
            tag("span", "In" if line.is_entry else "Out", class_="way-in" if line.is_entry else "way-out"),
            f" {row.side} {row.quantity} {row.symbol} ",
            tag("span", str(row.status), class_=f"status {row.status.lower()}"),
        ),
        drawings.way(line),
        tag("p", f"{filled}{_quote(line)}"),
        tag("p", row.reason, class_="quiet") if row.reason else None,
        class_="order",
    )


def _quote(line: Line) -> str:
    if line.row.quote <= 0:
        return ""
    quoted = f"; the quote at the signal was {line.row.quote:.2f}"
    if line.slippage is None:
        return quoted
    word = "cost" if line.slippage.cost >= 0 else "gained"
    return f"{quoted}: slippage {word} {rupees(abs(line.slippage.cost))} ({abs(line.slippage.unit):.2f} a unit)"


# --- what did not happen, and what did not go straight ---


def _skipped(report: Report) -> Html | None:
    if not report.skipped:
        return None
    rows = [
        tag("tr", tag("th", one.strategy, scope="row"), tag("td", one.status), tag("td", one.reason))
        for one in report.skipped
    ]
    return _section(
        "skipped", "Skipped", _table("Runs that did not enter, and why", ("Strategy", "", "Why"), rows)
    )


def _troubles(report: Report) -> Html | None:
    if not report.troubles:
        return None
    rows = [
        tag(
            "tr",
            tag("td", f"{one.at:%H:%M:%S}", class_="number", data_label="At"),
            tag("td", one.account, class_="short", data_label="Account"),
            tag("td", one.what),
            tag("td", one.settled, data_label="Settled"),
            class_="bad" if one.bad else None,
        )
        for one in report.troubles
    ]
    table = _table(
        "What did not go straight, and how it was settled", ("At", "Account", "What", "How it ended"), rows
    )
    return _section("troubles", "What went wrong", table)


# --- accounts, charges, tomorrow ---


def _accounts(report: Report) -> Html | None:
    if not report.by_account:
        return None
    closings = {one.account: one for one in report.closings}
    margins = {one.account: one for one in report.margins}
    rows = []
    for one in report.by_account:
        closed, margin = closings.get(one.name), margins.get(one.name)
        used = f"{rupees(margin.blocked)} at {margin.at:%H:%M}" if margin else "not known"
        rows.append(
            tag(
                "tr",
                tag("th", one.name, scope="row"),
                tag("td", _money(one.sum.net), class_="number", data_label="Net"),
                tag("td", rupees(one.sum.gross), class_="number", data_label="Gross"),
                tag("td", _broker(closed), data_label="Broker's own"),
                tag("td", used, class_="number", data_label="Most margin"),
            )
        )
    table = _table(
        "Profit by account, beside the broker's own",
        ("Account", "Net", "Before charges", "Broker's own", "Most margin used"),
        rows,
    )
    return _section("accounts", "Accounts", table, *(_difference(one) for one in report.differs))


def _broker(closed: DayClosed | None) -> str:
    if closed is None:
        return "not in yet"
    agrees = all(one.agrees for one in closed.day.contracts)
    outside = Decimal(closed.day.outside)
    beside = f", of which {rupees(outside)} by others" if outside else ""
    return f"{rupees(Decimal(closed.day.broker))}{beside} {'✓' if agrees else '✗'}"


def _difference(closed: DayClosed) -> Html:
    rows = [
        tag(
            "tr",
            tag("th", one.symbol, scope="row"),
            tag("td", rupees(Decimal(one.ours)), class_="number", data_label="Ours"),
            tag("td", rupees(Decimal(one.outside)), class_="number", data_label="Others'"),
            tag("td", rupees(Decimal(one.broker)), class_="number", data_label="Broker's"),
            tag("td", rupees(Decimal(one.difference)), class_="number", data_label="Unexplained"),
        )
        for one in closed.day.contracts
        if not one.agrees
    ]
    names = ("Contract", "Ours", "Others'", "Broker's", "Unexplained")
    return _table(f"{closed.account}: what the two books disagree on", names, rows, class_="bad")


def _charges(charges: Charges) -> Html | None:
    if not charges.total:
        return None
    rows = [
        tag(
            "tr",
            tag("th", _CHARGES[line], scope="row"),
            tag("td", rupees(getattr(charges, line)), class_="number"),
        )
        for line in LINES
    ]
    rows.append(
        tag(
            "tr",
            tag("th", "Together", scope="row"),
            tag("td", rupees(charges.total), class_="number"),
            class_="sum",
        )
    )
    table = _table("Charges as on the contract note", ("Charge", "Amount"), rows, class_="narrow")
    return _section("charges", "Charges", table)


def _coming(report: Report) -> Html:
    coming = report.records.coming
    if not coming:
        return _section("next", "Next", tag("p", "Nothing is planned.", class_="quiet"))
    rows = [
        tag(
            "tr",
            tag("td", f"{one.at:%H:%M}", class_="number", data_label="At"),
            tag("td", "Enters" if one.what == "ENTRY" else "Exits"),
            tag("th", one.strategy.name or one.strategy.strategy_id, scope="row"),
            tag("td", one.strategy.underlying),
            tag("td", "" if one.sure else "if it is the expiry"),
        )
        for one in coming
    ]
    day = f"{coming[0].at:%A %d %B}"
    return _section("next", f"Next: {day}", _table(f"Planned for {day}", ("At", "", "Strategy", "", ""), rows))


def _foot(report: Report) -> Html:
    made = report.records.made_at
    words = (
        f"Made on {made:%d %B %Y at %H:%M} IST. Profit is by first in, first out. Charges are worked out as on "
        "the contract note, which is what counts. Slippage is against the middle of bid and ask at the signal."
    )
    return tag("footer", tag("p", words))


# --- parts ---


def _section(name: str, title: str, *children: Child, class_: str | None = None) -> Html:
    heading = tag("h2", title, id=f"{name}-title")
    return tag("section", heading, *children, id=name, class_=class_, aria_labelledby=f"{name}-title")


def _table(caption: str, names: Iterable[str], rows: Iterable[Html], class_: str | None = None) -> Html:
    head = tag("tr", *(tag("th", name, scope="col") if name else tag("td") for name in names))
    return tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *rows), class_=class_)


def _money(amount: Decimal, class_: str = "") -> Html:
    """Signed, and marked for the eye: ▲ and ▼ say what the colour does."""
    up = amount >= 0
    words = f"{'▲' if up else '▼'} {rupees(abs(amount))}"
    said = f"{'profit' if up else 'loss'} of {rupees(abs(amount))}"
    return tag(
        "span",
        tag("span", words, aria_hidden="true"),
        tag("span", said, class_="sr"),
        class_=f"money {'up' if up else 'down'} {class_}".strip(),
    )
