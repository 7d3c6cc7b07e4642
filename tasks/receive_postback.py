"""ReceivePostback: the broker's webhook. Check whose it is, queue it, answer at once.

`POST /postback/{account}`. A bad checksum, a body that is not JSON or is too big: refused, logged, nothing
changed.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger

from brokers.zerodha.postback import BadChecksum, MalformedPostback, parse_postback
from tasks.aws import account_secret
from tasks.order_update import OrderUpdate
from tasks.spec import Function

FUNCTION = Function(
    name="ReceivePostback",
    module="tasks.receive_postback",
    broker=True,
    sends_updates=True,
)

logger = Logger(service="algo", child=True)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda handler behind an HTTP API (payload format 2.0)."""
    account = str((event.get("pathParameters") or {}).get("account", ""))
    body = _body(event)
    secret = account_secret(account)
    if secret is None:
        return _refuse(404, account, "no such account")
    try:
        postback = parse_postback(body, secret["api_secret"])
    except BadChecksum as error:
        return _refuse(403, account, str(error))
    except MalformedPostback as error:
        return _refuse(400, account, str(error))
    _queue(OrderUpdate.of(account, postback.order, postback.body))
    return _answer(200, "queued")


def _body(event: dict[str, Any]) -> bytes:
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()


def _queue(update: OrderUpdate) -> None:
    boto3.client("sqs").send_message(
        QueueUrl=os.environ["UPDATES_QUEUE_URL"], MessageBody=update.model_dump_json()
    )


def _refuse(status: int, account: str, reason: str) -> dict[str, Any]:
    logger.warning("postback refused", extra={"status": status, "account": account, "reason": reason})
    return _answer(status, reason)


def _answer(status: int, message: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"message": message}),
    }
