"""A user's day as data: what a report shows, worked out from what was read. Pure; times are IST."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from brokers.clock import IST
from brokers.model import Side
from tasks.domain import events as e
from tasks.domain.day_pnl import (
    Dealt,
    Leg,
    LegPnl,
    Mark,
    Point,
    Sum,
    by,
    curve,
    legs_of,
    total,
)
from tasks.domain.upcoming import Occasion
from tasks.reports.trades import dealt
from tasks.stores.journal import Recorded
from tasks.stores.ports import OrderRow, OrderState

ZERO = Decimal(0)


# --- what it is made from ---


@dataclass(frozen=True, slots=True)
class OrderStory:
    """An order's row, and everything that happened to it."""

    row: OrderRow
    events: tuple[Recorded, ...]


@dataclass(frozen=True, slots=True)
class RunStory:
    """One run in one account, or (account "") what became of it before any account was started."""

    run_key: str
    account: str
    basket_id: str
    strategy_id: str
    underlying: str
    status: str
    reason: str
    exit_at: datetime | None


@dataclass(frozen=True, slots=True)
class Records:
    """All that was read of one user and one day. `names` are those of strategies and baskets, by id."""

    user_id: str
    name: str
    day: date
    made_at: datetime
    orders: tuple[OrderStory, ...]
    runs: tuple[RunStory, ...]
    names: Mapping[str, str]
    marks: tuple[e.AccountMarked, ...]
    closings: tuple[e.DayClosed, ...]
    last: Mapping[str, Decimal]
    coming: tuple[Occasion, ...] = ()


# --- what it shows ---


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the day's profit under a name."""

    name: str
    sum: Sum


@dataclass(frozen=True, slots=True)
class Slippage:
    """A fill beside the middle of bid and ask when the order was decided. Positive is a cost, in rupees."""

    unit: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One order: `signal` when it was decided, then sent, accepted by the broker, and filled."""

    row: OrderRow
    signal: datetime
    sent: datetime | None
    accepted: datetime | None
    filled: datetime | None
    slippage: Slippage | None

    @property
    def is_entry(self) -> bool:
        return self.row.purpose == "N"

    @property
    def last_step(self) -> datetime:
        return self.filled or self.accepted or self.sent or self.signal


@dataclass(frozen=True, slots=True)
class Run:
    """One run in one account."""

    story: RunStory
    strategy: str
    sum: Sum
    legs: tuple[LegPnl, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    strategy: str
    account: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that did not go straight, what came of it, and whether a person should look."""

    at: datetime
    account: str
    what: str
    settled: str
    bad: bool


@dataclass(frozen=True, slots=True)
class Margin:
    """The most that an account's positions blocked, and when."""

    account: str
    blocked: Decimal
    available: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    records: Records
    total: Sum
    legs: tuple[LegPnl, ...]
    unpriced: tuple[str, ...]
    points: tuple[Point, ...]
    by_strategy: tuple[Slice, ...]
    by_basket: tuple[Slice, ...]
    by_account: tuple[Slice, ...]
    runs: tuple[Run, ...]
    skipped: tuple[Skipped, ...]
    troubles: tuple[Trouble, ...]
    margins: tuple[Margin, ...]
    slippage: Decimal
    closings: tuple[e.DayClosed, ...]

    @property
    def anything(self) -> bool:
        """Whether something happened at all on that day."""
        return bool(self.records.orders or self.records.runs)

    @property
    def differs(self) -> tuple[e.DayClosed, ...]:
        """Accounts whose broker says something else."""
        return tuple(c for c in self.closings if not all(one.agrees for one in c.day.contracts))


def report_of(records: Records) -> Report:
    """The report of these records.

    What is still open is valued at the last price that is known; a leg without one is left out, and named.
    """
    traded = dealt(story.row for story in records.orders)
    priced, unpriced = _priced(traded, records.last)
    legs = legs_of(priced, records.day, last=records.last)
    lines = [_line(story) for story in records.orders]
    whole = total(legs)
    return Report(
        records=records,
        total=whole,
        legs=legs,
        unpriced=unpriced,
        points=curve(priced, _marks(records.marks)),
        by_strategy=_slices(records, legs, lambda leg: leg.strategy_id),
        by_basket=_slices(records, legs, lambda leg: leg.basket_id),
        by_account=_slices(records, legs, lambda leg: leg.account),
        runs=_runs(records, legs, lines),
        skipped=tuple(
            Skipped(_name(records, run.strategy_id), run.account, run.status, run.reason)
            for run in records.runs
            if run.status in ("SKIPPED", "MISSED", "FAILED")
        ),
        troubles=tuple(sorted((t for o in records.orders for t in _troubles(o)), key=lambda t: t.at)),
        margins=_margins(records.marks),
        slippage=sum((line.slippage.cost for line in lines if line.slippage), ZERO),
        closings=records.closings,
    )


def _priced(traded: Sequence[Dealt], last: Mapping[str, Decimal]) -> tuple[list[Dealt], tuple[str, ...]]:
    held: dict[Leg, int] = {}
    for each in traded:
        held[each.leg] = held.get(each.leg, 0) + each.trade.signed
    missing = {leg for leg, units in held.items() if units and f"{leg.exchange}:{leg.symbol}" not in last}
    return [each for each in traded if each.leg not in missing], tuple(sorted(leg.symbol for leg in missing))


def _marks(marks: Iterable[e.AccountMarked]) -> list[Mark]:
    return [
        Mark(moment(mark.at), symbol, Decimal(price)) for mark in marks for symbol, price in mark.prices.items()
    ]


def _slices(records: Records, legs: Iterable[LegPnl], what: Callable[[Leg], str]) -> tuple[Slice, ...]:
    """Best first."""
    found = (Slice(_name(records, key), sum_) for key, sum_ in by(legs, what).items())
    return tuple(sorted(found, key=lambda one: one.sum.net, reverse=True))


def _name(records: Records, key: str) -> str:
    return records.names.get(key) or key


def _runs(records: Records, legs: Sequence[LegPnl], lines: Sequence[Line]) -> tuple[Run, ...]:
    found = []
    for story in records.runs:
        mine = (story.run_key, story.account)
        own = tuple(leg for leg in legs if (leg.leg.run_key, leg.leg.account) == mine)
        orders = [line for line in lines if (line.row.run_key, line.row.account) == mine]
        if story.account:
            orders.sort(key=lambda line: (line.signal, line.row.leg, line.row.slice))
            found.append(Run(story, _name(records, story.strategy_id), total(own), own, tuple(orders)))
    return tuple(sorted(found, key=lambda run: (run.lines[0].signal.isoformat() if run.lines else "~",
                                                run.story.run_key, run.story.account)))  # fmt: skip


# --- one order ---


def _line(story: OrderStory) -> Line:
    row = story.row
    told = [(each, _order(each)) for each in story.events]
    placed = next((_at(r, o) for r, o in told if r.type == "OrderPlaced"), None)
    filled = next(
        (_at(r, o) for r, o in reversed(told) if r.type in ("OrderFilled", "OrderPartlyFilled")), None
    )
    return Line(
        row=row,
        signal=row.claimed_at.astimezone(IST),
        sent=row.sent_at.astimezone(IST) if row.sent_at else None,
        accepted=placed,
        filled=filled or _filled_at(row),
        slippage=slippage(row),
    )


def _filled_at(row: OrderRow) -> datetime | None:
    """Where the events are not there (yet)."""
    moment_ = row.updated_at if row.filled_quantity else None
    return moment_.astimezone(IST) if moment_ else None


def slippage(row: OrderRow) -> Slippage | None:
    """None where nothing filled, or nobody knew the quote when it was decided."""
    if not row.filled_quantity or row.quote <= 0:
        return None
    worse = row.average_price - row.quote if row.side is Side.BUY else row.quote - row.average_price
    return Slippage(worse, (worse * row.filled_quantity).quantize(Decimal("0.01")))


def _order(recorded: Recorded) -> e.OrderFacts:
    event = e.parse_event(recorded.type, recorded.version, recorded.data)
    assert isinstance(event, e.OfOrder)  # noqa: S101  (an order's aggregate holds nothing else)
    return event.order


def _at(recorded: Recorded, order: e.OrderFacts) -> datetime:
    """When it happened: as the row says, or when it was recorded."""
    return moment(order.updated_at) if order.updated_at else recorded.at.astimezone(IST)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(IST)


# --- what did not go straight ---

_ENDED = {
    OrderState.FILLED: "found at the broker, and filled",
    OrderState.CANCELLED: "found at the broker, and cancelled",
    OrderState.REJECTED: "found at the broker, which had rejected it",
    OrderState.ABSENT: "settled as absent: the broker never had it",
    OrderState.MISSED: "settled as never sent",
    OrderState.OPEN: "found at the broker, still open",
}


def _troubles(story: OrderStory) -> Iterable[Trouble]:
    row = story.row
    what = f"{row.side} {row.quantity} {row.symbol}"
    for recorded in story.events:
        order = _order(recorded)
        at = _at(recorded, order)
        if recorded.type == "OrderUnknown":
            settled = _ENDED.get(row.status, "still unknown: look at the broker")
            bad = row.status not in _ENDED
            yield Trouble(at, row.account, f"{what}: the reply to the order was lost", settled, bad)
        elif recorded.type == "OrderHeldBack":
            why = order.reason or "the broker could not be reached"
            settled = f"sent again, and ended {row.status}" if row.sent_at else f"ended {row.status}"
            yield Trouble(at, row.account, f"{what} was held back: {why}", settled, bad=False)
        elif recorded.type == "OrderRejected":
            yield Trouble(at, row.account, f"{what} was rejected", order.reason or "no reason given", bad=True)
        elif recorded.type == "OrderMissed":
            yield Trouble(
                at, row.account, f"{what} was not sent", order.reason or "its window was over", bad=False
            )
        elif recorded.type == "OrderCancelled":
            settled = f"{row.filled_quantity} of {row.quantity} had filled"
            yield Trouble(at, row.account, f"{what} was cancelled", settled, bad=False)
    if row.modifications:
        times = "once" if row.modifications == 1 else f"{row.modifications} times"
        settled = (
            f"ended {row.status} at {row.average_price:.2f}" if row.filled_quantity else f"ended {row.status}"
        )
        at = (row.updated_at or row.claimed_at).astimezone(IST)
        yield Trouble(
            at, row.account, f"{what} did not fill at once: its price was moved {times}", settled, bad=False
        )


def _margins(marks: Iterable[e.AccountMarked]) -> tuple[Margin, ...]:
    most: dict[str, Margin] = {}
    for mark in marks:
        found = Margin(mark.account, Decimal(mark.blocked), Decimal(mark.available), moment(mark.at))
        if mark.account not in most or found.blocked > most[mark.account].blocked:
            most[mark.account] = found
    return tuple(most[account] for account in sorted(most))
