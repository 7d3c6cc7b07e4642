"""Both implementations, each empty for each test.

`ALGO_DYNAMODB=http://127.0.0.1:4566` runs the DynamoDB half against a real endpoint instead of moto.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from tasks.spec import Table
from tasks.stores import Stores
from tasks.stores.dynamodb import dynamodb_stores
from tasks.stores.memory import memory_stores
from tests.stores.tables import create_tables, table_names

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGION = "ap-south-1"
PREFIX = "conformance-"


@pytest.fixture(scope="module")
def dynamodb_client() -> Iterator[DynamoDBClient]:
    """One client for a module's tests: making one takes longer than a test.

    Not longer than a module: moto forgets only when its outermost mock ends, and others' tests want it empty.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        endpoint = os.environ.get("ALGO_DYNAMODB")
        if endpoint:
            yield boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
            return
        with mock_aws():
            yield _one_call_at_a_time(boto3.client("dynamodb", region_name=REGION))


def _one_call_at_a_time(client: DynamoDBClient) -> DynamoDBClient:
    """DynamoDB's calls are atomic; moto checks a condition and writes in two steps that threads can part."""
    lock = Lock()
    call = client._make_api_call  # type: ignore[attr-defined]

    def alone(operation: str, arguments: dict[str, Any]) -> Any:
        with lock:
            return call(operation, arguments)

    client._make_api_call = alone  # type: ignore[attr-defined]
    return client


@pytest.fixture
def dynamodb(dynamodb_client: DynamoDBClient) -> Iterator[DynamoDBClient]:
    """A client with all tables created, and gone afterwards."""
    create_tables(dynamodb_client, _names())
    yield dynamodb_client
    for name in dynamodb_client.list_tables()["TableNames"]:
        if name.startswith(PREFIX):
            dynamodb_client.delete_table(TableName=name)


@pytest.fixture
def names() -> dict[Table, str]:
    return _names()


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    return dynamodb_stores(request.getfixturevalue("dynamodb"), _names())


def _names() -> dict[Table, str]:
    return table_names(PREFIX)
