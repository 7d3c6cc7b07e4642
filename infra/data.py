"""AlgoData: the tables and the buckets. What is lost here is lost."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra import lake_bucket
from infra.nag import acknowledge
from infra.settings import PREFIX, Settings, named, reports_bucket
from infra.stack import AlgoStack
from tasks.spec import Table


@dataclass(frozen=True, slots=True)
class Key:
    """A partition key and perhaps a sort key; `numeric_sort` where the sort key is a number."""

    partition: str
    sort: str = ""
    numeric_sort: bool = False


@dataclass(frozen=True, slots=True)
class TableShape:
    """How a table is read: its key, its indexes by name, and whether its changes become events."""

    key: Key
    indexes: tuple[tuple[str, Key], ...] = ()
    stream: bool = False
    forgets: str = ""
    """The attribute that says when an item may be dropped, in seconds since 1970."""


SHAPES: dict[Table, TableShape] = {
    Table.ORDERS: TableShape(
        Key("order_id"),
        (
            ("user-date", Key("user_id", "trading_date")),
            ("position", Key("position_id", "order_id")),
            ("account-broker-order", Key("account", "broker_order_id")),
        ),
        stream=True,
    ),
    Table.POSITIONS: TableShape(
        Key("position_id"),
        (
            ("user-date", Key("user_id", "trading_date")),
            ("account-contract", Key("account", "symbol")),
        ),
        stream=True,
    ),
    # Sparse: `exit_date` is there only while the account is not flat.
    Table.RUNS: TableShape(
        Key("run_key", "item"),
        (("exit-due", Key("exit_date", "exit_at")), ("day", Key("trading_date", "item"))),
        stream=True,
    ),
    # No stream, so that a task token never reaches the bus or the lake.
    Table.CALLBACKS: TableShape(Key("order_id")),
    Table.CATALOG: TableShape(Key("owner", "item"), stream=True, forgets="expires_at"),
    Table.MARKET: TableShape(Key("underlying", "item")),
    Table.EVENTS: TableShape(Key("aggregate", "sequence", numeric_sort=True), stream=True),
    # Made from the events, and made again whenever it is lost.
    Table.VIEWS: TableShape(Key("owner", "item")),
}


class DataStack(AlgoStack):
    """The tables and the bucket for reports.

    Attributes
    ----------
    tables
        By what they hold.
    """

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, "AlgoData", settings, description="Tables and reports of the basket platform")
        self._kept = RemovalPolicy.DESTROY if settings.local else RemovalPolicy.RETAIN
        self.tables = {table: self._table(table, shape) for table, shape in SHAPES.items()}
        self.reports = self._reports()
        self.lake = lake_bucket.bucket(self, self._kept)
        if not settings.local:
            self._images()

    def _images(self) -> ecr.Repository:
        """Where the feed's image is pushed to, before the stack that runs it is deployed."""
        return ecr.Repository(
            self,
            "FeedImages",
            repository_name=named("feed"),
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            lifecycle_rules=[ecr.LifecycleRule(description="The last ten", max_image_count=10)],
            removal_policy=self._kept,
        )

    def _table(self, table: Table, shape: TableShape) -> dynamodb.Table:
        made = dynamodb.Table(
            self,
            table.placeholder,
            table_name=named(table),
            partition_key=_attribute(shape.key.partition),
            sort_key=_sort(shape.key),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES if shape.stream else None,
            # The emulator forgets by the wall clock, and its platform may live in another month.
            time_to_live_attribute=shape.forgets if shape.forgets and not self.settings.local else None,
            deletion_protection=not self.settings.local,
            removal_policy=self._kept,
        )
        for name, key in shape.indexes:
            made.add_global_secondary_index(
                index_name=name, partition_key=_attribute(key.partition), sort_key=_sort(key)
            )
        if shape.stream:
            self._stream_address(table, made)
        return made

    def _stream_address(self, table: Table, made: dynamodb.Table) -> None:
        """Where the other stacks find the stream: its ARN holds the moment it was made."""
        assert made.table_stream_arn  # noqa: S101  (it has a stream)
        ssm.StringParameter(
            self,
            f"{table.placeholder}Stream",
            parameter_name=stream_parameter(table),
            string_value=made.table_stream_arn,
            description=f"The ARN of the stream of {named(table)}",
        )

    def _reports(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Reports",
            bucket_name=reports_bucket(self),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="old-reports-move-to-cheaper-storage",
                    transitions=[
                        s3.Transition(
                            storage_class=s3.StorageClass.INFREQUENT_ACCESS,
                            transition_after=Duration.days(90),
                        )
                    ],
                    noncurrent_version_expiration=Duration.days(90),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
            removal_policy=self._kept,
        )
        acknowledge(
            bucket, "S1", "Reports are made from the tables and can be made again; nothing else is here."
        )
        return bucket


def stream_parameter(table: Table) -> str:
    """The parameter that holds the ARN of a table's stream: an export would lock its stack."""
    return f"/{PREFIX}/streams/{table}"


def _attribute(name: str, kind: dynamodb.AttributeType = dynamodb.AttributeType.STRING) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=kind)


def _sort(key: Key) -> dynamodb.Attribute | None:
    if not key.sort:
        return None
    kind = dynamodb.AttributeType.NUMBER if key.numeric_sort else dynamodb.AttributeType.STRING
    return _attribute(key.sort, kind)
