"""The report as data and as HTML: its figures are the ledger's, its text is escaped, it is one user's own."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from brokers.model import Side
from tasks.domain import items
from tasks.domain.charges import Executed, contract_note
from tasks.reports.day import Report, report_of
from tasks.reports.html import join, raw, tag
from tasks.reports.page import page
from tasks.reports.records import read
from tests.reports.played import ASHA, CALL, DAY, HOSTILE, Played, at, full_day


@pytest.fixture(scope="module")
def day() -> Played:
    return full_day()


@pytest.fixture(scope="module")
def report(day: Played) -> Report:
    return report_of(read(day.stores, ASHA, DAY, at("15:45")))


def test_the_profit_is_what_the_orders_say_and_the_charges_are_the_notes(day: Played, report: Report) -> None:
    cash = {"ZA1234": Decimal(0), "ZB5678": Decimal(0)}
    notes: dict[str, list[Executed]] = {account: [] for account in cash}
    for row in day.stores.orders._rows.values():
        if row.filled_quantity:
            value = row.filled_quantity * row.average_price
            cash[row.account] += value if row.side is Side.SELL else -value
            notes[row.account].append(Executed(row.order_id, "zerodha", row.exchange, row.side, value))
    assert report.total.gross == sum(cash.values()) == Decimal("6702.00")
    charged = sum(contract_note(note, DAY).total.total for note in notes.values())
    assert report.total.charges.total == charged
    assert {one.name: one.sum.gross for one in report.by_account} == cash
    for slices in (report.by_strategy, report.by_account, report.by_basket):
        assert sum((one.sum.net for one in slices), Decimal(0)) == report.total.net
    assert sum((run.sum.net for run in report.runs), Decimal(0)) == report.total.net
    assert report.points[-1].gross == report.total.gross


def test_strategies_have_their_names_and_the_best_comes_first(report: Report) -> None:
    assert [one.name for one in report.by_strategy] == ["Straddle", "Strangle by premium"]
    assert [one.name for one in report.by_basket] == ["Weekly income"]


def test_each_order_has_its_way_and_its_slippage(report: Report) -> None:
    straddle = report.runs[0]
    call = straddle.lines[0]
    steps = [call.signal, call.sent, call.accepted, call.filled]
    known = [step for step in steps if step]
    spans = [after - before for before, after in itertools.pairwise(known)]
    assert [round(span.total_seconds(), 2) for span in spans] == [0.08, 0.11, 1.01]
    assert call.slippage is not None
    assert (call.slippage.unit, call.slippage.cost) == (Decimal("0.15"), Decimal("9.00")), "sold 60 below 250"
    bought = next(line for line in straddle.lines if line.row.side is Side.BUY)
    assert bought.slippage is not None
    assert bought.slippage.cost == 60 * (Decimal("182.95") - Decimal("181.20"))
    assert report.slippage == sum(
        line.slippage.cost for run in report.runs for line in run.lines if line.slippage
    )


def test_what_was_skipped_and_what_went_wrong_is_told_with_its_end(report: Report) -> None:
    (skipped,) = report.skipped
    assert (skipped.strategy, skipped.reason) == ("Monday only", "trades on WED, and today is MON")
    told = {trouble.what: (trouble.settled, trouble.bad) for trouble in report.troubles}
    assert told["SELL 60 BANKNIFTY26NOV56300PE: the reply to the order was lost"] == (
        "found at the broker, and filled",
        False,
    )
    rejected = told["SELL 90 BANKNIFTY26NOV55400PE was rejected"]
    assert rejected == ("RMS: margin exceeds, cash required 1,42,310.50", True)
    assert told["BUY 60 BANKNIFTY26NOV56300CE did not fill at once: its price was moved once"][0] == (
        "ended FILLED at 182.95"
    )


def test_the_margin_is_the_most_that_was_blocked(day: Played, report: Report) -> None:
    assert {one.account: one.blocked for one in report.margins} == {
        "ZA1234": 286_400 + 6 * 310,
        "ZB5678": 143_200 + 6 * 310,
    }


def test_the_next_session_is_planned_with_the_holiday_left_out(report: Report) -> None:
    """Tuesday 24 November is a holiday."""
    assert {one.at.date().isoformat() for one in report.records.coming} == {"2026-11-25"}
    assert [one.what for one in report.records.coming].count("ENTRY") == 3


def test_a_day_of_nothing_is_a_page_too(day: Played) -> None:
    found = report_of(read(day.stores, "nobody", DAY, at("15:45")))
    assert not found.anything
    assert "Nothing was traded." in page(found)


def test_nobody_sees_what_is_anothers(day: Played) -> None:
    """The reads are by the user's id; even a row that a view named by mistake is left out."""
    other = read(day.stores, "mallory", DAY, at("15:45"))
    assert (other.orders, other.runs, other.marks, other.closings) == ((), (), (), ())
    from tasks.stores.journal import ViewRow

    stolen = next(iter(day.stores.orders._rows))
    day.stores.views.put(ViewRow("mallory", items.order(DAY, stolen), 1, {"order_id": stolen}))
    assert read(day.stores, "mallory", DAY, at("15:45")).orders == ()


def test_what_is_open_without_a_price_is_left_out_and_named() -> None:
    day = Played()
    day.run("straddle", "ZA1234")
    day.trade("straddle", "ZA1234", 1, CALL, "SELL", 30, "250", "09:30:00", price="250")
    unknown = report_of(read(day.stores, ASHA, DAY, at("12:00")))
    assert unknown.total.gross == 0
    assert unknown.unpriced == (CALL,)
    assert "its last price is unknown" in page(unknown)
    day.mark("12:00", "ZA1234", 100_000, **{CALL: "240.50"})
    known = report_of(read(day.stores, ASHA, DAY, at("12:01")))
    assert (known.total.gross, known.unpriced) == (Decimal("285.00"), ())
    assert f"-30 {CALL} is still open" in page(known)


def test_the_brokers_own_figure_is_beside_ours() -> None:
    day = full_day()
    for account in ("ZA1234", "ZB5678"):
        day.close_books(account)
    closed = report_of(read(day.stores, ASHA, DAY, at("15:45")))
    assert (len(closed.closings), closed.differs) == (2, ())
    assert "The broker&#x27;s own profit is the same" in page(closed)
    known = day.stores.catalog.get(ASHA, items.day(DAY, "ZA1234"))
    wrong = [{**one, "agrees": False, "difference": "-55.00"} for one in known["day"]["contracts"]]
    day.catalog(items.day(DAY, "ZA1234"), {**known, "day": {**known["day"], "contracts": wrong}})
    told = [recorded.type for recorded in day.stores.events.read(f"catalog:{ASHA}:{items.day(DAY, 'ZA1234')}")]
    assert told == ["DayClosed", "DayClosed", "PnLDiffers"]
    differing = report_of(read(day.stores, ASHA, DAY, at("15:46")))
    assert [one.account for one in differing.differs] == ["ZA1234"]
    assert "-₹55.00" in page(differing)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def tags_of(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(html)
    return parser.seen


def called(report: Report, text: str) -> str:
    """The page where everything that people write is `text`."""
    records = report.records
    runs = tuple(replace(run, reason=text, underlying=text) for run in records.runs)
    orders = tuple(replace(o, row=o.row.model_copy(update={"reason": text})) for o in records.orders)
    names = dict.fromkeys(records.names, text)
    return page(report_of(replace(records, name=text, names=names, runs=runs, orders=orders)))


def test_whatever_people_call_things_it_stays_text(report: Report) -> None:
    html, harmless = called(report, HOSTILE), called(report, "Straddle")
    assert html.count("&lt;script&gt;alert(") > 20
    assert [name for name, _ in tags_of(html)] == [name for name, _ in tags_of(harmless)]
    assert not {name for name, _ in tags_of(html)} & {"script", "img", "iframe", "object", "link", "form", "a"}


def test_the_file_needs_nothing_from_elsewhere(report: Report) -> None:
    html = page(report)
    for _, attributes in tags_of(html):
        assert not {"src", "href", "srcset", "data", "action"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?://", html)
    policies = [a["content"] for _, a in tags_of(html) if a.get("http-equiv") == "Content-Security-Policy"]
    assert [str(policy).split(";")[0] for policy in policies] == ["default-src 'none'"]


def test_text_is_escaped_unless_it_was_built_here() -> None:
    assert tag("p", "<b>", raw("<i>"), title='"') == '<p title="&quot;">&lt;b&gt;<i></p>'
    assert join("a & b", None, tag("br")) == "a &amp; b<br>"
