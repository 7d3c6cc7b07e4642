"""Answers to cdk-nag: each finding that stays is acknowledged where it arises, with the reason."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Stack, Token, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Let `finding` (as in `AwsSolutions-IAM5[Resource::*]`, its pack left out) stand on `construct`."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{finding}", reason=reason))


def as_nag_writes(arn: str, stack: Stack) -> str:
    """`arn` as cdk-nag shows it in a finding: what is known at deployment only as `<AWS::Partition>`."""
    for token, name in ((stack.partition, "Partition"), (stack.region, "Region"), (stack.account, "AccountId")):
        arn = arn.replace(token, f"<AWS::{name}>" if Token.is_unresolved(token) else token)
    return arn
