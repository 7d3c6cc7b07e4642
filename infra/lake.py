"""AlgoLake: how Athena sees the lake.

The tables and views are made from `tasks.lake.schemas` and `tasks.lake.views`, so that Athena and DuckDB know
the same names and take the same queries.
"""

from __future__ import annotations

import base64
import json

import pyarrow as pa
from aws_cdk import CfnOutput
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from constructs import Construct

from infra.lake_bucket import RESULTS
from infra.settings import LAKE_DATABASE, PREFIX, Settings, lake_bucket
from infra.stack import AlgoStack
from tasks.lake.schemas import DATE, KINDS, PARTITION, Kind
from tasks.lake.views import files_table, views
from tasks.objects import TABLES

FIRST_DAY = "2026-01-01"
"""Partitions are looked for from this trading date on; there are none before."""

MOST_BYTES = 10 * 1024**3
"""One query may read so much: a mistake costs a few rupees."""


class LakeStack(AlgoStack):
    """A database of the lake's tables and views, and a workgroup that keeps its answers in the bucket."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, "AlgoLake", settings, description="The lake's tables for Athena")
        self._root = f"s3://{lake_bucket(self)}/{TABLES}"
        self._database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=self.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=LAKE_DATABASE, description="Everything that happened, by kind and trading date"
            ),
        )
        for kind in KINDS.values():
            self._files(kind)
        before: glue.CfnTable | None = None
        for name, query in views():
            before = self._view(name, query, before)
        self._workgroup()

    def _files(self, kind: Kind) -> None:
        """A table over a kind's files. Its partitions follow from the calendar: none is ever registered."""
        self._table(
            files_table(kind),
            glue.CfnTable.TableInputProperty(
                name=files_table(kind),
                description="As the files have it; the view of the kind's own name has each event once",
                table_type="EXTERNAL_TABLE",
                partition_keys=[glue.CfnTable.ColumnProperty(name=PARTITION, type="date")],
                parameters={
                    "classification": "parquet",
                    "projection.enabled": "true",
                    f"projection.{PARTITION}.type": "date",
                    f"projection.{PARTITION}.format": "yyyy-MM-dd",
                    f"projection.{PARTITION}.range": f"{FIRST_DAY},NOW+2DAYS",
                    "storage.location.template": f"{self._root}/{kind.name}/{PARTITION}=${{{PARTITION}}}/",
                },
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=f"{self._root}/{kind.name}/",
                    columns=[
                        glue.CfnTable.ColumnProperty(name=each.name, type=athena_type(each.type))
                        for each in kind.schema
                    ],
                    input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
                    ),
                ),
            ),
        )

    def _view(self, name: str, query: str, before: glue.CfnTable | None) -> glue.CfnTable:
        """Athena's form of a view: the query and its columns, as JSON in base64."""
        kind = next(kind for kind in KINDS.values() if name in (kind.name, kind.state))
        columns = [(each.name, each.type) for each in kind.table_schema]
        text = json.dumps(
            {
                "originalSql": query,
                "catalog": "awsdatacatalog",
                "schema": LAKE_DATABASE,
                "columns": [{"name": column, "type": trino_type(type_)} for column, type_ in columns],
            }
        )
        made = self._table(
            name,
            glue.CfnTable.TableInputProperty(
                name=name,
                table_type="VIRTUAL_VIEW",
                parameters={"presto_view": "true", "comment": "Presto View"},
                view_original_text=f"/* Presto View: {base64.b64encode(text.encode()).decode()} */",
                view_expanded_text="/* Presto View */",
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[
                        glue.CfnTable.ColumnProperty(name=column, type=athena_type(type_))
                        for column, type_ in columns
                    ],
                    serde_info=glue.CfnTable.SerdeInfoProperty(),
                ),
            ),
        )
        if before is not None:
            made.add_dependency(before)
        return made

    def _table(self, name: str, input_: glue.CfnTable.TableInputProperty) -> glue.CfnTable:
        construct_id = "".join(word.capitalize() for word in name.split("_"))
        made = glue.CfnTable(
            self, construct_id, catalog_id=self.account, database_name=LAKE_DATABASE, table_input=input_
        )
        made.add_dependency(self._database)
        return made

    def _workgroup(self) -> None:
        athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=PREFIX,
            description="Questions to the lake",
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=MOST_BYTES,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{lake_bucket(self)}/{RESULTS}/",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3"
                    ),
                ),
            ),
        )
        CfnOutput(self, "AthenaWorkgroup", value=PREFIX)
        CfnOutput(self, "LakeDatabase", value=LAKE_DATABASE)


def athena_type(type_: pa.DataType) -> str:
    """A column's type as Glue names it."""
    if pa.types.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    if pa.types.is_timestamp(type_):
        return "timestamp"
    return {pa.string(): "string", pa.int64(): "bigint", pa.bool_(): "boolean", DATE: "date"}.get(
        type_, "array<string>"
    )


def trino_type(type_: pa.DataType) -> str:
    """A column's type as a view of Athena's names it."""
    names = {"string": "varchar", "array<string>": "array(varchar)", "timestamp": "timestamp(3)"}
    return names.get(athena_type(type_), athena_type(type_))
