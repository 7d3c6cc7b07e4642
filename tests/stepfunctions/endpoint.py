"""What tests do with a running endpoint."""

from __future__ import annotations

import itertools
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

ROLE = "arn:aws:iam::000000000000:role/test"
_names = itertools.count(1)


def wait_until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What the condition gives, once it is true of the world."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {condition}")


@dataclass
class Endpoint:
    port: int
    clock_file: Path
    client: SFNClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = boto3.client(
            "stepfunctions",
            endpoint_url=self.url,
            region_name="ap-south-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_up(self) -> None:
        wait_until(self._is_up)

    def _is_up(self) -> bool:
        try:
            self.idle()
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    def idle(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_local/idle", timeout=5) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found

    def jump(self, seconds: float) -> None:
        """Move the platform's clock forward and tell the endpoint."""
        offset = float(self.clock_file.read_text()) + seconds
        written = self.clock_file.with_suffix(".new")
        written.write_text(str(offset))
        written.replace(self.clock_file)
        request = urllib.request.Request(f"{self.url}/_local/clock", method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310

    def create(self, states: dict[str, Any], **fields: Any) -> str:
        """A machine of these states, which starts at the first of them; its ARN."""
        definition = {"StartAt": next(iter(states)), "States": states, **fields}
        name = f"machine-{next(_names)}"
        made = self.client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        return made["stateMachineArn"]

    def start(self, states: dict[str, Any], input_: Any = None, **fields: Any) -> str:
        """Create and start; the execution's ARN."""
        arn = self.create(states, **fields)
        return self.client.start_execution(stateMachineArn=arn, input=json.dumps(input_ or {}))["executionArn"]

    def status(self, arn: str) -> str:
        return self.client.describe_execution(executionArn=arn)["status"]

    def finish(self, arn: str) -> Any:
        """Wait for the end, and give DescribeExecution's answer."""
        wait_until(lambda: self.status(arn) != "RUNNING")
        return self.client.describe_execution(executionArn=arn)

    def run(self, states: dict[str, Any], input_: Any = None) -> Any:
        return self.finish(self.start(states, input_))

    def output(self, arn: str) -> Any:
        ended = self.finish(arn)
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def events(self, arn: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [dict(event) for page in pages for event in page["events"]]

    def kinds(self, arn: str) -> list[str]:
        return [event["type"] for event in self.events(arn)]
