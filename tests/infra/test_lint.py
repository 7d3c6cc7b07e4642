"""cfn-lint and cdk-nag have nothing to say that was not answered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.settings import ROOT
from tests.infra.templates import Assembly

pytestmark = pytest.mark.slow

ANSWERED = {
    "AwsSolutions-APIG4",
    "AwsSolutions-COG2",
    "AwsSolutions-COG3",
    "AwsSolutions-COG8",
    "AwsSolutions-IAM5[Resource::*]",
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:ap-south-1:<AWS::AccountId>:secret:algo/broker/*]",
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:cognito-idp:ap-south-1:<AWS::AccountId>:userpool/*]",
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:scheduler:ap-south-1:<AWS::AccountId>:schedule/algo/*]",
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:glue:ap-south-1:<AWS::AccountId>:table/algo_lake/*]",
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::algo-lake-<AWS::AccountId>-ap-south-1/athena/*]",
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::algo-reports-<AWS::AccountId>-ap-south-1/*]",
    *(
        "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:dynamodb:ap-south-1:<AWS::AccountId>:"
        f"table/algo-{table}/stream/*]"
        for table in ("catalog", "events", "orders", "positions", "runs")
    ),
    *(
        f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:ap-south-1:<AWS::AccountId>:execution:algo-{name}:*]"
        for name in (
            "*",
            "AccountBasket",
            "EndOfDay",
            "LakeNight",
            "PollQuotes",
            "StrategyLifecycle",
            "TradingDay",
        )
    ),
    *(
        f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::algo-lake-<AWS::AccountId>-ap-south-1/{folder}/*]"
        for folder in ("bars", "histories", "lake")
    ),
    "AwsSolutions-ECS2",
    "AwsSolutions-L1",
    "AwsSolutions-S1",
    "AwsSolutions-SQS3",
}
"""Findings of cdk-nag that stand. One more is a decision: it belongs here, and its reason beside its cause."""


def test_cfn_lint_finds_nothing(aws: Assembly) -> None:
    templates = [str(aws.folder / f"{stack}.template.json") for stack in aws.templates]
    linter = Path(sys.executable).parent / "cfn-lint"
    done = subprocess.run(
        [linter, "--template", *templates], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_cdk_nag_finds_nothing_that_is_not_answered_with_a_reason(aws: Assembly) -> None:
    """A finding without an answer fails the synthesis itself (see the fixture)."""
    answers = [
        answer
        for each in aws.all()
        for answer in each.attributes.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", [])
    ]
    # The CDK answers some findings of its own validation by itself, for the network.
    assert {answer["id"] for answer in answers if answer["id"].startswith("AwsSolutions-")} == ANSWERED
    assert all(len(answer["reason"].split()) >= 5 for answer in answers)
