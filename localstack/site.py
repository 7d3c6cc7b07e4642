"""Where one running platform is: its ports, its files, and the environment its processes share."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from tasks.spec import machine_variable

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
REGION: Final = "ap-south-1"
ACCOUNT_ID = "000000000000"
PREFIX = "algo"
"""Every physical name starts with it: the table `algo-orders`, the function `algo-PlaceOrder`."""

SCHEDULE_DEAD_LETTERS = f"{PREFIX}-schedules-dlq"
API_ID = "algoapi"
"""The id that `infra` asks the emulator to give the HTTP API, so that its address is known beforehand."""

MACHINES = ("StrategyLifecycle", "AccountBasket")


@dataclass(frozen=True, slots=True)
class Ports:
    """Each can be set by an environment variable: `ALGO_AWS_PORT`, `ALGO_STEP_FUNCTIONS_PORT`, …"""

    aws: int = 4566
    step_functions: int = 8083
    simulator: int = 9000
    schedules: int = 8084
    console: int = 8085
    feed: int = 8086

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Ports:
        """The usual ports, except where the environment says otherwise."""
        usual = cls()
        return cls(
            **{f.name: int(environment.get(variable(f.name)) or getattr(usual, f.name)) for f in fields(cls)}
        )

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody listens on at this moment."""
        sockets = [socket.socket() for _ in fields(cls)]
        try:
            for each in sockets:
                each.bind((HOST, 0))
            return cls(*(each.getsockname()[1] for each in sockets))
        finally:
            for each in sockets:
                each.close()


def variable(port: str) -> str:
    """The environment variable that sets a port."""
    return f"ALGO_{port.upper()}_PORT"


@dataclass(frozen=True, slots=True)
class Site:
    """One running platform. `state` holds its clock, process ids, logs and the like."""

    state: Path
    ports: Ports

    @property
    def clock_file(self) -> Path:
        return self.state / "clock"

    @property
    def aws_url(self) -> str:
        return f"http://{HOST}:{self.ports.aws}"

    @property
    def step_functions_url(self) -> str:
        return f"http://{HOST}:{self.ports.step_functions}"

    @property
    def simulator_url(self) -> str:
        return f"http://{HOST}:{self.ports.simulator}"

    @property
    def schedules_url(self) -> str:
        return f"http://{HOST}:{self.ports.schedules}"

    @property
    def console_url(self) -> str:
        return f"http://{HOST}:{self.ports.console}"

    @property
    def feed_url(self) -> str:
        return f"http://{HOST}:{self.ports.feed}"

    @property
    def api_url(self) -> str:
        """The HTTP API's base address."""
        return f"{self.aws_url}/_aws/execute-api/{API_ID}"

    def environment(self) -> dict[str, str]:
        """What every process of the platform gets; Lambda workers inherit it from ministack."""
        return {
            "ALGO_CLOCK": str(self.clock_file),
            "AWS_ACCESS_KEY_ID": ACCOUNT_ID,  # ministack takes an account's number for its key
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ENDPOINT_URL_S3": self.aws_url,
            "AWS_ENDPOINT_URL_SFN": self.step_functions_url,
            "KITE_ROOT": self.simulator_url,
            "PUBLIC_URL": self.api_url,
            "UPDATES_QUEUE_URL": f"{self.aws_url}/{ACCOUNT_ID}/{PREFIX}-updates",
            "BARS_BUCKET": f"{PREFIX}-lake-{ACCOUNT_ID}-{REGION}",
            **{machine_variable(name): machine_arn(name) for name in ("AccountBasket", "PollQuotes")},
            "EXECUTION_PAGE": "",  # no console here: the ARN is enough
        }


def machine_arn(name: str) -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{PREFIX}-{name}"


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{PREFIX}-{name}"


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"
