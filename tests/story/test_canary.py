"""Nothing secret is written anywhere but where secrets live: passwords, API secrets, sessions, tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.data import SHAPES
from infra.settings import named
from localstack.people import mails
from localstack.seed import CREDENTIALS
from tasks.spec import Table
from tests.story.play import PASSWORD, PROXY_PASSWORD, Story

pytestmark = [pytest.mark.slow, pytest.mark.platform]


ELSEWHERE = ("simulator.log", "simulator.started", "cognito.json", "secretsmanager.json")
"""The exchange's own (it is started with the accounts that it has), and what stands for the pool's and the
secrets' own storage on one machine."""

GATHERING = named("lake")
"""A queue whose messages wait for company before they are written."""


def secrets(story: Story) -> dict[str, str]:
    """Everything that must not be found, by what it is."""
    found = {"password": PASSWORD, "password of the proxy": PROXY_PASSWORD}
    for account, known in CREDENTIALS.items():
        found[f"API secret of {account}"] = known.api_secret
    for person in (story.admin, story.asha, story.ravi):
        tokens = person.api.tokens
        assert tokens is not None
        found |= {f"ID token of {person.email}": tokens.id_token}
        found |= {f"refresh token of {person.email}": tokens.refresh_token}
    for account in CREDENTIALS:
        kept = story.platform.aws.secrets.get_secret_value(SecretId=f"algo/broker/{account}")
        found[f"session of {account}"] = json.loads(kept["SecretString"])["access_token"]
    return {what: secret for what, secret in found.items() if secret}


def written(story: Story) -> Iterator[tuple[str, str]]:
    """Everything the system wrote, by where."""
    for path in sorted(story.platform.site.state.rglob("*")):
        if path.is_file() and path.name not in ELSEWHERE:
            yield path.name, path.read_bytes().decode(errors="replace")
    for table in SHAPES:
        if table is not Table.CALLBACKS:
            yield f"table {table}", json.dumps(list(items(story, named(table))), default=str)
    yield "histories", story.histories()
    yield "e-mails", "\n".join(f"{mail.subject} {mail.text}" for mail in mails(story.platform.site))
    yield "answers", "\n".join(story.answers)
    yield from queues(story)
    yield "schedules", json.dumps(story.notes["schedules"], default=str)


def items(story: Story, table: str) -> Iterator[Mapping[str, Any]]:
    for page in story.platform.aws.dynamodb.get_paginator("scan").paginate(TableName=table):
        yield from page["Items"]


def queues(story: Story) -> Iterator[tuple[str, str]]:
    """What waits in a queue, the dead letters above all."""
    sqs = story.platform.aws.sqs
    for url in sqs.list_queues()["QueueUrls"]:
        waiting = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        yield url, json.dumps(waiting.get("Messages", []))


def test_the_canaries_are_planted(story: Story) -> None:
    """Otherwise the other test would find nothing whatever was written."""
    planted = secrets(story)
    assert len(planted) >= 13
    assert all(len(secret) >= 9 for secret in planted.values())
    places = dict(written(story))
    assert {"ministack.log", "step-functions.log", "table events", "table views", "histories"} <= set(places)
    assert "ZA1234" in places["table catalog"]
    assert "ZA1234" in places["answers"]
    assert "http://10.0.0.7:3128" in places["table catalog"]
    kept = story.platform.aws.secrets.get_secret_value(SecretId="algo/broker/egress/mumbai-1")
    assert PROXY_PASSWORD in kept["SecretString"]
    assert "ZA1234" in places["histories"]
    assert "ZB5678" in places["e-mails"]
    assert "ZA1234" in places["ministack.log"]


def test_no_secret_is_found_anywhere(story: Story) -> None:
    planted = secrets(story)
    found = [
        (what, where) for where, text in written(story) for what, secret in planted.items() if secret in text
    ]
    assert found == []


def test_no_dead_letter_was_left(story: Story) -> None:
    waiting = {url.rpartition("/")[2]: text for url, text in queues(story) if text != "[]"}
    assert {name: text for name, text in waiting.items() if name != GATHERING} == {}
