"""The feed on Fargate: two instances that nobody can reach, an image by its content, alarms on silence."""

from __future__ import annotations

import json
import re
from pathlib import Path

from infra import feed_image
from infra.settings import ROOT
from tests.infra.templates import Assembly


def test_two_instances_run_and_one_may_be_replaced_at_a_time(aws: Assembly) -> None:
    [service] = aws.all("AWS::ECS::Service")
    assert service.properties["DesiredCount"] == 2
    assert service.properties["LaunchType"] == "FARGATE"
    deployment = service.properties["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (50, 150)
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_nothing_comes_in_and_only_https_goes_out(aws: Assembly) -> None:
    [doors] = aws.all("AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in doors.properties
    [way_out] = doors.properties["SecurityGroupEgress"]
    assert (way_out["IpProtocol"], way_out["FromPort"], way_out["ToPort"]) == ("tcp", 443, 443)
    assert not list(aws.all("AWS::EC2::NatGateway"))


def test_the_image_is_the_one_that_this_code_makes(aws: Assembly) -> None:
    [task] = aws.all("AWS::ECS::TaskDefinition")
    [container] = task.properties["ContainerDefinitions"]
    assert json.dumps(container["Image"]).count(f"algo-feed:{feed_image.tag()}") == 1
    [images] = aws.all("AWS::ECR::Repository")
    assert images.properties["RepositoryName"] == "algo-feed"
    assert images.properties["ImageTagMutability"] == "IMMUTABLE"


def test_another_line_of_code_is_another_tag(tmp_path: Path) -> None:
    for path in (feed_image.DOCKERFILE, feed_image.REQUIREMENTS):
        copy = tmp_path / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / path).read_bytes())
    for room in ("tasks", "brokers"):
        (tmp_path / room).mkdir()
    (tmp_path / "tasks" / "one.py").write_text("1\n")
    before = feed_image.tag(tmp_path)
    assert feed_image.tag(tmp_path) == before
    (tmp_path / "tasks" / "one.py").write_text("2\n")
    assert feed_image.tag(tmp_path) != before


def test_the_container_cannot_write_and_holds_no_secret(aws: Assembly) -> None:
    [task] = aws.all("AWS::ECS::TaskDefinition")
    [container] = task.properties["ContainerDefinitions"]
    assert container["ReadonlyRootFilesystem"] is True
    names = {variable["Name"] for variable in container["Environment"]}
    assert {"UPDATES_QUEUE_URL", "BARS_BUCKET", "ACCOUNT_BASKET_MACHINE", "POLL_QUOTES_MACHINE"} <= names
    assert not any("SECRET" in name and name != "BROKER_SECRET_PREFIX" for name in names)


def test_it_may_do_what_a_feed_does_and_no_more(aws: Assembly) -> None:
    [task] = aws.all("AWS::ECS::TaskDefinition")
    allowed = {
        action
        for statement in aws.may({"Role": task.properties["TaskRoleArn"]})
        for action in statement.actions
    }
    assert {"s3:PutObject", "sqs:SendMessage", "states:StartExecution"} <= allowed
    assert "secretsmanager:GetSecretValue" in allowed
    assert not {"dynamodb:DeleteItem", "states:SendTaskSuccess", "secretsmanager:PutSecretValue"} & allowed


def test_silence_is_bad_news(aws: Assembly) -> None:
    alarms = {each.properties.get("MetricName"): each.properties for each in aws.all("AWS::CloudWatch::Alarm")}
    for metric in ("FeedLeads", "RunningTaskCount"):
        assert alarms[metric]["TreatMissingData"] == "breaching"
        assert alarms[metric]["AlarmActions"]
    assert {"FeedBlind", "StopNotSent"} <= alarms.keys()


def test_the_image_has_the_versions_that_the_tests_run_on() -> None:
    pins = {line.split(" ")[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line}
    feed = {
        line.split(" ")[0] for line in (ROOT / feed_image.REQUIREMENTS).read_text().splitlines() if "==" in line
    }
    assert feed <= pins
    named = {re.split("==", line)[0] for line in feed}
    assert {"kiteconnect", "twisted", "autobahn", "pyarrow", "boto3"} <= named


def _pins(path: Path) -> set[str]:
    """`name==version`, without markers and comments."""
    return {line.split(" ")[0] for line in path.read_text().splitlines() if "==" in line}
