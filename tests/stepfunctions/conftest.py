"""The endpoint as its users have it: a process of its own, asked through an unmodified boto3."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stepfunctions.endpoint import Endpoint
from tests.stepfunctions.fake_aws import FakeAws

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def aws() -> Iterator[FakeAws]:
    fake = FakeAws()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def endpoint(aws: FakeAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    clock = tmp_path_factory.mktemp("clock") / "offset"
    clock.write_text("0")
    port = free_port()
    environment = {
        **os.environ,
        "ALGO_CLOCK": str(clock),
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_REGION": "ap-south-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    command = [sys.executable, "-m", "localstack.stepfunctions", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    running = Endpoint(port, clock)
    try:
        running.wait_until_up()
        yield running
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(autouse=True)
def _fresh(aws: FakeAws) -> None:
    aws.functions.clear()
    aws.invocations.clear()
    aws.items.clear()
    aws.messages.clear()
    aws.events.clear()
