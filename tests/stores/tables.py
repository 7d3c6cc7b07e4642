"""Creates the platform's tables, on moto or on whatever a client's endpoint is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasks.spec import Table
from tasks.stores.schema import SCHEMA, Key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def table_names(prefix: str = "algo-") -> dict[Table, str]:
    return {table: f"{prefix}{table}" for table in Table}


def create_tables(client: DynamoDBClient, names: Mapping[Table, str] | None = None) -> dict[Table, str]:
    """All tables with their keys and indexes; returns their names."""
    made = dict(names or table_names())
    for table, name in made.items():
        client.create_table(**_definition(table, name))
    return made


def empty_tables(client: DynamoDBClient, names: Mapping[Table, str]) -> None:
    """Without their items, but there."""
    for table, name in names.items():
        key = SCHEMA[table].key
        parts = [part for part in (key.partition, key.sort) if part]
        for page in client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
            for item in page["Items"]:
                client.delete_item(TableName=name, Key={part: item[part] for part in parts})


def _definition(table: Table, name: str) -> dict[str, Any]:
    schema = SCHEMA[table]
    keys = [schema.key, *schema.indexes.values()]
    types = {key.partition: "S" for key in keys} | {key.sort: key.sort_type for key in keys if key.sort}
    indexes = [
        {"IndexName": index, "KeySchema": _key_schema(key), "Projection": {"ProjectionType": "KEYS_ONLY"}}
        for index, key in schema.indexes.items()
    ]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(schema.key),
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": kind} for attribute, kind in types.items()
        ],
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    }


def _key_schema(key: Key) -> list[dict[str, str]]:
    parts = [{"AttributeName": key.partition, "KeyType": "HASH"}]
    return parts + ([{"AttributeName": key.sort, "KeyType": "RANGE"}] if key.sort else [])
