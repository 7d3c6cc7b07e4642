"""ministack with the shim: an exception of a Lambda arrives by its class name, as on AWS."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localstack.aws import Aws
from localstack.platform import EMULATOR_PYTHON, Market, Platform
from localstack.processes import Processes
from localstack.site import Ports, Site

pytestmark = pytest.mark.slow

CODE = """
import os

class TokenExpired(Exception):
    pass

def handler(event, context):
    if event.get("fail"):
        raise TokenExpired("log in again")
    return {"pid": os.getpid(), "clock": os.environ["ALGO_CLOCK"], "path": os.environ.get("PYTHONPATH")}
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    site = Site(tmp_path_factory.mktemp("site"), Ports.free())
    ministack = next(s for s in Platform(site).services(Market()) if s.name == "ministack")
    processes = Processes(site.state)
    processes.start(ministack, site.environment())
    try:
        processes.wait_until_up(ministack)
        yield Aws(site)
    finally:
        assert processes.stop(ministack)


@pytest.fixture(scope="module")
def function(aws: Aws) -> str:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("module.py", CODE)
    aws.functions.create_function(
        FunctionName="probe",
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/probe",
        Handler="module.handler",
        Code={"ZipFile": package.getvalue()},
    )
    return "probe"


def invoke(aws: Aws, function: str, event: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    answer = aws.functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def test_the_exceptions_class_name_is_the_error_type(aws: Aws, function: str) -> None:
    kind, body = invoke(aws, function, {"fail": True})
    assert kind == "Unhandled"
    assert (body["errorType"], body["errorMessage"]) == ("TokenExpired", "log in again")
    assert "raise TokenExpired" in body["stackTrace"][-1]


def test_the_worker_survives_an_exception(aws: Aws, function: str) -> None:
    before = invoke(aws, function, {})[1]["pid"]
    invoke(aws, function, {"fail": True})
    assert invoke(aws, function, {})[1]["pid"] == before


def test_workers_learn_the_clock_but_not_the_projects_modules(aws: Aws, function: str) -> None:
    _, body = invoke(aws, function, {})
    assert Path(body["clock"]).name == "clock"
    assert body["path"] is None


def test_the_step_functions_endpoint_may_speak_for_aws(aws: Aws) -> None:
    queue = aws.sqs.create_queue(QueueName="endings")["QueueUrl"]
    events = aws.events
    events.put_rule(Name="endings", EventPattern=json.dumps({"source": ["aws.states"]}))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:ap-south-1:000000000000:endings"}
    events.put_targets(Rule="endings", Targets=[target])  # type: ignore[list-item]
    ended = {"Source": "aws.states", "DetailType": "Step Functions Execution Status Change", "Detail": "{}"}
    assert events.put_events(Entries=[ended])["FailedEntryCount"] == 0  # type: ignore[list-item]
    (message,) = aws.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["source"] == "aws.states"
