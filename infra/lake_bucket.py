"""The lake's bucket, and how long it keeps what."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import CfnOutput, Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3

from infra.nag import acknowledge
from infra.settings import lake_bucket
from infra.stack import AlgoStack
from tasks.objects import HISTORIES, TABLES

RESULTS = "athena"
"""The folder where Athena leaves its answers."""

KEPT = Duration.days(5 * 365 + 2)
"""SEBI has a broker keep its records of orders for five years; so are ours."""
HISTORIES_KEPT = Duration.days(2 * 365)


def bucket(stack: AlgoStack, kept: RemovalPolicy) -> s3.Bucket:
    """The lake's bucket. An earlier version of an object can be got back for a month."""
    made = s3.Bucket(
        stack,
        "Lake",
        bucket_name=lake_bucket(stack),
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        versioned=True,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        lifecycle_rules=list(_rules()),
        removal_policy=kept,
    )
    acknowledge(
        made, "S1", "CloudTrail tells who read it; access logs would be a second copy of who traded what."
    )
    CfnOutput(stack, "LakeBucket", value=made.bucket_name)
    return made


def _rules() -> Iterator[s3.LifecycleRule]:
    month = Duration.days(30)
    cheaper = s3.Transition(storage_class=s3.StorageClass.INFREQUENT_ACCESS, transition_after=Duration.days(90))
    archive = s3.Transition(
        storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=Duration.days(365)
    )
    for id_, prefix, kept in (
        ("orders-are-kept-five-years", f"{TABLES}/", KEPT),
        ("histories-are-kept-two-years", f"{HISTORIES}/", HISTORIES_KEPT),
    ):
        yield s3.LifecycleRule(
            id=id_,
            prefix=prefix,
            transitions=[cheaper, archive],
            expiration=kept,
            noncurrent_version_expiration=month,
            abort_incomplete_multipart_upload_after=Duration.days(7),
        )
    yield s3.LifecycleRule(
        id="answers-of-athena-are-kept-a-month",
        prefix=f"{RESULTS}/",
        expiration=month,
        noncurrent_version_expiration=Duration.days(1),
    )
