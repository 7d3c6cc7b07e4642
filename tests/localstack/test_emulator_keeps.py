"""ministack after `kill -9`: nothing that it had answered is forgotten."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from localstack.aws import Aws
from localstack.deploy import keep
from localstack.platform import EMULATOR_PYTHON, Market, Platform
from localstack.processes import Processes
from localstack.site import ACCOUNT_ID, REGION, Ports, Site

pytestmark = pytest.mark.slow

CODE = """
import os
import pathlib

def handler(event, context):
    seen = pathlib.Path(os.environ["ALGO_CLOCK"] + ".seen")
    if not seen.exists():
        raise RuntimeError("not yet")
    news = [each["dynamodb"].get("NewImage") for each in event.get("Records", ())]
    changes = [item["n"]["N"] for item in news if item]
    with seen.open("a") as file:
        print(*(changes or [event.get("detail", {}).get("n", "")]), sep=os.linesep, file=file)
"""


@dataclass
class World:
    """ministack alone, with a table and a bus that both call one function, which fails at first."""

    site: Site

    def __post_init__(self) -> None:
        self.aws = Aws(self.site)
        self.processes = Processes(self.site.state)
        self.service = next(s for s in Platform(self.site).services(Market()) if s.name == "ministack")
        session = boto3.Session(aws_access_key_id=ACCOUNT_ID, aws_secret_access_key="x", region_name=REGION)
        self.events = session.client("events", endpoint_url=self.site.aws_url)
        self.start()

    def start(self) -> None:
        self.processes.start(self.service, self.site.environment())
        self.processes.wait_until_up(self.service)

    def kill(self) -> None:
        self.processes.kill(self.service)
        self.start()

    @property
    def seen(self) -> Path:
        return self.site.state / "clock.seen"

    def deploy(self) -> None:
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("module.py", CODE)
        function = self.aws.functions.create_function(
            FunctionName="hears",
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/hears",
            Handler="module.handler",
            Code={"ZipFile": package.getvalue()},
        )["FunctionArn"]
        table = self.aws.dynamodb.create_table(
            TableName="things",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]
        self.aws.functions.create_event_source_mapping(
            EventSourceArn=table["LatestStreamArn"], FunctionName="hears", StartingPosition="TRIM_HORIZON"
        )
        self.events.put_rule(Name="all", EventPattern=json.dumps({"source": ["test"]}))
        self.events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": function}])
        keep(self.site.aws_url)

    def put(self, name: str, number: int) -> None:
        self.aws.dynamodb.put_item(TableName="things", Item={"id": {"S": name}, "n": {"N": str(number)}})

    def items(self) -> dict[str, str]:
        found = self.aws.dynamodb.scan(TableName="things", ConsistentRead=True)["Items"]
        return {item["id"]["S"]: item["n"]["N"] for item in found}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    made = World(Site(tmp_path_factory.mktemp("site"), Ports.free()))
    try:
        made.deploy()
        yield made
    finally:
        made.processes.stop(made.service)


def test_items_transactions_and_removals(world: World) -> None:
    world.put("a", 1)
    world.put("b", 2)
    world.aws.dynamodb.delete_item(TableName="things", Key={"id": {"S": "b"}})
    writes: list[Any] = [
        {"Put": {"TableName": "things", "Item": {"id": {"S": "c"}, "n": {"N": "3"}}}},
        {
            "Update": {
                "TableName": "things",
                "Key": {"id": {"S": "a"}},
                "UpdateExpression": "SET n = :n",
                "ExpressionAttributeValues": {":n": {"N": "4"}},
            }
        },
    ]
    world.aws.dynamodb.transact_write_items(TransactItems=writes)
    world.kill()
    assert world.items() == {"a": "4", "c": "3"}
    world.put("a", 5)
    world.kill()
    world.kill()
    assert world.items() == {"a": "5", "c": "3"}


def test_secrets_queues_and_schedules(world: World) -> None:
    aws = world.aws
    aws.secrets.create_secret(Name="s", SecretString="one")
    aws.secrets.put_secret_value(SecretId="s", SecretString="two")
    url = aws.sqs.create_queue(QueueName="q")["QueueUrl"]
    aws.sqs.send_message(QueueUrl=url, MessageBody="hello")
    aws.scheduler.create_schedule(
        Name="later",
        ScheduleExpression="at(2026-11-23T09:28:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:ap-south-1:000000000000:q", "RoleArn": "arn:aws:iam::000000000000:role/r"},
    )
    world.kill()
    assert aws.secrets.get_secret_value(SecretId="s")["SecretString"] == "two"
    assert aws.sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"
    assert aws.scheduler.get_schedule(Name="later")["ScheduleExpression"] == "at(2026-11-23T09:28:00)"


def test_changes_and_events_that_nobody_has_taken_yet_are_taken_after_it(world: World) -> None:
    """The function fails until the emulator has been killed twice in the middle of it."""
    world.put("x", 71)
    detail: Any = {"Source": "test", "DetailType": "Happened", "Detail": json.dumps({"n": 72})}
    world.events.put_events(Entries=[detail])
    world.kill()
    world.put("x", 73)
    world.kill()
    world.seen.touch()
    deadline = time.monotonic() + 30
    while not {"71", "72", "73"} <= set(world.seen.read_text().split()):
        assert time.monotonic() < deadline, world.seen.read_text()
        time.sleep(0.05)
    changes = [n for n in world.seen.read_text().split() if n in ("71", "73")]
    assert changes == ["71", "73"], "in their order, each once"
