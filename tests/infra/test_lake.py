"""The lake as Athena sees it, who may touch its files, and how long they are kept."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from infra.lake_bucket import KEPT
from tasks.catalogue import FUNCTIONS
from tasks.lake.schemas import KINDS
from tasks.lake.views import files_table, views
from tasks.spec import Lake
from tests.infra.templates import Assembly, Json, as_text

pytestmark = pytest.mark.slow


def _tables(aws: Assembly) -> dict[str, Json]:
    return {
        each.properties["TableInput"]["Name"]: each.properties["TableInput"]
        for each in aws.all("AWS::Glue::Table")
    }


def test_every_kind_has_a_table_with_its_columns_and_partitions_that_nobody_registers(aws: Assembly) -> None:
    tables = _tables(aws)
    for kind in KINDS.values():
        table = tables[files_table(kind)]
        assert [each["Name"] for each in table["StorageDescriptor"]["Columns"]] == kind.schema.names
        assert table["PartitionKeys"] == [{"Name": "trading_date", "Type": "date"}]
        assert table["Parameters"]["projection.enabled"] == "true"
        location = as_text(table["Parameters"]["storage.location.template"])
        assert location.endswith(f"/lake/{kind.name}/trading_date=${{trading_date}}/")


def test_athenas_views_ask_what_duckdbs_ask(aws: Assembly) -> None:
    tables = _tables(aws)
    for name, query in views():
        packed = tables[name]["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
        said: dict[str, Any] = json.loads(base64.b64decode(packed))
        assert said["originalSql"] == query
        names = [column["name"] for column in said["columns"]]
        assert names == [each["Name"] for each in tables[name]["StorageDescriptor"]["Columns"]]


def test_only_the_lakes_functions_touch_its_files(aws: Assembly) -> None:
    actions = {
        Lake.READ: {"s3:ListBucket", "s3:GetObject"},
        Lake.WRITE: {"s3:PutObject"},
        Lake.DELETE: {"s3:DeleteObject"},
        Lake.ARCHIVE: {"s3:PutObject"},
    }
    functions = aws.functions()
    for spec in FUNCTIONS:
        may = [each for each in aws.may(functions[spec.name]) if each.actions[0].startswith("s3:")]
        wanted: set[str] = set().union(*(actions[what] for what in spec.lake))
        if spec.asks_lake:  # Athena reads and writes its answers with the asker's rights
            wanted |= {"s3:GetBucketLocation", "s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}
        if spec.keeps_reports:
            wanted.add("s3:PutObject")
        assert {action for each in may for action in each.actions} == wanted, spec.name


def test_orders_are_kept_five_years_and_nothing_is_public(aws: Assembly) -> None:
    (bucket,) = (each.properties for each in aws.all("AWS::S3::Bucket") if each.name.startswith("Lake"))
    rules = {rule["Prefix"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["lake/"]["ExpirationInDays"] == KEPT.to_days() >= 5 * 365
    assert set(rules) == {"lake/", "histories/", "athena/"}
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["VersioningConfiguration"]["Status"] == "Enabled"


def test_a_query_has_a_limit_and_its_answer_is_encrypted(aws: Assembly) -> None:
    (group,) = aws.all("AWS::Athena::WorkGroup")
    configuration = group.properties["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["BytesScannedCutoffPerQuery"] > 0
    assert configuration["ResultConfiguration"]["EncryptionConfiguration"]["EncryptionOption"] == "SSE_S3"


def test_what_is_on_the_bus_comes_to_the_queue_as_it_was_recorded(aws: Assembly) -> None:
    (rule,) = (
        each.properties for each in aws.all("AWS::Events::Rule") if each.properties["Name"] == "algo-lake"
    )
    assert rule["EventPattern"] == {"source": ["algo"]}
    (target,) = rule["Targets"]
    assert target["InputPath"] == "$.detail"
    assert target["Arn"]["Fn::GetAtt"][0].startswith("LakeQueue")
