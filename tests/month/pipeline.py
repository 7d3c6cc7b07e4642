"""SQS and S3 of a running ministack, and the writer between them, which can be killed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from pydantic import BaseModel

from localstack.platform import EMULATOR_PYTHON, Market, Platform
from localstack.processes import Processes
from localstack.site import ACCOUNT_ID, REGION, Ports, Site
from tasks import write_lake
from tasks.lake.reading import Place
from tasks.objects import TABLES, S3Objects
from tasks.stores.journal import Recorded

BUCKET = "algo-lake-month"
AT_ONCE = 10
_KEEPING = ("PERSIST_STATE", "STATE_DIR", "S3_PERSIST", "S3_DATA_DIR")
BATCHES = (20, 200, 1000)
"""Messages of one call of the writer: on AWS as many as there are, up to 1,000."""


class Killed(BaseException):
    """The writer's process is gone."""


@dataclass(slots=True)
class Deadly:
    """Objects whose calls end the writer at the moments that are named: before a write or after it."""

    target: S3Objects
    dice: Random
    every: int = 0
    """One call of so many is the last one of its process; 0 for none."""
    left: int = 0
    """How many times it still may be."""
    kills: int = 0

    def put(self, key: str, content: bytes) -> None:
        fate = self._fate()
        if fate == "before":
            raise Killed
        self.target.put(key, content)
        if fate == "after":
            raise Killed

    def get(self, key: str) -> bytes | None:
        return self.target.get(key)

    def _fate(self) -> str:
        if not self.left or self.dice.randrange(max(1, self.every)):
            return "lives"
        self.left -= 1
        self.kills += 1
        return self.dice.choice(("before", "after"))


@dataclass(slots=True)
class Pipeline:
    """What is told goes into the queue; `drain` lets the writer take it from there."""

    queues: Any
    queue: str
    dead: str
    objects: S3Objects
    place: Place
    deadly: Deadly
    dice: Random
    twice: bool = False
    """Every message is put into the queue twice."""
    sent: int = 0
    written: int = 0
    calls: int = 0
    _bodies: list[str] = field(default_factory=list)
    _again: list[str] = field(default_factory=list)

    def put(self, events: Sequence[Recorded]) -> None:
        """The bus: its rule puts each event into the queue as it was recorded."""
        for event in events:
            self.tell(event)

    def tell(self, message: BaseModel) -> None:
        self.add(message.model_dump_json())

    def add(self, body: str) -> None:
        """Any text at all."""
        self._bodies.append(body)

    def flush(self) -> None:
        """Send what has gathered, in any order; the second copies come a day later, some at once besides."""
        first, self._bodies = self._bodies, []
        again, self._again = self._again, first if self.twice else []
        told = [*first, *again, *(self.dice.sample(first, len(first) // 20) if self.twice else ())]
        self.dice.shuffle(told)
        self._send(told)

    def _send(self, bodies: Sequence[str]) -> None:
        for start in range(0, len(bodies), AT_ONCE):
            entries = [
                {"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + AT_ONCE])
            ]
            assert not self.queues.send_message_batch(QueueUrl=self.queue, Entries=entries).get("Failed")
            self.sent += len(entries)

    def drain(self) -> None:
        """Everything that waits, batch by batch. A batch whose writer was killed comes again at once."""
        while records := self._receive():
            self._write(records)

    def _write(self, records: list[dict[str, Any]]) -> None:
        while True:
            self.calls += 1
            try:
                answer = write_lake.handler({"Records": records}, None)
            except Killed:
                continue
            break
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        assert not failed, "the store took everything"
        self._delete(records)
        self.written += len(records)

    def _receive(self) -> list[dict[str, Any]]:
        """A batch, as Lambda gathers it."""
        found: dict[str, dict[str, Any]] = {}
        size = self.dice.choice(BATCHES)
        while len(found) < size:
            got = self.queues.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=AT_ONCE).get(
                "Messages", ()
            )
            if not got:
                break
            for each in got:
                found[each["MessageId"]] = {
                    "messageId": each["MessageId"],
                    "body": each["Body"],
                    "receipt": each["ReceiptHandle"],
                }
        return list(found.values())

    def _delete(self, records: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(records), AT_ONCE):
            entries = [
                {"Id": str(n), "ReceiptHandle": each["receipt"]}
                for n, each in enumerate(records[start : start + AT_ONCE])
            ]
            self.queues.delete_message_batch(QueueUrl=self.queue, Entries=entries)

    def sizes(self) -> list[int]:
        """Bytes of each file of the lake."""
        pages = self.objects.client.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=f"{TABLES}/"
        )
        return [int(each["Size"]) for page in pages for each in page.get("Contents", ())]

    def poison(self) -> list[tuple[str, str]]:
        """What is among the dead letters, with its reason."""
        got = self.queues.receive_message(
            QueueUrl=self.dead, MaxNumberOfMessages=AT_ONCE, MessageAttributeNames=["All"]
        )
        return [
            (each["Body"], each["MessageAttributes"]["reason"]["StringValue"])
            for each in got.get("Messages", ())
        ]


@contextmanager
def running(folder: Path, dice: Random) -> Iterator[Pipeline]:
    """A ministack of its own, with the queue, its dead letters and the bucket.

    Without the platform's shim, which writes the whole queue to disk for each message: here are 200,000.
    """
    site = Site(folder, Ports.free())
    platforms = next(each for each in Platform(site).services(Market()) if each.name == "ministack")
    kept = {name: value for name, value in platforms.variables.items() if name not in _KEEPING}
    command = [str(EMULATOR_PYTHON), "-c", "from ministack.app import main; main()"]
    ministack = replace(platforms, command=command, mark="ministack.app", variables=kept)
    processes = Processes(folder)
    folder.mkdir(parents=True, exist_ok=True)
    processes.start(ministack, site.environment())
    patch = pytest.MonkeyPatch()
    try:
        processes.wait_until_up(ministack)
        yield _pipeline(site, dice, patch)
    finally:
        patch.undo()
        processes.stop(ministack)


def _pipeline(site: Site, dice: Random, patch: pytest.MonkeyPatch) -> Pipeline:
    session = boto3.Session(
        aws_access_key_id=ACCOUNT_ID,
        aws_secret_access_key="local",
        region_name=REGION,
    )
    queues = session.client("sqs", endpoint_url=site.aws_url)
    store = session.client("s3", endpoint_url=site.aws_url)
    store.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    dead = queues.create_queue(QueueName="algo-lake-dlq")["QueueUrl"]
    made = queues.create_queue(QueueName="algo-lake", Attributes={"VisibilityTimeout": "600"})
    queue = made["QueueUrl"]
    objects = S3Objects(store, BUCKET)
    deadly = Deadly(objects, dice)
    patch.setattr(write_lake, "_objects", lambda: deadly)
    patch.setattr(write_lake, "_queues", lambda: queues)
    patch.setenv("LAKE_DEAD_LETTERS_URL", dead)
    place = Place(
        f"s3://{BUCKET}/{TABLES}", endpoint=site.aws_url, region=REGION, key=ACCOUNT_ID, secret="local"
    )
    return Pipeline(queues, queue, dead, objects, place, deadly, dice)
