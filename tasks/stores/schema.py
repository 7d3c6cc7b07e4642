"""The tables' keys and indexes, as the stores read them."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.spec import Table


@dataclass(frozen=True, slots=True)
class Key:
    """Attribute names. `sort_type` is DynamoDB's: S text, N number."""

    partition: str
    sort: str = ""
    sort_type: str = "S"


@dataclass(frozen=True, slots=True)
class TableSchema:
    key: Key
    indexes: dict[str, Key]


BY_USER_DATE = "user-date"
BY_POSITION = "position"
BY_BROKER_ORDER = "account-broker-order"
BY_CONTRACT = "account-contract"
EXIT_DUE = "exit-due"
BY_DAY = "day"

SCHEMA: dict[Table, TableSchema] = {
    Table.ORDERS: TableSchema(
        Key("order_id"),
        {
            BY_USER_DATE: Key("user_id", "trading_date"),
            BY_POSITION: Key("position_id", "order_id"),
            BY_BROKER_ORDER: Key("account", "broker_order_id"),
        },
    ),
    Table.POSITIONS: TableSchema(
        Key("position_id"),
        {BY_USER_DATE: Key("user_id", "trading_date"), BY_CONTRACT: Key("account", "symbol")},
    ),
    Table.RUNS: TableSchema(
        Key("run_key", "item"), {EXIT_DUE: Key("exit_date", "exit_at"), BY_DAY: Key("trading_date", "item")}
    ),
    Table.CALLBACKS: TableSchema(Key("order_id"), {}),
    Table.CATALOG: TableSchema(Key("owner", "item"), {}),
    Table.MARKET: TableSchema(Key("underlying", "item"), {}),
    Table.EVENTS: TableSchema(Key("aggregate", "sequence", "N"), {}),
    Table.VIEWS: TableSchema(Key("owner", "item"), {}),
}
