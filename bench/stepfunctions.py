"""The Step Functions endpoint, and ministack's own engine beside it: same machine, same client, same run.

The machine has six states and calls nothing, so that only the engine is measured. Single executions are asked
for through boto3; many at once over bare HTTP, for boto3 costs more than what is to be measured. The endpoint
writes its journal to disk, as it does in daily use. Each engine is warmed up first.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

ROOT = Path(__file__).parents[1]
EMULATOR = ROOT / ".venv-emulator" / "bin" / "python"
STATES = 6
MANY = 200
ROUNDS = 20
SINGLES = 60
IN_A_ROW = 300
CLIENTS = 8
ROLE = "arn:aws:iam::000000000000:role/bench"
_ONE_STATE: Mapping[str, Any] = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}}


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine under test, and the process it runs in."""

    client: SFNClient
    port: int
    pid: int
    started_in: float
    """Seconds from the start of the process to its first answer."""

    @property
    def memory(self) -> float:
        """Resident, in MB."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


def run() -> list[dict[str, object]]:
    theirs: dict[str, float] = {}
    if EMULATOR.exists():
        with _ministack() as engine:
            theirs = _measured(engine)
    with _endpoint() as engine:
        ours = _measured(engine)
    return [_figure(name, unit, aim, ours, theirs) for name, unit, aim in _FIGURES]


_FIGURES = (
    ("one execution, from its start to its seen end, p50", "ms", "aim: a tenth"),
    (f"a transition, in an execution of {STATES * ROUNDS}", "ms", ""),
    (f"{MANY} executions at once, to the last end", "ms", "aim: half"),
    ("executions, each started after the one before", "/s", ""),
    ("start-up, to the first answer", "ms", ""),
    ("memory, idle", "MB", "aim: under 100"),
    (f"memory, after {MANY + IN_A_ROW + SINGLES} executions", "MB", ""),
)


def _figure(
    name: str, unit: str, aim: str, ours: Mapping[str, float], theirs: Mapping[str, float]
) -> dict[str, object]:
    beside = f"ministack: {theirs[name]:g} {unit}" if name in theirs else "ministack is not installed"
    if name in theirs and unit == "ms" and ours[name]:
        beside += f" ({theirs[name] / ours[name]:.1f} times)"
    reference = f"{beside}; {aim}" if aim else beside
    return {"name": f"stepfunctions: {name}", "value": ours[name], "unit": unit, "reference": reference}


def _measured(engine: Engine) -> dict[str, float]:
    idle = engine.memory
    machine = _machine(engine.client)
    for _ in range(5):
        _single(engine.client, machine)
    singles = [_single(engine.client, machine) for _ in range(SINGLES)]
    rounds = _single(engine.client, _machine(engine.client, rounds=ROUNDS))
    at_once = _at_once(engine, machine)
    rate = _rate(engine, machine)
    values = (
        round(statistics.median(singles), 2),
        round(rounds / (STATES * ROUNDS), 3),
        round(at_once),
        round(rate),
        round(engine.started_in * 1000),
        round(idle),
        round(engine.memory),
    )
    return {name: value for (name, _, _), value in zip(_FIGURES, values, strict=True)}


def _machine(client: SFNClient, rounds: int = 1) -> str:
    """Five Pass states and one that ends, or goes round until it has been everywhere so often."""
    states: dict[str, Any] = {f"S{n}": {**_ONE_STATE, "Next": f"S{n + 1}"} for n in range(1, STATES)}
    again = {"Variable": "$.n", "NumericLessThanEquals": rounds * (STATES - 1), "Next": "S1"}
    last = {"Type": "Choice", "Choices": [again], "Default": "Done"} if rounds > 1 else {"Type": "Succeed"}
    states[f"S{STATES}"] = last
    if rounds > 1:
        states["Done"] = {"Type": "Succeed"}
    definition = json.dumps({"StartAt": "S1", "States": states})
    made = client.create_state_machine(name=f"bench-{rounds}", definition=definition, roleArn=ROLE)
    return made["stateMachineArn"]


def _single(client: SFNClient, machine: str) -> float:
    """Milliseconds until a client has seen the end."""
    began = time.perf_counter()
    arn = client.start_execution(stateMachineArn=machine, input='{"n": 1}')["executionArn"]
    while (described := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        pass
    assert described["status"] == "SUCCEEDED"
    return (time.perf_counter() - began) * 1000


class Wire:
    """One kept connection that speaks the API's JSON and nothing more."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port)

    def ask(self, operation: str, **fields: Any) -> Any:
        headers = {
            "X-Amz-Target": f"AWSStepFunctions.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20261122/ap-south-1/states/aws4_request",
        }
        self._connection.request("POST", "/", json.dumps(fields), headers)
        answer = self._connection.getresponse()
        body = json.load(answer)
        assert answer.status == 200, body
        return body

    def start(self, machine: str) -> str:
        arn: str = self.ask("StartExecution", stateMachineArn=machine, input='{"n": 1}')["executionArn"]
        return arn

    def running(self, machine: str) -> set[str]:
        listed = self.ask("ListExecutions", stateMachineArn=machine, statusFilter="RUNNING", maxResults=MANY)
        return {execution["executionArn"] for execution in listed["executions"]}


def _at_once(engine: Engine, machine: str) -> float:
    """Milliseconds from the first start to the end of the last, started by several clients side by side."""
    wires = [Wire(engine.port) for _ in range(CLIENTS)]

    def start(wire: Wire) -> list[str]:
        return [wire.start(machine) for _ in range(MANY // CLIENTS)]

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        started = {arn for arns in pool.map(start, wires) for arn in arns}
    while wires[0].running(machine) & started:
        pass
    return (time.perf_counter() - began) * 1000


def _rate(engine: Engine, machine: str) -> float:
    """Executions a second, from the first start to the end of the last."""
    wire = Wire(engine.port)
    began = time.perf_counter()
    for _ in range(IN_A_ROW):
        wire.start(machine)
    while wire.running(machine):
        pass
    return IN_A_ROW / (time.perf_counter() - began)


# --- the two engines ---


@contextmanager
def _endpoint() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory() as data:
        port = _free_port()
        command = [sys.executable, "-m", "localstack.stepfunctions", "--port", str(port), "--data", data]
        with _running(command, port, "/_local/idle", {}) as engine:
            yield engine


@contextmanager
def _ministack() -> Iterator[Engine]:
    port = _free_port()
    variables = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LAMBDA_EXECUTOR": "local"}
    command = [str(EMULATOR), "-m", "localstack.emulator"]
    with _running(command, port, "/_ministack/health", variables) as engine:
        yield engine


@contextmanager
def _running(command: list[str], port: int, health: str, variables: Mapping[str, str]) -> Iterator[Engine]:
    url = f"http://127.0.0.1:{port}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_ENDPOINT")}
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**environment, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_up(f"{url}{health}")
        yield Engine(_client(url), port, process.pid, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(url: str) -> None:
    deadline = time.perf_counter() + 30
    while time.perf_counter() < deadline:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.005)
        else:
            return
    raise TimeoutError(f"nothing answers at {url}")


def _client(url: str) -> SFNClient:
    return boto3.client(
        "stepfunctions",
        endpoint_url=url,
        region_name="ap-south-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
