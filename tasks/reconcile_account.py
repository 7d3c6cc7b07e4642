"""ReconcileAccount: one account's orders and positions beside its broker's book, and who is to be closed now.

What the book knows better is adopted; what may not live is cancelled; what others did is told; what does not
agree calls a person. An outage or an expired token stops the looking, and never the closing: which exits are
due is a question to our own tables and the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aws_lambda_powertools import Logger
from pydantic import BaseModel

from brokers.errors import BrokerError
from brokers.model import BrokerOrder
from brokers.protocol import Broker
from tasks.contracts import AccountTask, Slot
from tasks.domain.calendar import Session, TradingCalendar
from tasks.domain.cut_offs import cut_off
from tasks.domain.errors import CalendarExhausted
from tasks.domain.ids import exit_again, exit_name
from tasks.find_due_exits import GRACE
from tasks.find_open_accounts import exit_task
from tasks.lambda_task import task
from tasks.orderpath import nets
from tasks.orderpath import reconciling as look
from tasks.orderpath.book import Book
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.runtime import Runtime
from tasks.spec import Function, Table
from tasks.stores.ports import AccountRun, OrderState, Phase

FUNCTION = Function(
    name="ReconcileAccount",
    module="tasks.reconcile_account",
    timeout=45,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.ORDERS, Table.RUNS, Table.CALLBACKS, Table.CATALOG, Table.POSITIONS),
    writes=(Table.ORDERS, Table.RUNS, Table.CALLBACKS, Table.POSITIONS),
    broker=True,
    completes_callbacks=True,
)

LEAD = timedelta(minutes=3)
"""An intraday position is closed so long before its broker would: time for chasing and a second round."""

TOO_LATE = timedelta(minutes=1)
"""What is open so shortly before the broker's own square-off needs a person."""

logger = Logger(service="algo", child=True)


class Input(BaseModel):
    account: str
    user_id: str
    run_keys: list[str]


class ExitStart(Slot):
    """An exit that is to be started, under the name that everybody else would start it with."""

    name: str
    account: AccountTask


class Output(Slot):
    """`seen` is false where the book could not be read. Numbers are of orders and contracts."""

    seen: bool
    adopted: int
    cancelled: int
    outside: int
    disagree: int
    exits: list[ExitStart]
    reason: str


class Found(BaseModel):
    """What one look at the book came to, in words."""

    adopted: list[str] = []
    cancelled: list[str] = []
    outside: list[str] = []
    disagree: list[str] = []
    reopened: list[AccountRun] = []
    blind: str = ""

    @property
    def words(self) -> str:
        said = (*self.adopted, *self.cancelled, *self.outside, *self.disagree)
        return "; ".join(filter(None, (self.blind, *said))) or "book and rows agree"


def run(request: Input, rt: Runtime) -> Output:
    plans = [p for key in request.run_keys if (p := rt.stores.runs.account(key, request.account))]
    found = Found()
    try:
        _compare(rt, request, plans, found)
    except BrokerError as error:
        found.blind = f"the broker can't be seen: {error}"
        if any(plan.phase is not Phase.FLAT for plan in plans):
            rt.alarms.count("BrokerBlind", account=request.account)
    exits = [_start(plan, rt) for plan in (*_due(rt, plans), *found.reopened)]
    _log(request, found)
    return Output(
        seen=not found.blind,
        adopted=len(found.adopted),
        cancelled=len(found.cancelled),
        outside=len(found.outside),
        disagree=len(found.disagree),
        exits=exits,
        reason=found.words[:1000],
    )


def _log(request: Input, found: Found) -> None:
    if found.adopted or found.cancelled or found.outside or found.disagree:
        logger.warning("reconciled", extra={"account": request.account, "found": found.words})


def _compare(rt: Runtime, request: Input, plans: list[AccountRun], found: Found) -> None:
    """Rows first, then the book: see `orderpath.reconciling`."""
    rows = look.Rows.read(rt, plans)
    broker = rt.brokers.reader(request.account)
    orders = broker.orders()
    book = Book.of(orders)
    rows.complete(rt, book)
    found.adopted += look.adopt(rt, rows, book) + look.give_up_unsent(rt, rows)
    _tell_of_strangers(rt, request.account, rows, found)
    _cancel(rt, rows, book, found)
    for plan in plans:
        look.record_positions(rt, plan)
    found.reopened += [plan for plan in plans if _holds_after_flat(rt, plan, orders)]
    for one in nets.compare(rt, broker, plans, rows, orders):
        _tell_of_nets(rt, broker, rows, one, found)


def _tell_of_strangers(rt: Runtime, account: str, rows: look.Rows, found: Found) -> None:
    """An order with a tag like ours and no row: from another installation, or our table lost something."""
    for order in rows.without_intent:
        rt.alarms.count("OrderWithoutIntent", account=account)
        found.disagree.append(f"{order.tag} is at the broker as {order.broker_order_id}, and has no row")


def _tell_of_nets(rt: Runtime, broker: Broker, rows: look.Rows, one: nets.Compared, found: Found) -> None:
    account = broker.account
    if one.news:
        rt.alarms.count("ExternalActivity", account=account)
        bought, sold, symbol = one.book.bought, one.book.sold, one.contract.symbol
        found.outside.append(f"others bought {bought} and sold {sold} {symbol}")
    if not one.agree and nets.stays_so(rt, broker, rows, one):
        rt.alarms.count("LedgersDisagree", account=account)
        found.disagree.append(str(one))


def _cancel(rt: Runtime, rows: look.Rows, book: Book, found: Found) -> None:
    for row, seen, why in look.may_not_live(rows, book, rt.clock.now()):
        rt.alarms.count("OrderReappeared" if row.status.terminal else "OrderGivenUp", account=row.account)
        found.cancelled.append(f"{row.order_id}: {why}: {look.cancel(rt, row, seen)}")


def _holds_after_flat(rt: Runtime, plan: AccountRun, orders: Sequence[BrokerOrder]) -> bool:
    """An order that was settled as never sent has filled after all, when its account was flat already.

    Only such a ghost reopens an account: what a person trades in the same contract is his own.
    """
    if plan.phase is not Phase.FLAT:
        return False
    legs, entries = look.held(rt, plan, orders)
    ghosts = {
        number
        for number, rows in entries.items()
        if any(row.filled_quantity and row.status in (OrderState.ABSENT, OrderState.MISSED) for row in rows)
    }
    if not any(one.held for one in legs if one.leg in ghosts):
        return False
    rt.alarms.count("OrderReappeared", account=plan.account)
    return rt.stores.runs.set_phase(plan.run_key, plan.account, Phase.EXITING)


# --- exits ---


def _due(rt: Runtime, plans: list[AccountRun]) -> list[AccountRun]:
    """What should be closing by now: its EXIT event is late or lost, or its broker's own cut-off is near."""
    now = rt.clock.now()
    due = []
    for plan in plans:
        if plan.phase is Phase.FLAT:  # one that was called off before its entry has no legs either
            continue
        session = _session(now, plan)
        if session is not None and now >= session.closes:
            continue
        ends = cut_off(plan.broker, plan.product, session) if session else None
        if not (now >= plan.exit_at + GRACE or (ends is not None and now >= ends - LEAD)):
            continue
        if plan.phase is not Phase.EXITING:
            rt.alarms.count("ExitOverdue", account=plan.account)
        if ends is not None and now >= ends - TOO_LATE:
            rt.alarms.count("OpenAtCutOff", account=plan.account)
        due.append(plan)
    return due


def _session(now: datetime, plan: AccountRun) -> Session | None:
    try:
        return TradingCalendar.load().session(now.date(), plan.legs[0].exchange)
    except CalendarExhausted:
        return None


def _start(plan: AccountRun, rt: Runtime) -> ExitStart:
    """The schedule's own name, so that whoever comes first has done it; after FLAT, a name of its own."""
    name = exit_name(plan.run_key, plan.account)
    if plan.phase is Phase.FLAT:
        name = exit_again(plan.run_key, plan.account, rt.clock.now())
    return ExitStart(name=name, account=exit_task(plan))


handler = task(run, Input)
