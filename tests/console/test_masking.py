"""No secret is ever shown, wherever it stands."""

from __future__ import annotations

import json

import pytest

from localstack.console.words import plain_cause
from tasks.masking import MASK, masked_text

TASK_TOKEN = "AQ" + "cEAAAAKgAAAAMAAAAAAAAAAdf3" * 5
ACCESS_TOKEN = "r4nd0mAccess"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"token": TASK_TOKEN}),
        json.dumps({"Payload": {"TaskToken": TASK_TOKEN, "order_id": "N1"}}),
        json.dumps({"MessageBody": json.dumps({"deep": {"taskToken": TASK_TOKEN}})}),
        json.dumps(["x", {"note": f"look: {TASK_TOKEN}"}]),
        f"the task {TASK_TOKEN} has timed out",
        '{"cut off": "…", "token": "' + TASK_TOKEN,
    ],
)
def test_task_tokens(text: str) -> None:
    assert TASK_TOKEN not in masked_text(text)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"access_token": ACCESS_TOKEN}),
        json.dumps({"headers": {"Authorization": f"token key:{ACCESS_TOKEN}"}}),
        json.dumps({"api_secret": ACCESS_TOKEN, "api_key": ACCESS_TOKEN}),
        json.dumps({"SecretString": json.dumps({"access_token": ACCESS_TOKEN})}),
        f"GET /orders?access_token={ACCESS_TOKEN} failed",
        f"Authorization: token {ACCESS_TOKEN}",
        f"password: '{ACCESS_TOKEN}'",
    ],
)
def test_broker_secrets(text: str) -> None:
    assert ACCESS_TOKEN not in masked_text(text)
    assert MASK in masked_text(text)


def test_what_is_no_secret_stays() -> None:
    data = {
        "exchange_token": "46321",
        "token.$": "$$.Task.Token",
        "tag": "NBZC2F2X2BQ795R91101",
        "arn": "arn:aws:states:ap-south-1:000000000000:execution:algo-AccountBasket:" + "x-" * 30,
        "run_key": "a-very-long-strategy-name-20261123-S-ZA1234-ENTRY",
    }
    assert json.loads(masked_text(json.dumps(data))) == data


def test_kites_own_words_stay_readable() -> None:
    cause = json.dumps(
        {"errorMessage": "Incorrect `api_key` or `access_token`. (account ZB5678)", "stackTrace": ["…"]}
    )
    assert plain_cause(cause) == "Incorrect `api_key` or `access_token`. (account ZB5678)"
