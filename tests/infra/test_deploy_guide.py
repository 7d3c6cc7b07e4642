"""docs/deploy.md: what it tells people to type works, as far as an AWS of one's own can tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from moto import mock_aws

from infra.settings import REGION, ROOT
from tests.infra.templates import Assembly

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "docs" / "deploy.md").read_text()
BLOCKS = dict(re.findall(r"```python (\w+)\n(.*?)```", GUIDE, re.DOTALL))


@pytest.fixture
def account(aws: Assembly, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account that `make deploy` has been to, as far as the guide needs it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        for table in aws.all("AWS::DynamoDB::Table"):
            if table.properties["TableName"] == "algo-catalog":
                dynamodb.create_table(
                    **{
                        key: table.properties[key]
                        for key in ("TableName", "KeySchema", "AttributeDefinitions", "BillingMode")
                    }
                )
        monkeypatch.setattr(boto3, "client", _with_stacks(boto3.client, Stacks(aws)))
        boto3.client("scheduler", region_name=REGION).create_schedule_group(Name="algo")
        yield


class Stacks:
    """CloudFormation, as far as the guide asks it: moto's needs packages that nothing else does."""

    values: ClassVar[dict[str, str]] = {
        "ScheduleGroup": "algo",
        "ScheduleTargetArn": f"arn:aws:states:{REGION}:123456789012:stateMachine:algo-StrategyLifecycle",
        "ScheduleRoleArn": "arn:aws:iam::123456789012:role/algo-schedules",
        "ScheduleDeadLettersArn": f"arn:aws:sqs:{REGION}:123456789012:algo-schedules-dlq",
    }

    def __init__(self, aws: Assembly) -> None:
        self.aws = aws

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803  (boto3's spelling)
        names = self.aws.templates[StackName]["Outputs"]
        return {"Stacks": [{"Outputs": [{"OutputKey": n, "OutputValue": self.values[n]} for n in names]}]}


def _with_stacks(client: Callable[..., Any], stacks: Stacks) -> Callable[..., Any]:
    return lambda service, **options: stacks if service == "cloudformation" else client(service, **options)


@pytest.mark.usefixtures("account")
def test_an_account_a_strategy_and_its_schedules_are_set_up_as_written() -> None:
    names: dict[str, Any] = {}
    exec(compile(BLOCKS["setup"] + BLOCKS["schedules"], "docs/deploy.md", "exec"), names)  # noqa: S102
    assert names["catalog"].get("asha", "ACCOUNT#ZA1234")["egress"]["name"] == "mumbai-1"
    scheduler = boto3.client("scheduler", region_name=REGION)
    found = {each["Name"] for each in scheduler.list_schedules(GroupName="algo")["Schedules"]}
    assert found == {"bn-straddle-ENTRY", "bn-straddle-EXIT"}
    target = scheduler.get_schedule(GroupName="algo", Name="bn-straddle-ENTRY")["Target"]
    assert json.loads(target["Input"])["transaction_type"] == "ENTRY"


@pytest.mark.usefixtures("account")
def test_the_login_writes_the_secret_that_the_functions_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import getpass

    import brokers.zerodha
    from tasks.aws import _secrets, account_secret

    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr("builtins.input", lambda _prompt: "key")
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: "word")
    monkeypatch.setattr(brokers.zerodha, "complete_login", lambda known, _token: known.with_token("today"))
    names: dict[str, Any] = {"ACCOUNT": "ZA1234", "region": REGION, "boto3": boto3, "json": json}
    for _ in range(2):  # the second morning it is there already
        exec(compile(BLOCKS["login"], "docs/deploy.md", "exec"), names)  # noqa: S102
    _secrets.cache_clear()
    secret = account_secret("ZA1234")
    _secrets.cache_clear()
    assert secret is not None
    assert secret["access_token"] == "today"
    assert set(secret) == {"broker", "api_key", "api_secret", "access_token", "user_id"}


def test_what_the_guide_names_exists(aws: Assembly) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([\w]+)", GUIDE)) <= targets
    assert set(re.findall(r"`(Algo\w+)`", GUIDE)) == set(aws.templates)
    queues = {each.properties["QueueName"] for each in aws.all("AWS::SQS::Queue")}
    assert set(re.findall(r"`(algo-\w+-dlq)`", GUIDE)) <= queues
    assert "PostbackUrl" in aws.templates["AlgoCompute"]["Outputs"]
    assert set(json.loads((ROOT / "cdk.json").read_text())["context"]) == {"region", "alarmEmail"}
    for file in re.findall(r"`((?:infra|tests|workflows)/[\w./]+)`", GUIDE):
        assert Path(ROOT, file).exists(), file
