"""The stores in memory, thread-safe: the same answers as on DynamoDB, for tests and a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import RLock
from typing import Any

from brokers.clock import IST
from tasks.domain.ids import Purpose
from tasks.domain.pace import Pace
from tasks.stores.bundle import Stores
from tasks.stores.feed_memory import MemoryBars, MemoryFeedStates, MemoryLeases, MemoryQuotes
from tasks.stores.forward import changes
from tasks.stores.halts import MemoryHalts, of_account
from tasks.stores.journal_memory import MemoryEvents, MemoryViews
from tasks.stores.ports import (
    ANY,
    AccountRun,
    Change,
    ExitRound,
    OrderRow,
    OrderState,
    Outside,
    Phase,
    PositionRow,
    RunEnd,
)


def memory_stores() -> Stores:
    """Empty stores that share one lock, as one transaction may touch two tables."""
    lock = RLock()
    runs = MemoryRuns(lock)
    halts = MemoryHalts(lock)
    return Stores(
        orders=MemoryOrders(lock, runs, halts),
        positions=MemoryPositions(lock),
        runs=runs,
        callbacks=MemoryCallbacks(lock),
        catalog=MemoryCatalog(lock),
        market=MemoryMarket(lock),
        views=MemoryViews(lock),
        events=MemoryEvents(lock),
        pace=MemoryPace(lock),
        halts=halts,
        quotes=MemoryQuotes(lock),
        bars=MemoryBars(lock),
        leases=MemoryLeases(lock),
        feeds=MemoryFeedStates(lock),
    )


class MemoryRuns:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._claims: dict[tuple[str, str], str] = {}
        self._accounts: dict[tuple[str, str], AccountRun] = {}
        self._rounds: dict[tuple[str, str, int, int], ExitRound] = {}
        self._ends: dict[tuple[str, str, str], RunEnd] = {}
        self._outside: dict[tuple[str, date, str, str], Outside] = {}

    def claim(self, run_key: str, side: str, *, execution: str, at: datetime) -> bool:  # noqa: ARG002 (kept by the port)
        with self._lock:
            return self._claims.setdefault((run_key, side), execution) == execution

    def plan_account(self, plan: AccountRun) -> AccountRun:
        with self._lock:
            return self._accounts.setdefault((plan.run_key, plan.account), plan)

    def account(self, run_key: str, account: str) -> AccountRun | None:
        with self._lock:
            return self._accounts.get((run_key, account))

    def accounts(self, run_key: str) -> Sequence[AccountRun]:
        with self._lock:
            found = [row for row in self._accounts.values() if row.run_key == run_key]
        return sorted(found, key=lambda row: row.account)

    def set_phase(
        self,
        run_key: str,
        account: str,
        phase: Phase,
        *,
        unless: Iterable[Phase] = (),
        exit_execution: str = "",
    ) -> bool:
        with self._lock:
            plan = self._accounts.get((run_key, account))
            if plan is None or plan.phase in tuple(unless):
                return False
            told = {"exit_execution": exit_execution} if exit_execution else {}
            self._accounts[run_key, account] = plan.model_copy(update={"phase": phase, **told})
            return True

    def plan_exit_round(self, plan: ExitRound) -> ExitRound:
        with self._lock:
            return self._rounds.setdefault((plan.run_key, plan.account, plan.leg, plan.round), plan)

    def close_legs(self, run_key: str, account: str, legs: Iterable[int]) -> AccountRun | None:
        with self._lock:
            plan = self._accounts.get((run_key, account))
            if plan is None or plan.phase is Phase.FLAT:
                return None
            closing = tuple(sorted({*plan.closing, *legs}))
            closed = self._accounts[run_key, account] = plan.model_copy(update={"closing": closing})
            return closed

    def exit_rounds(self, run_key: str, account: str) -> Sequence[ExitRound]:
        with self._lock:
            found = [row for row in self._rounds.values() if (row.run_key, row.account) == (run_key, account)]
        return sorted(found, key=lambda row: (row.leg, row.round))

    def postpone_exit(self, run_key: str, account: str, *, exit_at: datetime) -> None:
        """An account that is FLAT, or has no plan, has no exit to postpone: nothing happens."""
        with self._lock:
            plan = self._accounts.get((run_key, account))
            if plan is not None and plan.phase is not Phase.FLAT:
                self._accounts[run_key, account] = plan.model_copy(update={"exit_at": exit_at})

    def note_end(self, end: RunEnd) -> bool:
        key = (end.run_key, end.side, end.account)
        with self._lock:
            standing = self._ends.get(key)
            if standing is not None and standing.attempt >= end.attempt:
                return False
            self._ends[key] = end
            return True

    def ends(self, run_key: str) -> Sequence[RunEnd]:
        with self._lock:
            return [end for key, end in sorted(self._ends.items()) if key[0] == run_key]

    def due_exits(self, trading_date: date, *, before: datetime) -> Sequence[AccountRun]:
        with self._lock:
            rows = list(self._accounts.values())
        due = (
            row
            for row in rows
            if row.phase is not Phase.FLAT
            and row.exit_at.astimezone(IST).date() == trading_date
            and row.exit_at < before
        )
        return sorted(due, key=lambda row: (row.exit_at, row.run_key, row.account))

    def accounts_of_day(self, trading_date: date) -> Sequence[AccountRun]:
        with self._lock:
            found = [row for row in self._accounts.values() if row.trading_date == trading_date]
        return sorted(found, key=lambda row: (row.account, row.run_key))

    def note_outside(self, seen: Outside) -> bool:
        key = (seen.account, seen.trading_date, seen.product, seen.symbol)
        with self._lock:
            known = self._outside.get(key)
            if known is not None and known.traded >= seen.traded:
                return False
            self._outside[key] = seen
            return True


class MemoryOrders:
    def __init__(self, lock: RLock, runs: MemoryRuns, halts: MemoryHalts) -> None:
        self._lock = lock
        self._runs = runs
        self._halts = halts
        self._rows: dict[str, OrderRow] = {}

    def get(self, order_id: str) -> OrderRow | None:
        with self._lock:
            return self._rows.get(order_id)

    def get_many(self, order_ids: Iterable[str]) -> dict[str, OrderRow]:
        with self._lock:
            return {order_id: self._rows[order_id] for order_id in order_ids if order_id in self._rows}

    def claim(self, order: OrderRow) -> bool:
        with self._lock:
            if order.order_id in self._rows:
                return False
            self._rows[order.order_id] = order
            return True

    def begin_send(self, order: OrderRow, *, phase: Phase, at: datetime) -> bool:
        with self._lock:
            plan = self._runs.account(order.run_key, order.account)
            if plan is None or not _may_leave(order, plan, phase):
                return False
            if order.purpose is Purpose.ENTRY and self._halts.held([of_account(order.account)]):
                return False
            return self._move(
                order.order_id,
                OrderState.CLAIMED,
                {"status": OrderState.SENDING, "sent_at": at, "updated_at": at},
            )

    def back_to_claimed(self, order_id: str, *, reason: str, at: datetime) -> bool:
        changed = {"status": OrderState.CLAIMED, "reason": reason, "updated_at": at, "sent_at": None}
        return self._move(order_id, OrderState.SENDING, changed)

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
        with self._lock:
            row = self._rows.get(order_id)
            if row is None:
                return False
            changed = changes(
                row,
                status,
                at=at,
                broker_order_id=broker_order_id,
                filled_quantity=filled_quantity,
                average_price=average_price,
                reason=reason,
            )
            self._rows[order_id] = row.model_copy(update=changed)
            return bool(changed)

    def repriced(self, order_id: str, *, limit_price: Decimal, at: datetime) -> None:
        with self._lock:
            row = self._rows.get(order_id)
            if row is None:
                raise LookupError(f"no order {order_id}")
            changed = {
                "limit_price": limit_price,
                "modifications": row.modifications + 1,
                "updated_at": at,
            }
            self._rows[order_id] = row.model_copy(update=changed)

    def by_run_account(self, run_key: str, account: str) -> Sequence[OrderRow]:
        with self._lock:
            plan = self._runs.account(run_key, account)
            positions = {leg.position_id for leg in plan.legs} if plan else set()
            found = [row for row in self._rows.values() if row.position_id in positions]
        return sorted(found, key=lambda row: (row.claimed_at, row.order_id))

    def by_broker_order_id(self, account: str, broker_order_id: str) -> OrderRow | None:
        if not broker_order_id:
            return None
        with self._lock:
            rows = (row for row in self._rows.values() if row.account == account)
            return next((row for row in rows if row.broker_order_id == broker_order_id), None)

    def _move(self, order_id: str, standing: OrderState, changed: dict[str, Any]) -> bool:
        with self._lock:
            row = self._rows.get(order_id)
            if row is None or row.status is not standing:
                return False
            self._rows[order_id] = row.model_copy(update=changed)
            return True


def _may_leave(order: OrderRow, plan: AccountRun, phase: Phase) -> bool:
    leg_is_closing = order.leg in plan.closing
    if order.purpose is Purpose.ENTRY:
        return plan.phase is phase and not leg_is_closing
    return plan.phase is phase or (leg_is_closing and plan.phase is not Phase.FLAT)


class MemoryPositions:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._rows: dict[str, PositionRow] = {}
        self._recorded: set[tuple[str, Purpose]] = set()

    def get(self, position_id: str) -> PositionRow | None:
        with self._lock:
            return self._rows.get(position_id)

    def record(self, row: PositionRow, *, purpose: Purpose) -> bool:
        other = ("exit_qty", "exit_price") if purpose is Purpose.ENTRY else ("entry_qty", "entry_price")
        quantity = "entry_qty" if purpose is Purpose.ENTRY else "exit_qty"
        with self._lock:
            standing = self._rows.get(row.position_id)
            written = (row.position_id, purpose) in self._recorded
            if written and standing is not None and getattr(row, quantity) <= getattr(standing, quantity):
                return False
            untouched = {name: getattr(standing, name) if standing else 0 for name in other}
            self._rows[row.position_id] = PositionRow.model_validate(row.model_dump() | untouched)
            self._recorded.add((row.position_id, purpose))
            return True

    def by_user_date(self, user_id: str, trading_date: date) -> Sequence[PositionRow]:
        with self._lock:
            found = [row for row in self._rows.values() if row.user_id == user_id]
        return sorted(
            (row for row in found if row.trading_date == trading_date), key=lambda row: row.position_id
        )


class MemoryPace:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._paces: dict[str, Pace] = {}

    def get(self, account: str) -> Pace:
        with self._lock:
            return self._paces.get(account, Pace())

    def replace(self, account: str, pace: Pace, *, standing: Pace) -> bool:
        with self._lock:
            if self.get(account) != standing:
                return False
            self._paces[account] = pace
            return True


class MemoryCallbacks:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._tokens: dict[str, str] = {}

    def put(self, order_id: str, token: str, *, at: datetime) -> None:  # noqa: ARG002 (kept by the port)
        with self._lock:
            self._tokens[order_id] = token

    def get(self, order_id: str) -> str | None:
        with self._lock:
            return self._tokens.get(order_id)

    def delete(self, order_id: str, token: str) -> None:
        with self._lock:
            if self._tokens.get(order_id) == token:
                del self._tokens[order_id]


class _Documents:
    """Documents by two keys, kept as text: what goes in is JSON, and nobody shares an object with the store."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._texts: dict[tuple[str, str], str] = {}

    def put(self, partition: str, item: str, document: dict[str, Any], /) -> None:
        text = json.dumps(document, allow_nan=False)
        with self._lock:
            self._texts[partition, item] = text

    def get(self, partition: str, item: str, /) -> dict[str, Any] | None:
        with self._lock:
            text = self._texts.get((partition, item))
        return json.loads(text) if text is not None else None

    def delete(self, partition: str, item: str, /) -> None:
        with self._lock:
            self._texts.pop((partition, item), None)

    def everything(self, prefix: str) -> Sequence[tuple[str, str, dict[str, Any]]]:
        with self._lock:
            found = sorted((*key, text) for key, text in self._texts.items() if key[1].startswith(prefix))
        return [(owner, item, json.loads(text)) for owner, item, text in found]

    def list(self, partition: str, prefix: str) -> Sequence[dict[str, Any]]:
        with self._lock:
            found = sorted(
                (item, text)
                for (owner, item), text in self._texts.items()
                if owner == partition and item.startswith(prefix)
            )
        return [json.loads(text) for _, text in found]


class MemoryCatalog:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._documents = _Documents(lock)

    def put(self, owner: str, item: str, document: dict[str, Any]) -> None:
        self._documents.put(owner, item, document)

    def get(self, owner: str, item: str) -> dict[str, Any] | None:
        return self._documents.get(owner, item)

    def list(self, owner: str, prefix: str) -> Sequence[dict[str, Any]]:
        return self._documents.list(owner, prefix)

    def get_many(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        found = {key: self.get(*key) for key in keys}
        return {key: document for key, document in found.items() if document is not None}

    def everything(self, prefix: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        return iter(self._documents.everything(prefix))

    def commit(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        texts = {id(change): json.dumps(change.document, allow_nan=False) for change in changes}
        with self._lock:
            refused = tuple(change for change in changes if not self._as_expected(change))
            if refused:
                return refused
            for change in changes:
                if change.only_check:
                    continue
                if change.document is None:
                    self._documents.delete(change.owner, change.item)
                else:
                    self._documents.put(change.owner, change.item, json.loads(texts[id(change)]))
        return ()

    def _as_expected(self, change: Change) -> bool:
        standing = self._documents.get(change.owner, change.item)
        version = 0 if standing is None else int(standing.get("version", 1))
        return change.expected in (ANY, version)


class MemoryMarket:
    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._documents = _Documents(lock)
        self._leases: dict[tuple[str, str], tuple[str, datetime]] = {}

    def put(self, underlying: str, item: str, document: dict[str, Any]) -> None:
        self._documents.put(underlying, item, document)

    def get(self, underlying: str, item: str) -> dict[str, Any] | None:
        return self._documents.get(underlying, item)

    def acquire(self, underlying: str, item: str, *, holder: str, now: datetime, seconds: float) -> bool:
        with self._lock:
            owner, good_until = self._leases.get((underlying, item), (holder, now))
            if owner != holder and good_until > now:
                return False
            self._leases[underlying, item] = (holder, now + timedelta(seconds=seconds))
            return True
