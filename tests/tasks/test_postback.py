"""The broker's webhook: what is refused changes nothing, and no secret leaves a handler."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from brokers.zerodha.postback import checksum_of
from tasks import aws, receive_postback

SECRET = "app-secret-of-za1234"


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The updates queue, and an account whose secret is known."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SFN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        aws._secrets.cache_clear()
        secret = {"broker": "zerodha", "api_key": "key", "api_secret": SECRET, "access_token": "token"}
        boto3.client("secretsmanager").create_secret(Name="algo/broker/ZA1234", SecretString=json.dumps(secret))
        made = boto3.resource("sqs").create_queue(QueueName="updates")
        monkeypatch.setenv("UPDATES_QUEUE_URL", made.url)
        yield made
    aws._secrets.cache_clear()


def postback(**changes: Any) -> dict[str, Any]:
    body = {
        "user_id": "ZA1234",
        "order_id": "B1",
        "order_timestamp": "2026-11-23 09:30:01",
        "exchange_update_timestamp": "2026-11-23 09:30:02",
        "status": "COMPLETE",
        "status_message": None,
        "exchange": "NFO",
        "tradingsymbol": "BANKNIFTY26NOV58400CE",
        "transaction_type": "SELL",
        "quantity": 30,
        "filled_quantity": 30,
        "average_price": 250.5,
        "price": 245,
        "tag": "N7K3M9Q2XWBTZ4HJD101",
    }
    body["checksum"] = checksum_of(str(body["order_id"]), str(body["order_timestamp"]), SECRET)
    return body | changes


def post(body: str | dict[str, Any], account: str = "ZA1234") -> int:
    text = body if isinstance(body, str) else json.dumps(body)
    event = {"pathParameters": {"account": account}, "body": text, "isBase64Encoded": False}
    return int(receive_postback.handler(event, None)["statusCode"])


def waiting(queue: Any) -> list[dict[str, Any]]:
    return [json.loads(message.body) for message in queue.receive_messages(MaxNumberOfMessages=10)]


def test_a_genuine_postback_is_queued(queue: Any) -> None:
    assert post(postback()) == 200
    (update,) = waiting(queue)
    assert (update["account"], update["tag"]) == ("ZA1234", "N7K3M9Q2XWBTZ4HJD101")
    assert (update["status"], update["filled_quantity"]) == ("FILLED", 30)


def test_a_base64_body_is_read(queue: Any) -> None:
    encoded = base64.b64encode(json.dumps(postback()).encode()).decode()
    event = {"pathParameters": {"account": "ZA1234"}, "body": encoded, "isBase64Encoded": True}
    assert receive_postback.handler(event, None)["statusCode"] == 200
    assert len(waiting(queue)) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (postback(checksum="0" * 64), 403),
        (postback(order_id="B2"), 403),
        ("not json", 400),
        ("[1, 2]", 400),
        ("", 400),
        ("[" * 60_000, 400),
        ('{"x": "' + "y" * 1_000_000 + '"}', 400),
    ],
    ids=["bad checksum", "another order", "not JSON", "a list", "empty", "deep", "1 MB"],
)
def test_what_is_not_genuine_is_refused(queue: Any, body: str | dict[str, Any], status: int) -> None:
    assert post(body) == status
    assert waiting(queue) == []


def test_an_unknown_account_is_refused(queue: Any) -> None:
    assert post(postback(), account="ZB9999") == 404
    assert waiting(queue) == []


def test_no_secret_reaches_a_log_or_an_answer(queue: Any, caplog: pytest.LogCaptureFixture) -> None:
    event = {"pathParameters": {"account": "ZA1234"}, "body": json.dumps(postback(checksum="0" * 64))}
    answer = receive_postback.handler(event, None)
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert "refused" in logged
    assert SECRET not in json.dumps(answer) + logged
    assert "0" * 64 not in logged
