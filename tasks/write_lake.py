"""WriteLake: events and brokers' words from the lake's queue into Parquet files.

What can never be written goes to the dead letters at once, with its reason in the message's attribute `reason`;
what the store did not take comes again. Neither stops anything else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tasks.spec import Function, Lake

if TYPE_CHECKING:
    from tasks.lake.writing import Poison
    from tasks.objects import S3Objects

FUNCTION = Function(
    name="WriteLake",
    module="tasks.write_lake",
    timeout=60,
    memory=1024,
    parquet=True,
    lake=(Lake.READ, Lake.WRITE),
)

REASON_CHARACTERS = 1000
"""Of a poison's reason, in the attribute of its dead letter."""


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda handler of the lake's queue (reports partial batch failures)."""
    from tasks.lake.writing import Message, write  # noqa: PLC0415  (pyarrow is in this function's layer alone)

    messages = [Message(record["messageId"], record["body"]) for record in event.get("Records", ())]
    done = write(messages, _objects())
    again = [*done.again, *set_aside(done.poison, _queues(), os.environ["LAKE_DEAD_LETTERS_URL"])]
    _log(len(messages), done.rows, len(done.keys), len(done.poison), len(again))
    return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in again]}


def set_aside(poison: Iterable[Poison], queues: Any, dead_letters: str) -> list[str]:
    """Put each among the dead letters with its reason; the ids of those that could not be put there."""
    kept = []
    for one in poison:
        try:
            queues.send_message(
                QueueUrl=dead_letters,
                MessageBody=one.message.body,
                MessageAttributes={
                    "reason": {"DataType": "String", "StringValue": one.reason[:REASON_CHARACTERS]}
                },
            )
        except Exception:  # noqa: BLE001  (whatever the queue has: the message stays where it is)
            kept.append(one.message.id)
    return kept


def _log(messages: int, rows: int, files: int, poison: int, again: int) -> None:
    from tasks.lambda_task import logger  # noqa: PLC0415  (the state machines are built without Powertools)

    counts = {"messages": messages, "rows": rows, "files": files, "poison": poison, "again": again}
    (logger.warning if poison or again else logger.info)("written", extra=counts)


@lru_cache(maxsize=1)
def _objects() -> S3Objects:
    from tasks.lake_bucket import lake_objects  # noqa: PLC0415

    return lake_objects()


@lru_cache(maxsize=1)
def _queues() -> Any:
    import boto3  # noqa: PLC0415

    return boto3.client("sqs")
