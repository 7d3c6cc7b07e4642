"""What a broker said goes on to the lake, whatever became of it, and without a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from moto import mock_aws

from brokers.clock import IST
from brokers.model import BrokerOrder, OrderStatus, Side
from tasks import apply_updates, lake_queue, plan_account
from tasks.lake.messages import landing_of
from tasks.order_update import OrderUpdate
from tests.tasks.world import ACCOUNT, World, account_task, claim, leg

SECRET = "s3cr3tOfTheApp"


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        lake_queue._client.cache_clear()
        made = boto3.resource("sqs").create_queue(QueueName="lake")
        monkeypatch.setenv("LAKE_QUEUE_URL", made.url)
        yield made
    lake_queue._client.cache_clear()


def _said(tag: str, number: str = "B1") -> str:
    order = BrokerOrder(
        broker_order_id=number,
        tag=tag,
        symbol="BANKNIFTY26NOV58400CE",
        side=Side.SELL,
        quantity=30,
        filled_quantity=0,
        average_price=Decimal(0),
        price=Decimal(245),
        status=OrderStatus.OPEN,
        reason="",
        at=datetime(2026, 11, 23, 9, 30, tzinfo=IST),
    )
    return OrderUpdate.of(ACCOUNT, order, {"order_id": number, "api_secret": SECRET}).model_dump_json()


def _deliver(*bodies: str) -> Any:
    records = [{"messageId": f"m{n}", "body": body, "eventSource": "aws:sqs"} for n, body in enumerate(bodies)]
    context = SimpleNamespace(aws_request_id="r")
    return apply_updates.handler({"Records": records}, context)  # type: ignore[arg-type]


def _waiting(queue: Any) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in queue.receive_messages(MaxNumberOfMessages=10)]


def test_an_update_is_applied_and_told(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.at()
    world.link_account()
    monkeypatch.setattr(apply_updates, "runtime", lambda: world.rt)
    (planned,) = plan_account.run(account_task(leg(1, "CE")), world.rt).sells
    claim(world, planned)
    row = world.order(planned.order_id)
    assert _deliver(_said(row.order_id), _said("stranger", "B9"))["batchItemFailures"] == [
        {"itemIdentifier": "m1"}
    ]
    assert world.order(row.order_id).broker_order_id == "B1"
    ours, strange = sorted(_waiting(queue), key=lambda told: str(told["broker_order_id"]))
    assert (ours["user_id"], ours["order_id"], ours["run_key"]) == (row.user_id, row.order_id, row.run_key)
    assert (strange["user_id"], strange["broker_order_id"]) == ("", "B9")
    assert SECRET not in json.dumps([ours, strange])
    assert landing_of(json.dumps(ours)).row["broker_order_id"] == "B1"


def test_what_nobody_could_apply_is_told_too(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.at()
    monkeypatch.setattr(apply_updates, "runtime", lambda: world.rt)
    with pytest.raises(BatchProcessingError):
        _deliver(_said("stranger"))
    assert [told["tag"] for told in _waiting(queue)] == ["stranger"]
