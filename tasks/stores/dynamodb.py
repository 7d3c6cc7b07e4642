"""The stores on DynamoDB. Table names are passed in; `from_environment` reads them as a Lambda has them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from brokers.clock import IST
from tasks.domain.ids import Purpose
from tasks.domain.pace import Pace
from tasks.spec import Table
from tasks.stores import documents
from tasks.stores.bundle import Stores
from tasks.stores.feed_dynamodb import DynamoBars, DynamoFeedStates, DynamoLeases, DynamoQuotes
from tasks.stores.forward import changes
from tasks.stores.halts import DynamoHalts, free_account
from tasks.stores.journal_dynamodb import DynamoEvents, DynamoViews
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
    StoreUnavailable,
)
from tasks.stores.schema import BY_BROKER_ORDER, BY_DAY, BY_POSITION, BY_USER_DATE, EXIT_DUE
from tasks.stores.table import DynamoTable, expression, transact, transact_refused, with_condition
from tasks.stores.wire import attribute, attributes, from_item, instant, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_RACES = 20
_ACCOUNT = "ACCT#"
_PACE = "PACE#"
_END = "FAIL#"
_OUTSIDE = "OUTSIDE#"
_ORDERS = "ORDERS"


_CLOSING = "closing_L"
"""One attribute for each leg that is being closed, so that a condition can ask for it."""


def _round(account: str) -> str:
    return f"ROUND#{account}#"


def _account_run(item: Mapping[str, Any]) -> AccountRun:
    closing = sorted(int(name.removeprefix(_CLOSING)) for name in item if name.startswith(_CLOSING))
    return from_item(AccountRun, item).model_copy(update={"closing": tuple(closing)})


def from_environment(client: DynamoDBClient, environment: Mapping[str, str] = os.environ) -> Stores:
    """Stores on the tables that `ORDERS_TABLE`, … name; where one is not set, on `algo-orders`, …"""
    return dynamodb_stores(client, {table: environment.get(table.variable, f"algo-{table}") for table in Table})


def dynamodb_stores(
    client: DynamoDBClient, names: Mapping[Table, str], *, pause: Callable[[float], None] = time.sleep
) -> Stores:
    """Stores on the tables of these names. `pause` waits between tries after a conflict or throttling."""
    tables = {table: DynamoTable(client, name, pause) for table, name in names.items()}
    return Stores(
        orders=DynamoOrders(tables[Table.ORDERS], tables[Table.RUNS]),
        positions=DynamoPositions(tables[Table.POSITIONS]),
        runs=DynamoRuns(tables[Table.RUNS]),
        callbacks=DynamoCallbacks(tables[Table.CALLBACKS]),
        catalog=DynamoCatalog(tables[Table.CATALOG]),
        market=DynamoMarket(tables[Table.MARKET]),
        views=DynamoViews(tables[Table.VIEWS]),
        events=DynamoEvents(tables[Table.EVENTS]),
        pace=DynamoPace(tables[Table.RUNS]),
        halts=DynamoHalts(tables[Table.RUNS]),
        quotes=DynamoQuotes(tables[Table.MARKET]),
        bars=DynamoBars(tables[Table.MARKET]),
        leases=DynamoLeases(tables[Table.MARKET]),
        feeds=DynamoFeedStates(tables[Table.MARKET]),
    )


class DynamoOrders:
    def __init__(self, table: DynamoTable, runs: DynamoTable) -> None:
        self._table = table
        self._runs = runs

    def get(self, order_id: str) -> OrderRow | None:
        item = self._table.get(order_id=order_id)
        return from_item(OrderRow, item) if item else None

    def get_many(self, order_ids: Iterable[str]) -> dict[str, OrderRow]:
        items = self._table.get_many({"order_id": order_id} for order_id in order_ids)
        rows = (from_item(OrderRow, item) for item in items)
        return {row.order_id: row for row in rows}

    def claim(self, order: OrderRow) -> bool:
        return self._table.put(to_item(order), condition="attribute_not_exists(#order_id)")

    def begin_send(self, order: OrderRow, *, phase: Phase, at: datetime) -> bool:
        update = with_condition(
            {"TableName": self._table.name, "Key": {"order_id": attribute(order.order_id)}}
            | expression({"status": OrderState.SENDING, "sent_at": at, "updated_at": at}),
            "#status = :claimed",
            {"claimed": OrderState.CLAIMED},
        )
        check = with_condition(
            {
                "TableName": self._runs.name,
                "Key": attributes({"run_key": order.run_key, "item": _ACCOUNT + order.account}),
            },
            *_may_leave(order, phase),
        )
        items: Any = [{"Update": update}, {"ConditionCheck": check}]
        if order.purpose is Purpose.ENTRY:
            items.append({"ConditionCheck": with_condition(*free_account(self._runs.name, order.account))})
        return transact(self._table.client, items, table=self._table.name, pause=self._table.pause)

    def back_to_claimed(self, order_id: str, *, reason: str, at: datetime) -> bool:
        return self._table.update(
            {"order_id": order_id},
            {"status": OrderState.CLAIMED, "reason": reason, "updated_at": at},
            remove=("sent_at",),
            condition="#status = :sending",
            values={"sending": OrderState.SENDING},
        )

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
        for _ in range(_RACES):
            row = self.get(order_id)
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
            if not changed:
                return False
            if self._replace(row, changed):
                return True
        raise StoreUnavailable(f"{self._table.name}: {order_id} changed {_RACES} times while it was advanced")

    def _replace(self, row: OrderRow, changed: Mapping[str, object]) -> bool:
        """Write `changed` if the order is still as `row` has it. What was never written counts as 0."""
        untouched = " OR attribute_not_exists(#filled_quantity)" if row.filled_quantity == 0 else ""
        return self._table.update(
            {"order_id": row.order_id},
            changed,
            condition=f"#status = :was AND (#filled_quantity = :had{untouched})",
            values={"was": row.status, "had": row.filled_quantity},
        )

    def repriced(self, order_id: str, *, limit_price: Decimal, at: datetime) -> None:
        if not self._table.update(
            {"order_id": order_id},
            {"limit_price": limit_price, "updated_at": at},
            add="modifications",
            condition="attribute_exists(#order_id)",
        ):
            raise LookupError(f"no order {order_id}")

    def by_run_account(self, run_key: str, account: str) -> Sequence[OrderRow]:
        plan = self._runs.get(run_key=run_key, item=_ACCOUNT + account)
        legs = _account_run(plan).legs if plan else ()
        keys = [
            {"order_id": str(item["order_id"]["S"])}
            for leg in legs
            for item in self._table.query(
                "#position_id = :position", {"position": leg.position_id}, index=BY_POSITION
            )
        ]
        rows = (from_item(OrderRow, item) for item in self._table.get_many(keys))
        return sorted(rows, key=lambda row: (row.claimed_at, row.order_id))

    def by_broker_order_id(self, account: str, broker_order_id: str) -> OrderRow | None:
        if not broker_order_id:
            return None
        found = self._table.query(
            "#account = :account AND #broker_order_id = :broker_order_id",
            {"account": account, "broker_order_id": broker_order_id},
            index=BY_BROKER_ORDER,
        )
        first = next(iter(found), None)
        return self.get(str(first["order_id"]["S"])) if first else None


def _may_leave(order: OrderRow, phase: Phase) -> tuple[str, dict[str, object]]:
    """The condition on the account's item under which `order` may be sent."""
    closing = f"{_CLOSING}{order.leg}"
    if order.purpose is Purpose.ENTRY:
        return f"#phase = :phase AND attribute_not_exists( #{closing} )", {"phase": phase}
    alone = f"( attribute_exists( #{closing} ) AND #phase <> :flat )"
    return f"#phase = :phase OR {alone}", {"phase": phase, "flat": Phase.FLAT}


class DynamoPositions:
    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def get(self, position_id: str) -> PositionRow | None:
        item = self._table.get(position_id=position_id)
        return from_item(PositionRow, item) if item else None

    def record(self, row: PositionRow, *, purpose: Purpose) -> bool:
        quantity, price = (
            ("entry_qty", "entry_price") if purpose is Purpose.ENTRY else ("exit_qty", "exit_price")
        )
        left_alone = {"position_id", "entry_qty", "entry_price", "exit_qty", "exit_price"} - {quantity, price}
        values = {name: getattr(row, name) for name in PositionRow.model_fields if name not in left_alone}
        return self._table.update(
            {"position_id": row.position_id},
            values,
            condition=f"attribute_not_exists(#{quantity}) OR #{quantity} < :{quantity}",
        )

    def by_user_date(self, user_id: str, trading_date: date) -> Sequence[PositionRow]:
        found = self._table.query(
            "#user_id = :user_id AND #trading_date = :trading_date",
            {"user_id": user_id, "trading_date": trading_date},
            index=BY_USER_DATE,
        )
        items = self._table.get_many({"position_id": str(item["position_id"]["S"])} for item in found)
        return sorted((from_item(PositionRow, item) for item in items), key=lambda row: row.position_id)


class DynamoRuns:
    """`exit_date` feeds the sparse index and is there only until the account is FLAT; `exit_on` stays."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def claim(self, run_key: str, side: str, *, execution: str, at: datetime) -> bool:
        return self._table.put(
            attributes({"run_key": run_key, "item": f"CLAIM#{side}", "execution": execution, "claimed_at": at}),
            condition="attribute_not_exists(#run_key) OR #execution = :execution",
            values={"execution": execution},
        )

    def plan_account(self, plan: AccountRun) -> AccountRun:
        due = plan.exit_at.astimezone(IST).date()
        item = {name: form for name, form in to_item(plan).items() if name != "closing"} | attributes(
            {
                **{f"{_CLOSING}{leg}": True for leg in plan.closing},
                "item": _ACCOUNT + plan.account,
                "exit_on": due,
                "exit_date": None if plan.phase is Phase.FLAT else due,
            }
        )
        if self._table.put(item, condition="attribute_not_exists(#run_key)"):
            return plan
        standing = self.account(plan.run_key, plan.account)
        if standing is None:
            raise StoreUnavailable(f"{self._table.name}: the plan of {plan.run_key} {plan.account} vanished")
        return standing

    def account(self, run_key: str, account: str) -> AccountRun | None:
        item = self._table.get(run_key=run_key, item=_ACCOUNT + account)
        return _account_run(item) if item else None

    def accounts(self, run_key: str) -> Sequence[AccountRun]:
        items = self._table.query(
            "#run_key = :run_key AND begins_with(#item, :prefix)", {"run_key": run_key, "prefix": _ACCOUNT}
        )
        return [_account_run(item) for item in items]

    def plan_exit_round(self, plan: ExitRound) -> ExitRound:
        item = f"{_round(plan.account)}L{plan.leg:02d}#{plan.round:02d}"
        if self._table.put(
            to_item(plan) | attributes({"item": item}), condition="attribute_not_exists(#run_key)"
        ):
            return plan
        standing = self._table.get(run_key=plan.run_key, item=item)
        if standing is None:
            raise StoreUnavailable(f"{self._table.name}: {item} of {plan.run_key} vanished")
        return from_item(ExitRound, standing)

    def exit_rounds(self, run_key: str, account: str) -> Sequence[ExitRound]:
        items = self._table.query(
            "#run_key = :run_key AND begins_with(#item, :prefix)",
            {"run_key": run_key, "prefix": _round(account)},
        )
        return [from_item(ExitRound, item) for item in items]

    def set_phase(
        self,
        run_key: str,
        account: str,
        phase: Phase,
        *,
        unless: Iterable[Phase] = (),
        exit_execution: str = "",
    ) -> bool:
        refused = {f"unless{n}": standing for n, standing in enumerate(unless)}
        conditions = ["attribute_exists(#run_key)", *(f"#phase <> :{name}" for name in refused)]
        key = {"run_key": run_key, "item": _ACCOUNT + account}
        flat = phase is Phase.FLAT
        return self._table.update(
            key,
            {"phase": phase, **({"exit_execution": exit_execution} if exit_execution else {})},
            remove=("exit_date",) if flat else (),
            copy={} if flat else {"exit_date": "exit_on"},
            condition=" AND ".join(conditions),
            values=refused,
        )

    def close_legs(self, run_key: str, account: str, legs: Iterable[int]) -> AccountRun | None:
        if not self._table.update(
            {"run_key": run_key, "item": _ACCOUNT + account},
            {f"{_CLOSING}{leg}": True for leg in legs},
            condition="attribute_exists(#run_key) AND #phase <> :flat",
            values={"flat": Phase.FLAT},
        ):
            return None
        return self.account(run_key, account)

    def postpone_exit(self, run_key: str, account: str, *, exit_at: datetime) -> None:
        """An account that is FLAT, or has no plan, has no exit to postpone: nothing happens."""
        due = exit_at.astimezone(IST).date()
        self._table.update(
            {"run_key": run_key, "item": _ACCOUNT + account},
            {"exit_at": exit_at, "exit_on": due, "exit_date": due},
            condition="attribute_exists(#run_key) AND #phase <> :flat",
            values={"flat": Phase.FLAT},
        )

    def note_end(self, end: RunEnd) -> bool:
        return self._table.put(
            to_item(end) | attributes({"item": f"{_END}{end.side}#{end.account}"}),
            condition="attribute_not_exists(#run_key) OR #attempt < :attempt",
            values={"attempt": end.attempt},
        )

    def ends(self, run_key: str) -> Sequence[RunEnd]:
        items = self._table.query(
            "#run_key = :run_key AND begins_with(#item, :prefix)", {"run_key": run_key, "prefix": _END}
        )
        return [from_item(RunEnd, item) for item in items]

    def due_exits(self, trading_date: date, *, before: datetime) -> Sequence[AccountRun]:
        found = self._table.query(
            "#exit_date = :exit_date AND #exit_at < :before",
            {"exit_date": trading_date, "before": instant(before)},
            index=EXIT_DUE,
        )
        due = (row for row in self._plans(found) if row.phase is not Phase.FLAT and row.exit_at < before)
        return sorted(due, key=lambda row: (row.exit_at, row.run_key, row.account))

    def accounts_of_day(self, trading_date: date) -> Sequence[AccountRun]:
        found = self._table.query(
            "#trading_date = :trading_date AND begins_with(#item, :prefix)",
            {"trading_date": trading_date, "prefix": _ACCOUNT},
            index=BY_DAY,
        )
        return sorted(self._plans(found), key=lambda row: (row.account, row.run_key))

    def _plans(self, found: Iterable[Mapping[str, Any]]) -> list[AccountRun]:
        """What an index found, read consistently from the table."""
        keys = [{"run_key": str(item["run_key"]["S"]), "item": str(item["item"]["S"])} for item in found]
        return [_account_run(item) for item in self._table.get_many(keys)]

    def note_outside(self, seen: Outside) -> bool:
        item = f"{_OUTSIDE}{seen.trading_date}#{seen.product}#{seen.symbol}"
        return self._table.put(
            to_item(seen)
            | attributes({"run_key": _OUTSIDE + seen.account, "item": item, "traded": seen.traded}),
            condition="attribute_not_exists(#run_key) OR #traded < :traded",
            values={"traded": seen.traded},
        )


class DynamoPace:
    """The `PACE#{account}` item of `runs`. Its text is compared as a whole, so any change is seen."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def get(self, account: str) -> Pace:
        item = self._table.get(run_key=_PACE + account, item=_ORDERS)
        if item is None:
            return Pace()
        fields = json.loads(str(item["pace"]["S"]))
        return Pace(**fields | {"recent": tuple(fields["recent"])})

    def replace(self, account: str, pace: Pace, *, standing: Pace) -> bool:
        return self._table.put(
            attributes({"run_key": _PACE + account, "item": _ORDERS, "pace": _text(pace)}),
            condition="attribute_not_exists(#run_key)" if standing == Pace() else "#pace = :standing",
            values={} if standing == Pace() else {"standing": _text(standing)},
        )


def _text(pace: Pace) -> str:
    return json.dumps(asdict(pace), separators=(",", ":"))


class DynamoCallbacks:
    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def put(self, order_id: str, token: str, *, at: datetime) -> None:
        self._table.put(attributes({"order_id": order_id, "token": token, "put_at": at}))

    def get(self, order_id: str) -> str | None:
        item = self._table.get(order_id=order_id)
        return str(item["token"]["S"]) if item else None

    def delete(self, order_id: str, token: str) -> None:
        self._table.delete({"order_id": order_id}, condition="#token = :token", values={"token": token})


class DynamoCatalog:
    """Documents by owner and item. A document's `version` is an attribute too, for conditions."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def put(self, owner: str, item: str, document: dict[str, Any]) -> None:
        self._table.put(_document_item(owner, item, document))

    def get(self, owner: str, item: str) -> dict[str, Any] | None:
        found = self._table.get(owner=owner, item=item)
        return documents.unpack(found) if found else None

    def list(self, owner: str, prefix: str) -> Sequence[dict[str, Any]]:
        condition, values = "#owner = :owner", {"owner": owner}
        if prefix:
            condition, values = f"{condition} AND begins_with(#item, :prefix)", {**values, "prefix": prefix}
        found = self._table.query(condition, values)
        return [documents.unpack(item) for item in found]

    def get_many(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        found = self._table.get_many({"owner": owner, "item": item} for owner, item in keys)
        return {(str(one["owner"]["S"]), str(one["item"]["S"])): documents.unpack(one) for one in found}

    def everything(self, prefix: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for found in self._table.scan():
            item = str(found["item"]["S"])
            if item.startswith(prefix):
                yield str(found["owner"]["S"]), item, documents.unpack(found)

    def commit(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        items: Any = [self._part(change) for change in changes]
        refused = transact_refused(self._table.client, items, table=self._table.name, pause=self._table.pause)
        return tuple(changes[n] for n in refused)

    def _part(self, change: Change) -> dict[str, Any]:
        key = attributes({"owner": change.owner, "item": change.item})
        condition, values = _expectation(change.expected)
        arguments: dict[str, Any] = {"TableName": self._table.name}
        if change.only_check:
            return {"ConditionCheck": with_condition(arguments | {"Key": key}, condition, values)}
        if change.document is None:
            return {"Delete": with_condition(arguments | {"Key": key}, condition, values)}
        item = _document_item(change.owner, change.item, change.document, expires_at=change.expires_at)
        return {"Put": with_condition(arguments | {"Item": item}, condition, values)}


def _document_item(
    owner: str, item: str, document: dict[str, Any], *, expires_at: datetime | None = None
) -> dict[str, Any]:
    """`expires_at` is in seconds, as DynamoDB's time to live takes it."""
    version = document.get("version")
    seconds = int(expires_at.timestamp()) if expires_at else None
    known = {"version": version if isinstance(version, int) else None, "expires_at": seconds}
    return attributes({"owner": owner, "item": item, **known, **documents.pack(document)})


def _expectation(expected: int) -> tuple[str, dict[str, object]]:
    """The condition that a `Change` of that expectation needs."""
    if expected == ANY:
        return "", {}
    if expected == 0:
        return "attribute_not_exists(#owner)", {}
    if expected == 1:
        uncounted = "( attribute_exists(#owner) AND attribute_not_exists(#version) )"
        return f"#version = :expected OR {uncounted}", {"expected": 1}
    return "#version = :expected", {"expected": expected}


class DynamoMarket:
    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def put(self, underlying: str, item: str, document: dict[str, Any]) -> None:
        self._table.put(attributes({"underlying": underlying, "item": item, **documents.pack(document)}))

    def get(self, underlying: str, item: str) -> dict[str, Any] | None:
        found = self._table.get(underlying=underlying, item=item)
        return documents.unpack(found) if found else None

    def acquire(self, underlying: str, item: str, *, holder: str, now: datetime, seconds: float) -> bool:
        start = Decimal(str(now.timestamp()))
        lease = {
            "underlying": underlying,
            "item": f"{item}#LEASE",
            "holder": holder,
            "good_until": start + Decimal(str(seconds)),
        }
        return self._table.put(
            attributes(lease),
            condition="attribute_not_exists(#underlying) OR #good_until <= :now OR #holder = :holder",
            values={"now": start, "holder": holder},
        )
