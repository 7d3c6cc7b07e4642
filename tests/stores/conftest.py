"""Both implementations, each empty for each test.

`ALGO_DYNAMODB=http://127.0.0.1:4566` runs the DynamoDB half against a real endpoint instead of moto.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

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


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[DynamoDBClient]:
    """A client with all tables created."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    endpoint = os.environ.get("ALGO_DYNAMODB")
    if endpoint:
        client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
        names = _names()
        create_tables(client, names)
        yield client
        for name in names.values():
            client.delete_table(TableName=name)
        return
    with mock_aws():
        client = boto3.client("dynamodb", region_name=REGION)
        create_tables(client, _names())
        yield client


@pytest.fixture
def names() -> dict[Table, str]:
    return _names()


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    return dynamodb_stores(request.getfixturevalue("dynamodb"), _names())


def _names() -> dict[Table, str]:
    return table_names("conformance-")
