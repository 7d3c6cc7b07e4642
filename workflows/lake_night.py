"""LakeNight, Standard, each night: the lake's small files become large ones.

A partition that could not be compacted keeps its small files, and the execution fails when all the others are
through, so that somebody looks: redriving it, or the next night, tries again.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tasks import compact_partition, find_small_files
from workflows import parts
from workflows.asl.conditions import When
from workflows.asl.context import MAP_ITEM_VALUE
from workflows.asl.intrinsics import array_contains
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.states import Catch, Choice, Fail, Map, Pass, State, Succeed

AT_ONCE = 4


class Ended(BaseModel):
    kind: str
    day: str
    status: str


class Some(BaseModel):
    some: bool


class Data(BaseModel):
    small: find_small_files.Output
    compacted: list[Ended]
    failed: Some


class PartitionData(BaseModel):
    """One kind and trading date."""

    partition: find_small_files.Partition
    done: compact_partition.Output
    trouble: parts.Trouble


def _ended(name: str, status: str) -> Pass:
    value: dict[str, Any] = {
        "kind": Path("$.partition.kind"),
        "day": Path("$.partition.day"),
        "status": status,
    }
    return Pass(name=name, value=value, end=True)


_STATES: list[State] = [
    parts.invoke("FindSmallFiles", "find_small_files", "small", {}),
    Map(
        name="CompactPartitions",
        items=Path("$.small.partitions"),
        item=PartitionData,
        select={"partition": MAP_ITEM_VALUE},
        states=[
            parts.invoke(
                "CompactPartition",
                "compact_partition",
                "done",
                {"kind": Path("$.partition.kind"), "day": Path("$.partition.day")},
                catch=[Catch(errors=["States.ALL"], next="NotCompacted", slot="trouble")],
            ),
            _ended("Compacted", "COMPACTED"),
            _ended("NotCompacted", "FAILED"),
        ],
        result=Ended,
        slot="compacted",
        max_concurrency=AT_ONCE,
        never_fails=True,
    ),
    Pass(
        name="CountFailed",
        value={"some": array_contains(Path("$.compacted[*].status"), "FAILED")},
        slot="failed",
    ),
    Choice(
        name="AllCompacted",
        choices=[When(Path("$.failed.some").equals(True), "SomeNotCompacted")],
        default="NightOver",
    ),
    Fail(
        name="SomeNotCompacted",
        error="NotCompacted",
        cause="Some partitions keep their small files: the Map's output names them, its events say why",
    ),
    Succeed(name="NightOver"),
]

LAKE_NIGHT = Machine(
    name="LakeNight",
    comment="Make large files of the lake's small ones, and prove that they hold the same",
    data=Data,
    states=_STATES,
)
