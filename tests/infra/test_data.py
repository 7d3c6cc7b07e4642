"""The tables are what the stores expect, and nothing in them gets lost."""

from __future__ import annotations

import pytest

from infra.settings import USERS_PARAMETER, named
from tasks.spec import Table
from tests.infra.templates import Assembly, Json

pytestmark = pytest.mark.slow

KEYS = {
    "orders": "order_id",
    "positions": "position_id",
    "runs": "run_key, item",
    "callbacks": "order_id",
    "catalog": "owner, item",
    "market": "underlying, item",
    "events": "aggregate, sequence",
    "views": "owner, item",
}
INDEXES = {
    "orders": {
        "user-date": "user_id, trading_date",
        "position": "position_id, order_id",
        "account-broker-order": "account, broker_order_id",
    },
    "positions": {"user-date": "user_id, trading_date", "account-contract": "account, symbol"},
    "runs": {"exit-due": "exit_date, exit_at", "day": "trading_date, item"},
}


def tables(assembly: Assembly) -> dict[str, Json]:
    found = assembly.all("AWS::DynamoDB::Table")
    return {each.properties["TableName"].removeprefix(named("")): each.properties for each in found}


def key(schema: list[dict[str, str]]) -> str:
    assert [each["KeyType"] for each in schema] in (["HASH"], ["HASH", "RANGE"])
    return ", ".join(each["AttributeName"] for each in schema)


def test_every_table_has_its_key_and_its_indexes(aws: Assembly) -> None:
    found = tables(aws)
    assert set(found) == set(Table)
    assert {name: key(table["KeySchema"]) for name, table in found.items()} == KEYS
    for name, table in found.items():
        indexes = {
            index["IndexName"]: key(index["KeySchema"]) for index in table.get("GlobalSecondaryIndexes", [])
        }
        assert indexes == INDEXES.get(name, {}), name


def test_only_what_a_command_remembers_is_forgotten(aws: Assembly) -> None:
    forgotten = {
        name: table["TimeToLiveSpecification"]["AttributeName"]
        for name, table in tables(aws).items()
        if "TimeToLiveSpecification" in table
    }
    assert forgotten == {"catalog": "expires_at"}


def test_only_the_sequence_of_events_is_a_number(aws: Assembly) -> None:
    numbers = {
        (name, attribute["AttributeName"])
        for name, table in tables(aws).items()
        for attribute in table["AttributeDefinitions"]
        if attribute["AttributeType"] != "S"
    }
    assert numbers == {("events", "sequence")}


def test_a_table_can_be_brought_back_to_any_second_of_the_last_weeks(aws: Assembly) -> None:
    for name, table in tables(aws).items():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name


def test_nobody_deletes_a_table_by_mistake(aws: Assembly) -> None:
    for each in aws.all("AWS::DynamoDB::Table"):
        assert each.properties["DeletionProtectionEnabled"] is True
        assert each.attributes["DeletionPolicy"] == each.attributes["UpdateReplacePolicy"] == "Retain"


def test_tables_are_encrypted_and_paid_by_use(aws: Assembly) -> None:
    for name, table in tables(aws).items():
        assert table["SSESpecification"] == {"SSEEnabled": True}, name
        assert table["BillingMode"] == "PAY_PER_REQUEST", name


def test_a_task_token_never_reaches_a_stream(aws: Assembly, local: Assembly) -> None:
    for assembly in (aws, local):
        streaming = {name for name, table in tables(assembly).items() if "StreamSpecification" in table}
        assert streaming == {"orders", "positions", "runs", "catalog", "events"}


def test_reports_are_private_encrypted_and_move_to_cheaper_storage(aws: Assembly) -> None:
    (bucket,) = (each for each in aws.all("AWS::S3::Bucket") if each.name.startswith("Reports"))
    assert all(bucket.properties["PublicAccessBlockConfiguration"].values())
    assert bucket.properties["BucketEncryption"]
    (rule,) = bucket.properties["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["Transitions"][0]["StorageClass"] == "STANDARD_IA"


def test_the_address_of_every_stream_can_be_found(aws: Assembly) -> None:
    parameters = {each.properties["Name"] for each in aws.all("AWS::SSM::Parameter")}
    assert parameters - {USERS_PARAMETER} == {
        f"/algo/streams/{t}" for t in ("orders", "positions", "runs", "catalog", "events")
    }
