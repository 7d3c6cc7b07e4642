"""The process that fires schedules: `python -m localstack.schedule_loop --port 8084 --data schedules.json`.

`GET /` shows what is due next. `GET /_local/idle` answers the conductor. The platform is found by the
environment (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_SFN`), the clock by `ALGO_CLOCK`. What was due while it was
down is fired when it is up again: what it has fired is in `--data`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from brokers.clock import Clock, SystemClock
from localstack.schedules import (
    Forgetful,
    Loop,
    Occurrence,
    Schedule,
    TargetRefused,
    TargetUnreachable,
)
from localstack.site import HOST

if TYPE_CHECKING:
    from mypy_boto3_scheduler.client import EventBridgeSchedulerClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_stepfunctions.client import SFNClient

logger = logging.getLogger("schedules")

TICK_SECONDS = 0.1
REFRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SchedulerBook:
    """The schedules of all groups, read through EventBridge Scheduler's API."""

    client: EventBridgeSchedulerClient

    def schedules(self) -> Sequence[Mapping[str, Any]]:
        pages = self.client.get_paginator("list_schedules").paginate()
        listed = [each for page in pages for each in page["Schedules"]]
        return [
            dict(self.client.get_schedule(Name=each["Name"], GroupName=each["GroupName"])) for each in listed
        ]

    def delete(self, schedule: Schedule) -> None:
        self.client.delete_schedule(Name=schedule.name, GroupName=schedule.group)


@dataclass(frozen=True, slots=True)
class AwsTargets:
    """State machines, and SQS for what could not be started."""

    step_functions: SFNClient
    queues: SQSClient

    def start(self, arn: str, text: str) -> None:
        if ":stateMachine:" not in arn:
            raise TargetRefused("UnsupportedTarget", f"{arn}: only state machines are started on one machine")
        try:
            self.step_functions.start_execution(stateMachineArn=arn, input=text)
        except ClientError as error:
            details, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise TargetUnreachable(f"{details['Code']}: {details['Message']}") from None
            raise TargetRefused(details["Code"], details["Message"]) from None
        except BotoCoreError as error:
            raise TargetUnreachable(f"{type(error).__name__}: {error}") from None

    def bury(self, queue_arn: str, occurrence: Occurrence, text: str, error: TargetRefused) -> None:
        url = self.queues.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[-1])["QueueUrl"]
        facts = {
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": str(error),
            "SCHEDULE_ARN": occurrence.schedule.arn,
            "SCHEDULED_TIME": f"{occurrence.due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "TARGET_ARN": str(occurrence.schedule.target["Arn"]),
        }
        self.queues.send_message(
            QueueUrl=url,
            MessageBody=text,
            MessageAttributes={k: {"DataType": "String", "StringValue": v} for k, v in facts.items()},
        )


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """A JSON file, replaced whole."""

    path: Path

    def load(self) -> dict[str, datetime]:
        try:
            kept = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {}
        return {arn: datetime.fromisoformat(moment) for arn, moment in kept.items()}

    def save(self, considered: Mapping[str, datetime]) -> None:
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps({arn: moment.isoformat() for arn, moment in considered.items()}))
        os.replace(draft, self.path)


class Runner:
    """Turns the loop, and answers questions about it from other threads."""

    def __init__(self, loop: Loop, clock: Clock) -> None:
        self._loop = loop
        self._clock = clock
        self._lock = threading.Lock()
        self._refreshed = 0.0

    def turn(self) -> None:
        """One round. An emulator that is not there (yet) is waited for."""
        with self._lock:
            try:
                self._refresh_if_old()
                self._loop.tick()
            except (BotoCoreError, ClientError) as error:
                logger.warning("schedules are not available: %s", error)

    def idle(self) -> dict[str, Any]:
        """What is due next, read afresh: the conductor must not jump over a schedule made a moment ago."""
        with self._lock:
            self._loop.refresh()
            upcoming = self._loop.upcoming()
        now = self._clock.now()
        due = [each.due for each in upcoming]
        return {
            "busy": sum(moment <= now for moment in due),
            "next_due": min(due).isoformat() if due else None,
        }

    def overview(self) -> dict[str, Any]:
        with self._lock:
            upcoming = self._loop.upcoming()
        return {
            "now": self._clock.now().isoformat(),
            "upcoming": [{"schedule": each.schedule.name, "due": each.due.isoformat()} for each in upcoming],
        }

    def _refresh_if_old(self) -> None:
        if time.monotonic() - self._refreshed >= REFRESH_SECONDS:
            self._loop.refresh()
            self._refreshed = time.monotonic()


def server(runner: Runner, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                self._answer(200, runner.idle() if self.path == "/_local/idle" else runner.overview())
            except (BotoCoreError, ClientError) as error:
                self._answer(503, {"message": str(error)})

        def do_POST(self) -> None:
            runner.turn()
            self._answer(200, {})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            logger.debug(format, *args)

    return ThreadingHTTPServer((HOST, port), Handler)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8084)
    parser.add_argument(
        "--data", type=Path, help="file that keeps what was fired; without it, this process alone"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    clock = SystemClock.from_environment()
    targets = AwsTargets(boto3.client("stepfunctions"), boto3.client("sqs"))
    memory = MemoryFile(arguments.data) if arguments.data else Forgetful()
    runner = Runner(Loop(SchedulerBook(boto3.client("scheduler")), targets, clock, memory), clock)
    with server(runner, arguments.port) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        while True:
            runner.turn()
            time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    main()
