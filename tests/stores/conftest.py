"""Both implementations, each empty for each test; the one on DynamoDB on moto and on ministack.

`ALGO_DYNAMODB=http://127.0.0.1:4566` runs what runs on ministack against that endpoint instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from localstack.platform import EMULATOR_PYTHON, Market, Platform
from localstack.processes import Processes
from localstack.site import ACCOUNT_ID, Ports, Site
from tasks.spec import Table
from tasks.stores import Stores
from tasks.stores.dynamodb import dynamodb_stores
from tasks.stores.memory import memory_stores
from tests.faults.storing import Backing, InMemory, OnDynamoDB
from tests.stores.tables import create_tables, empty_tables, table_names

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


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a ministack of this test run's own."""
    endpoint = os.environ.get("ALGO_DYNAMODB")
    if endpoint:
        yield endpoint
        return
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    site = Site(tmp_path_factory.mktemp("ministack"), Ports.free())
    service = next(one for one in Platform(site).services(Market()) if one.name == "ministack")
    processes = Processes(site.state)
    processes.start(service, site.environment())
    try:
        processes.wait_until_up(service)
        yield site.aws_url
    finally:
        processes.stop(service)


@pytest.fixture(scope="module")
def ministack_client(ministack: str) -> Iterator[DynamoDBClient]:
    """All tables on ministack, for a module's tests: emptied after each, because making them takes longer."""
    client: DynamoDBClient = boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=ministack,
        aws_access_key_id=ACCOUNT_ID,
        aws_secret_access_key="testing",
    )
    create_tables(client, _names())
    yield client
    for name in _names().values():
        client.delete_table(TableName=name)


@pytest.fixture
def on_ministack(ministack_client: DynamoDBClient) -> Iterator[DynamoDBClient]:
    yield ministack_client
    empty_tables(ministack_client, _names())


STORES = [
    "memory",
    pytest.param("dynamodb", id="moto"),
    pytest.param("on_ministack", id="ministack", marks=[pytest.mark.slow, pytest.mark.platform]),
]


@pytest.fixture(params=STORES)
def backing(request: pytest.FixtureRequest) -> Backing:
    """Stores, and the way by which the state machines' own calls reach what they are kept in."""
    if request.param == "memory":
        return InMemory(memory_stores())
    client = request.getfixturevalue(request.param)
    return OnDynamoDB(client, dynamodb_stores(client, _names()))


@pytest.fixture
def stores(backing: Backing) -> Stores:
    return backing.stores


def _names() -> dict[Table, str]:
    return table_names(PREFIX)
