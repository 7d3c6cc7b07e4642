"""The ports to the tables, and the rows that cross them.

Two implementations: `tasks.stores.dynamodb` and `tasks.stores.memory`; one conformance suite holds both to
the same behaviour. Reads are strongly consistent. A refused condition is an answer (`False`, or the row that
won), not an exception; throttling and outages raise `StoreUnavailable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from brokers.model import Exchange, Product, Side
from tasks.contracts import PlannedOrder
from tasks.domain.ids import Purpose
from tasks.domain.pace import Pace


class StoreUnavailable(Exception):
    """The table did not answer or throttled: nothing can be concluded, and the call may be made again."""


class OrderState(StrEnum):
    """Where an order of ours stands. It only moves forward, along `rank`."""

    CLAIMED = "CLAIMED"  # the intent is written, nothing was sent
    SENDING = "SENDING"  # it is leaving, or left and its sender died: look before you send again
    UNKNOWN = "UNKNOWN"  # it left and the reply was lost
    OPEN = "OPEN"  # the broker has it
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"  # may hold fills
    REJECTED = "REJECTED"
    MISSED = "MISSED"  # never sent: its window is over, or its exit has begun
    ABSENT = "ABSENT"  # sent perhaps, and settled: the broker never had it

    @property
    def terminal(self) -> bool:
        return self in _TERMINAL

    @property
    def rank(self) -> int:
        return 4 if self.terminal else _RANK[self]


_TERMINAL = frozenset(
    {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.MISSED, OrderState.ABSENT}
)
_RANK = {OrderState.CLAIMED: 0, OrderState.SENDING: 1, OrderState.UNKNOWN: 2, OrderState.OPEN: 3}


class Phase(StrEnum):
    """Where one account stands in one run."""

    ENTERING = "ENTERING"
    OPEN = "OPEN"
    EXITING = "EXITING"
    FLAT = "FLAT"


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class OrderRow(Row):
    """One order. ClaimOrder writes it from a state machine; see `workflows` for the attribute list."""

    order_id: str
    position_id: str
    run_key: str
    account: str
    broker: str
    user_id: str
    basket_id: str
    strategy_id: str
    trading_date: date
    purpose: Purpose
    leg: int
    slice: int
    attempt: int
    exchange: Exchange
    symbol: str
    exchange_token: str
    side: Side
    quantity: int
    product: Product
    limit_price: Decimal
    quote: Decimal = Decimal(0)
    tick: Decimal
    entry_until: datetime
    status: OrderState = OrderState.CLAIMED
    broker_order_id: str = ""
    filled_quantity: int = 0
    average_price: Decimal = Decimal(0)
    modifications: int = 0
    reason: str = ""
    claimed_at: datetime
    sent_at: datetime | None = None
    updated_at: datetime | None = None


class PositionRow(Row):
    """One leg of one run in one account. RecordPosition writes it from a state machine, forward only."""

    position_id: str
    run_key: str
    account: str
    user_id: str
    basket_id: str
    strategy_id: str
    trading_date: date
    exchange: Exchange
    symbol: str
    exchange_token: str
    side: Side
    entry_qty: int = 0
    entry_price: Decimal = Decimal(0)
    exit_qty: int = 0
    exit_price: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)


class PlannedLeg(Row):
    """One leg of one account's plan, frozen when the entry was planned. `slices` are units, not lots."""

    leg: int
    position_id: str
    exchange: Exchange
    symbol: str
    exchange_token: str
    side: Side
    lot_size: int
    tick: Decimal
    freeze: int
    slices: tuple[int, ...]
    limit_price: Decimal
    right: str = ""
    quote: Decimal = Decimal(0)


class AccountRun(Row):
    """The `ACCT#{account}` item of a run: what this account set out to do, and how far it came.

    `closing` are the legs that are closed (or are being closed) while the rest stays open: nothing of them can
    be entered any more, whatever the phase says. `chase` is how its orders follow the market, as JSON text
    (`tasks.domain.chase`), empty for the usual.
    """

    run_key: str
    account: str
    broker: str
    user_id: str
    basket_id: str
    strategy_id: str
    trading_date: date
    underlying: str
    product: Product
    on_leg_reject: str
    phase: Phase
    entry_until: datetime
    exit_at: datetime
    legs: tuple[PlannedLeg, ...]
    execution: str = ""
    exit_execution: str = ""
    closing: tuple[int, ...] = ()
    chase: str = ""


class RunEnd(Row):
    """How an execution of a run ended badly, the `FAIL#{side}#{account}` item of the run, or that it goes on.

    Without an account it is the run as a whole. `attempt` rises with time: only a higher one is written.
    """

    run_key: str
    side: str
    account: str
    user_id: str
    basket_id: str
    strategy_id: str
    underlying: str
    trading_date: date
    execution: str
    attempt: int
    status: str
    """FAILED, TIMED_OUT, ABORTED; or RESUMED, by a redrive."""
    reason: str
    at: datetime


class ExitRound(Row):
    """One round of closing orders of one leg, the `ROUND#{account}#L{leg}#{nn}` item of a run.

    Frozen by the first exit that needs it, so that two exits at the same moment send the same orders. The leg's
    next round is planned only when every order of this one is terminal. An order's attempt is its round.
    `closed_outside` are the leg's units that others had closed when it was planned.
    """

    run_key: str
    account: str
    leg: int
    round: int
    planned_at: datetime
    orders: tuple[PlannedOrder, ...]
    closed_outside: int = 0


class Outside(Row):
    """What others traded in one contract of an account in one day: a person at a terminal, or the broker.

    Units. `bought` and `sold` are without our orders, `ours` is the net of our own, `net` the broker's.
    """

    account: str
    user_id: str
    trading_date: date
    exchange: Exchange
    symbol: str
    product: Product
    bought: int
    sold: int
    ours: int
    net: int
    seen_at: datetime

    @property
    def traded(self) -> int:
        """Only grows in a day: so one look at the book is older or newer than another."""
        return self.bought + self.sold


class OrderStore(Protocol):
    def get(self, order_id: str) -> OrderRow | None: ...

    def get_many(self, order_ids: Iterable[str]) -> dict[str, OrderRow]: ...

    def claim(self, order: OrderRow) -> bool:
        """Write the intent. False if the id is taken. (The state machine does the same by putItem.)"""

    def begin_send(self, order: OrderRow, *, phase: Phase, at: datetime) -> bool:
        """CLAIMED → SENDING, in one transaction with the condition that the account is in `phase`.

        Where the order's leg is being closed on its own, an entry may not leave, and a closing order may unless
        the account is FLAT. No entry leaves while the account is held (`tasks.stores.halts`), which the same
        transaction asks for. False if the order is no longer CLAIMED or one of these says no: then nothing may
        be sent.
        """

    def back_to_claimed(self, order_id: str, *, reason: str, at: datetime) -> bool:
        """SENDING → CLAIMED, only for an order that surely did not leave."""

    def advance(
        self,
        order_id: str,
        status: OrderState,
        *,
        at: datetime,
        broker_order_id: str = "",
        filled_quantity: int = 0,
        average_price: Decimal = Decimal(0),
        reason: str = "",
    ) -> bool:
        """Move forward: a higher rank, or more filled. False if that would not be forward.

        An empty `broker_order_id` or `reason` leaves what is there. A terminal order takes a higher
        `filled_quantity` and nothing else (a late fill after a cancel is still a fill). The rule is
        `tasks.stores.forward`.
        """

    def repriced(self, order_id: str, *, limit_price: Decimal, at: datetime) -> None:
        """Remember a modification: the new price, and one more in `modifications`."""

    def by_run_account(self, run_key: str, account: str) -> Sequence[OrderRow]:
        """For people and reports (through an index, eventually consistent); never for a decision."""

    def by_broker_order_id(self, account: str, broker_order_id: str) -> OrderRow | None: ...


class PositionStore(Protocol):
    def get(self, position_id: str) -> PositionRow | None: ...

    def record(self, row: PositionRow, *, purpose: Purpose) -> bool:
        """Set the entry (or exit) quantity, price and `realised`, only forward. False if not forward."""

    def by_user_date(self, user_id: str, trading_date: date) -> Sequence[PositionRow]: ...


class RunStore(Protocol):
    def claim(self, run_key: str, side: str, *, execution: str, at: datetime) -> bool:
        """True if nobody had claimed this side of the run, or this same execution had."""

    def plan_account(self, plan: AccountRun) -> AccountRun:
        """Write the plan unless there is one, and return the one that stands."""

    def account(self, run_key: str, account: str) -> AccountRun | None: ...

    def accounts(self, run_key: str) -> Sequence[AccountRun]: ...

    def set_phase(
        self,
        run_key: str,
        account: str,
        phase: Phase,
        *,
        unless: Iterable[Phase] = (),
        exit_execution: str = "",
    ) -> bool:
        """Move the account's phase. False if it is in one of `unless`, or there is no plan.

        `exit_execution` is remembered where it is not empty: the ARN of the execution that closes.
        """

    def close_legs(self, run_key: str, account: str, legs: Iterable[int]) -> AccountRun | None:
        """Add to the legs that are being closed. The plan as it now stands; None if it is FLAT or not there."""

    def plan_exit_round(self, plan: ExitRound) -> ExitRound:
        """Write the round unless the leg has one of that number, and return the one that stands."""

    def exit_rounds(self, run_key: str, account: str) -> Sequence[ExitRound]:
        """All rounds planned so far, leg by leg, oldest first."""

    def postpone_exit(self, run_key: str, account: str, *, exit_at: datetime) -> None: ...

    def note_end(self, end: RunEnd) -> bool:
        """Write it unless a newer one stands; False then."""

    def ends(self, run_key: str) -> Sequence[RunEnd]:
        """What is noted of a run: the newest of each side and account."""

    def due_exits(self, trading_date: date, *, before: datetime) -> Sequence[AccountRun]:
        """Accounts not FLAT whose exit was due, from the sparse index, for the sweep."""

    def accounts_of_day(self, trading_date: date) -> Sequence[AccountRun]:
        """Every account's part in every run of that day, flat or not, for the reconciler."""

    def note_outside(self, seen: Outside) -> bool:
        """Remember what others traded. False unless it is more than was known of that contract and day."""


class PaceStore(Protocol):
    """How fast each broker account sends, one item an account."""

    def get(self, account: str) -> Pace: ...

    def replace(self, account: str, pace: Pace, *, standing: Pace) -> bool:
        """Write `pace` if the account's is still `standing`. False if somebody else was faster."""


class CallbackStore(Protocol):
    def put(self, order_id: str, token: str, *, at: datetime) -> None: ...

    def get(self, order_id: str) -> str | None: ...

    def delete(self, order_id: str, token: str) -> None:
        """Forget this token (and only this one: a newer one stays)."""


ANY = -1
"""Of `Change.expected`: whatever is there."""


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a catalog transaction. `document` replaces the item, None deletes it.

    `expected` is the version (the document's `version`) that must still stand: 0 for no item, `ANY` for no
    condition. With `only_check` nothing is written. The item may be dropped by the table after `expires_at`.
    """

    owner: str
    item: str
    document: dict[str, Any] | None
    expected: int
    only_check: bool = False
    expires_at: datetime | None = None


class CatalogStore(Protocol):
    def put(self, owner: str, item: str, document: dict[str, Any]) -> None: ...

    def get(self, owner: str, item: str) -> dict[str, Any] | None: ...

    def list(self, owner: str, prefix: str) -> Sequence[dict[str, Any]]: ...

    def get_many(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        """By (owner, item); what is not there is left out."""

    def everything(self, prefix: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Owner, item and document of all items of that prefix, whoever's: a scan, for what compares all."""

    def commit(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        """All or nothing; the changes whose expectation was refused, so nothing if all is written.

        At most 100 changes, each of another item. A document without `version` counts as its first version.
        """


class MarketStore(Protocol):
    """The day's instruments and the shared quote snapshots. Documents are JSON-shaped, decimals as strings."""

    def put(self, underlying: str, item: str, document: dict[str, Any]) -> None: ...

    def get(self, underlying: str, item: str) -> dict[str, Any] | None: ...

    def acquire(self, underlying: str, item: str, *, holder: str, now: datetime, seconds: float) -> bool:
        """Take a lease for a single flight; True if nobody else holds one that is still good."""
