"""An endpoint that can be killed and started again, on the same port and the same data."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.stepfunctions.endpoint import Endpoint

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Durable:
    folder: Path
    aws_url: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.clock.write_text("0")

    @property
    def clock(self) -> Path:
        return self.folder / "clock"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self, *arguments: str, limit: Callable[[], None] | None = None) -> Endpoint:
        """Start it and wait until it answers. `limit` is called in the new process before it becomes ours."""
        environment = {
            **os.environ,
            "ALGO_CLOCK": str(self.clock),
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_REGION": "ap-south-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        command = [sys.executable, "-m", "localstack.stepfunctions", "--port", str(self.port)]
        command += ["--data", str(self.data), *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, preexec_fn=limit)  # noqa: PLW1509
        running = Endpoint(self.port, self.clock)
        running.wait_until_up()
        return running

    def kill(self) -> None:
        """`kill -9`."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
