"""What is DynamoDB's alone: items a state machine wrote, conflicts, throttling, the names of tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from tasks.domain.ids import Purpose
from tasks.spec import Table
from tasks.stores.dynamodb import dynamodb_stores, from_environment
from tasks.stores.ports import OrderState, Phase, StoreUnavailable
from tasks.stores.wire import attribute, to_item
from tests.stores.rows import ACCOUNT, DAY, RUN, a_plan, a_position, an_order, later
from tests.stores.tables import create_tables, table_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

BASKET = Path(__file__).parents[2] / "workflows" / "definitions" / "account_basket.asl.json"

CLAIMED: Any = {
    "order_id": {"S": an_order().order_id},
    "position_id": {"S": "bnf-straddle-20261123-S-ZA1234-L1"},
    "run_key": {"S": "bnf-straddle-20261123-S"},
    "account": {"S": "ZA1234"},
    "broker": {"S": "zerodha"},
    "user_id": {"S": "user-1"},
    "basket_id": {"S": "basket-1"},
    "strategy_id": {"S": "bnf-straddle"},
    "trading_date": {"S": "2026-11-23"},
    "purpose": {"S": "N"},
    "leg": {"N": "1"},
    "slice": {"N": "1"},
    "attempt": {"N": "1"},
    "exchange": {"S": "NFO"},
    "symbol": {"S": "BANKNIFTY26NOV58400CE"},
    "exchange_token": {"S": "43021"},
    "side": {"S": "SELL"},
    "quantity": {"N": "30"},
    "product": {"S": "MIS"},
    "limit_price": {"N": "311.55"},
    "tick": {"N": "0.05"},
    "entry_until": {"S": "2026-11-23T04:05:00Z"},
    "status": {"S": "CLAIMED"},
    "claimed_at": {"S": "2026-11-23T04:00:00.123Z"},
}
"""As ClaimOrder's putItem writes it."""


def test_an_order_the_state_machine_claimed_is_read(dynamodb: DynamoDBClient, names: dict[Table, str]) -> None:
    dynamodb.put_item(TableName=names[Table.ORDERS], Item=CLAIMED)
    claimed_at = datetime(2026, 11, 23, 4, 0, 0, 123000, tzinfo=UTC)
    orders = dynamodb_stores(dynamodb, names).orders
    assert orders.get(an_order().order_id) == an_order(claimed_at=claimed_at)
    assert not orders.claim(an_order())


def test_an_order_the_state_machine_claimed_is_sent_and_advanced(
    dynamodb: DynamoDBClient, names: dict[Table, str]
) -> None:
    dynamodb.put_item(TableName=names[Table.ORDERS], Item=CLAIMED)
    stores = dynamodb_stores(dynamodb, names)
    stores.runs.plan_account(a_plan())
    order = stores.orders.get(CLAIMED["order_id"]["S"])
    assert order is not None
    assert stores.orders.begin_send(order, phase=Phase.ENTERING, at=later(1))
    assert stores.orders.advance(
        order.order_id, OrderState.FILLED, at=later(2), broker_order_id="1", filled_quantity=30
    )
    stores.orders.repriced(order.order_id, limit_price=Decimal(300), at=later(3))
    found = stores.orders.by_broker_order_id(ACCOUNT, "1")
    assert found is not None
    assert (found.status, found.modifications) == (OrderState.FILLED, 1)


def test_the_definition_writes_what_the_store_writes() -> None:
    """ClaimOrder's Item and a claimed row have the same attributes, of the same types."""
    written = {name: _kind(form) for name, form in _item("ClaimBuyOrder").items()}
    ours = {name: _kind(form) for name, form in to_item(an_order()).items()}
    zeroes = {"filled_quantity", "average_price", "modifications"}
    assert written == {name: kind for name, kind in ours.items() if name not in zeroes}


def test_a_position_the_state_machine_recorded_is_read(
    dynamodb: DynamoDBClient, names: dict[Table, str]
) -> None:
    stores = dynamodb_stores(dynamodb, names)
    row = a_position(entry_qty=30, entry_price=Decimal("311.525"))
    identity = ("run_key", "account", "user_id", "basket_id", "strategy_id")
    contract = ("trading_date", "exchange", "symbol", "exchange_token", "side")
    dynamodb.update_item(
        TableName=names[Table.POSITIONS],
        Key={"position_id": {"S": row.position_id}},
        UpdateExpression="SET #quantity = :quantity, #price = :price, realised = :realised, "
        + ", ".join(f"#{name} = :{name}" for name in identity + contract),
        ConditionExpression="attribute_not_exists(#quantity) OR #quantity < :quantity",
        ExpressionAttributeNames={
            "#quantity": "entry_qty",
            "#price": "entry_price",
            **{f"#{name}": name for name in identity + contract},
        },
        ExpressionAttributeValues={
            ":quantity": {"N": "30"},
            ":price": {"N": "311.5250"},
            ":realised": {"N": "0"},
            **{f":{name}": {"S": str(getattr(row, name))} for name in identity + contract},
        },
    )
    assert stores.positions.get(row.position_id) == row
    assert not stores.positions.record(row, purpose=Purpose.ENTRY)
    assert list(stores.positions.by_user_date("user-1", DAY)) == [row]


def test_a_claim_of_the_state_machine_counts(dynamodb: DynamoDBClient, names: dict[Table, str]) -> None:
    stores = dynamodb_stores(dynamodb, names)
    dynamodb.put_item(
        TableName=names[Table.RUNS],
        Item={
            "run_key": {"S": RUN},
            "item": {"S": "CLAIM#ENTRY"},
            "execution": {"S": "theirs"},
            "claimed_at": {"S": "2026-11-23T04:00:00.123Z"},
        },
    )
    assert not stores.runs.claim(RUN, "ENTRY", execution="ours", at=later(1))
    assert stores.runs.claim(RUN, "ENTRY", execution="theirs", at=later(1))


def test_a_flat_account_leaves_the_sparse_index(dynamodb: DynamoDBClient, names: dict[Table, str]) -> None:
    stores = dynamodb_stores(dynamodb, names)
    stores.runs.plan_account(a_plan())
    assert _runs(dynamodb, names)[0]["exit_date"] == {"S": "2026-11-23"}
    stores.runs.set_phase(RUN, ACCOUNT, Phase.FLAT)
    assert "exit_date" not in _runs(dynamodb, names)[0]


def test_an_account_run_is_stored_as_people_and_indexes_read_it(
    dynamodb: DynamoDBClient, names: dict[Table, str]
) -> None:
    dynamodb_stores(dynamodb, names).runs.plan_account(a_plan())
    (item,) = _runs(dynamodb, names)
    assert item["item"] == {"S": "ACCT#ZA1234"}
    assert item["exit_at"] == {"S": "2026-11-23T15:15:00+05:30"}
    legs = json.loads(item["legs"]["S"])
    assert legs[0]["limit_price"] == "311.55"


def test_tables_are_named_by_the_environment(dynamodb: DynamoDBClient) -> None:
    create_tables(dynamodb, table_names("conformance-elsewhere-"))
    environment = {table.variable: f"conformance-elsewhere-{table}" for table in Table}
    from_environment(dynamodb, environment).catalog.put("user-1", "PROFILE", {"a": 1})
    assert dynamodb_stores(dynamodb, table_names("conformance-elsewhere-")).catalog.get(
        "user-1", "PROFILE"
    ) == {"a": 1}


def test_a_query_reads_all_pages(dynamodb: DynamoDBClient, names: dict[Table, str]) -> None:
    catalog = dynamodb_stores(dynamodb, names).catalog
    for number in range(150):
        catalog.put("user-1", f"STRATEGY#{number:03}", {"n": number, "text": "x" * 8_000})
    found = catalog.list("user-1", "STRATEGY#")
    assert [document["n"] for document in found] == list(range(150))


def test_a_float_or_a_naive_time_never_reaches_a_table() -> None:
    with pytest.raises(TypeError, match="float"):
        attribute(1.5)
    with pytest.raises(TypeError, match="time zone"):
        attribute(datetime(2026, 11, 23, 9, 30))


@pytest.fixture
def client() -> DynamoDBClient:
    """It reaches nothing: discard is not listening."""
    return boto3.client(
        "dynamodb",
        region_name="ap-south-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def stubbed(client: DynamoDBClient) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_empty_text_that_a_row_needs_is_kept(dynamodb: DynamoDBClient, names: dict[Table, str]) -> None:
    stores = dynamodb_stores(dynamodb, names)
    order = an_order(basket_id="")
    assert stores.orders.claim(order)
    assert stores.orders.get(order.order_id) == order


def test_a_conflict_of_two_legs_is_tried_again(
    client: DynamoDBClient, stubbed: Stubber, names: dict[Table, str]
) -> None:
    for _ in range(2):
        _cancelled(stubbed, "None", "TransactionConflict")
    stubbed.add_response("transact_write_items", {})
    pauses: list[float] = []
    stores = dynamodb_stores(client, names, pause=pauses.append)
    assert stores.orders.begin_send(an_order(), phase=Phase.ENTERING, at=later(1))
    assert pauses == [0.01, 0.02]


def test_a_refused_condition_is_an_answer(
    client: DynamoDBClient, stubbed: Stubber, names: dict[Table, str]
) -> None:
    _cancelled(stubbed, "None", "ConditionalCheckFailed")
    stores = dynamodb_stores(client, names, pause=_never)
    assert not stores.orders.begin_send(an_order(), phase=Phase.ENTERING, at=later(1))


def test_a_conflict_that_lasts_is_an_outage(
    client: DynamoDBClient, stubbed: Stubber, names: dict[Table, str]
) -> None:
    for _ in range(8):
        _cancelled(stubbed, "TransactionConflict", "None")
    pauses: list[float] = []
    stores = dynamodb_stores(client, names, pause=pauses.append)
    with pytest.raises(StoreUnavailable, match="conflicted"):
        stores.orders.begin_send(an_order(), phase=Phase.ENTERING, at=later(1))
    assert sum(pauses) < 1.5


def test_a_malformed_transaction_is_our_fault(
    client: DynamoDBClient, stubbed: Stubber, names: dict[Table, str]
) -> None:
    _cancelled(stubbed, "ValidationError", "None")
    stores = dynamodb_stores(client, names, pause=_never)
    with pytest.raises(ClientError, match="TransactionCanceled"):
        stores.orders.begin_send(an_order(), phase=Phase.ENTERING, at=later(1))


def test_throttling_is_an_outage_and_a_missing_table_is_not(
    client: DynamoDBClient, stubbed: Stubber, names: dict[Table, str]
) -> None:
    stubbed.add_client_error("get_item", "ProvisionedThroughputExceededException", http_status_code=400)
    stubbed.add_client_error("get_item", "ResourceNotFoundException", http_status_code=400)
    orders = dynamodb_stores(client, names, pause=_never).orders
    with pytest.raises(StoreUnavailable, match=r"conformance-orders: ProvisionedThroughput"):
        orders.get("N7K3M9Q2XWBTZ4HJD101")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        orders.get("N7K3M9Q2XWBTZ4HJD101")


def test_no_connection_is_an_outage(client: DynamoDBClient, names: dict[Table, str]) -> None:
    with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
        dynamodb_stores(client, names).orders.get("N7K3M9Q2XWBTZ4HJD101")


def test_keys_left_unprocessed_are_asked_again(
    client: DynamoDBClient, stubbed: Stubber, names: dict[Table, str]
) -> None:
    table = names[Table.ORDERS]
    second = {**CLAIMED, "order_id": {"S": an_order(leg=2).order_id}}
    left = {table: {"Keys": [{"order_id": second["order_id"]}], "ConsistentRead": True}}
    stubbed.add_response("batch_get_item", {"Responses": {table: [CLAIMED]}, "UnprocessedKeys": left})
    stubbed.add_response(
        "batch_get_item",
        {"Responses": {table: [second]}, "UnprocessedKeys": {}},
        expected_params={"RequestItems": left},
    )
    pauses: list[float] = []
    orders = dynamodb_stores(client, names, pause=pauses.append).orders
    found = orders.get_many([an_order().order_id, an_order(leg=2).order_id])
    assert set(found) == {an_order().order_id, an_order(leg=2).order_id}
    assert pauses == [0.01]


def _cancelled(stubber: Stubber, *codes: str) -> None:
    stubber.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
        expected_params={"TransactItems": ANY},
    )


def _never(seconds: float) -> None:
    raise AssertionError(f"paused {seconds} s")


def _runs(client: DynamoDBClient, names: dict[Table, str]) -> list[Any]:
    return client.scan(TableName=names[Table.RUNS])["Items"]


def _kind(form: Any) -> str:
    """S or N, of a value or of a state machine's template for one."""
    (kind,) = form
    return str(kind).removesuffix(".$")


def _item(state: str) -> dict[str, dict[str, str]]:
    def find(node: Any) -> Any:
        if not isinstance(node, dict | list):
            return None
        if isinstance(node, dict) and state in node:
            return node[state]
        values = node.values() if isinstance(node, dict) else node
        return next((found for value in values if (found := find(value)) is not None), None)

    found: dict[str, dict[str, str]] = find(json.loads(BASKET.read_text()))["Parameters"]["Item"]
    return found
