"""The way to the lake from a function that has no Parquet: its queue."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import boto3

from tasks.contracts import Slot

_AT_ONCE = 10
"""Messages that SQS takes in one call."""


class LakeNotTold(Exception):
    """The lake's queue did not take a message: whoever sent it tries again."""


def tell(messages: Sequence[Slot]) -> None:
    """Put messages (`tasks.lake_message`) into the lake's queue, at least once.

    Raises
    ------
    LakeNotTold
        If SQS refused one.
    """
    for start in range(0, len(messages), _AT_ONCE):
        _send(messages[start : start + _AT_ONCE])


def _send(messages: Sequence[Slot]) -> None:
    entries = [{"Id": str(n), "MessageBody": message.model_dump_json()} for n, message in enumerate(messages)]
    answer = _client().send_message_batch(QueueUrl=os.environ["LAKE_QUEUE_URL"], Entries=entries)
    for failed in answer.get("Failed", ()):
        raise LakeNotTold(f"the lake's queue refused a message: {failed.get('Code')} {failed.get('Message')}")


@lru_cache(maxsize=1)
def _client() -> Any:
    return boto3.client("sqs")
