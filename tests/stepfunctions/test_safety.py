"""Whatever is asked of the endpoint, it goes on answering, in bounded memory, to this machine only."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stepfunctions.durable import Durable
from tests.stepfunctions.endpoint import ROLE, Endpoint
from tests.stepfunctions.fake_aws import FakeAws, function_arn

pytestmark = pytest.mark.slow

EACH = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
MAP: dict[str, Any] = {"M": {"Type": "Map", "ItemsPath": "$.i", "ItemProcessor": EACH, "End": True}}


def megabytes(durable: Durable) -> float:
    assert durable.process is not None
    text = Path(f"/proc/{durable.process.pid}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def test_monsters_do_not_take_it_down_or_eat_the_memory(durable: Durable, aws: FakeAws) -> None:
    endpoint = durable.start()
    sfn = endpoint.client
    for definition in ('{"a":' * 100_000, "[" * 500_000, json.dumps({"Comment": "x" * 1_048_576})):
        with pytest.raises(sfn.exceptions.InvalidDefinition):
            sfn.create_state_machine(name="monster", definition=definition, roleArn=ROLE)

    machine = endpoint.create(MAP)
    for text in (json.dumps({"i": [1] * 1_000_000}), "[" * 100_000 + "]" * 100_000):
        with pytest.raises(ClientError, match=r"ValidationException|InvalidExecutionInput"):
            sfn.start_execution(stateMachineArn=machine, input=text)

    aws.functions["million"] = lambda _event: {"i": [1] * 1_000_000}
    task = {"Type": "Task", "Resource": function_arn("million"), "Next": "M"}
    arn = endpoint.start({"Ask": task, **MAP})
    assert endpoint.finish(arn)["error"] == "States.DataLimitExceeded"

    many = json.dumps({"i": [1] * 120_000}, separators=(",", ":"))
    arn = sfn.start_execution(stateMachineArn=machine, input=many)["executionArn"]
    assert endpoint.finish(arn)["status"] == "FAILED"

    fat = {"A": {"Type": "Pass", "Parameters": {f"k{n}.$": "$" for n in range(3000)}, "End": True}}
    assert endpoint.finish(endpoint.start(fat, {"t": "x" * 250_000}))["error"] == "States.DataLimitExceeded"

    began = time.monotonic()
    assert endpoint.idle()["busy"] == 0
    assert time.monotonic() - began < 0.5
    assert megabytes(durable) < 200


def test_many_large_executions_that_have_ended_do_not_stay_in_memory(durable: Durable) -> None:
    endpoint = durable.start()
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(3)} | {"S3": {"Type": "Succeed"}}
    machine = endpoint.create(states)
    before = megabytes(durable)
    arns = [
        endpoint.client.start_execution(stateMachineArn=machine, input=json.dumps("x" * 250_000 + str(n)))
        for n in range(280)
    ]

    assert megabytes(durable) - before < 150, "in memory they would be 210 MB"
    first = endpoint.client.describe_execution(executionArn=arns[0]["executionArn"])
    assert len(first["input"]) > 250_000
    assert len(endpoint.events(arns[0]["executionArn"])) == 10


def test_only_this_machine_is_answered(endpoint: Endpoint) -> None:
    """What listens on the port listens on 127.0.0.1, by the kernel's own table."""
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{endpoint.port:04X}")
    ]
    assert listening == [f"0100007F:{endpoint.port:04X}"]


def test_text_that_is_no_text_is_refused(endpoint: Endpoint) -> None:
    machine = endpoint.create({"Only": {"Type": "Pass", "End": True}})
    with pytest.raises(ClientError, match="SerializationException"):
        endpoint.client.start_execution(stateMachineArn=machine, input='"\ud800"')
    assert endpoint.idle()["busy"] == 0
