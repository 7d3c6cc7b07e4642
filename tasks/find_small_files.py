"""FindSmallFiles: the kinds and trading dates of the lake that lie in more than one file.

The night's question. A day that got late events weeks afterwards is found again.
"""

from __future__ import annotations

from pydantic import BaseModel

from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Lake

FUNCTION = Function(
    name="FindSmallFiles",
    module="tasks.find_small_files",
    timeout=120,
    parquet=True,
    lake=(Lake.READ,),
)

MAX_AT_ONCE = 200
"""Partitions of one night: a state's data may have 256 KiB. The others are for the next."""


class Input(BaseModel):
    """Nothing: it looks at the lake."""


class Partition(Slot):
    """A kind and a trading date, `yyyy-mm-dd`."""

    kind: str
    day: str


class Output(Slot):
    partitions: list[Partition]


def run(_request: Input, rt: Runtime) -> Output:
    from tasks.lake.compaction import partitions  # noqa: PLC0415  (pyarrow is in the lake's layer alone)

    several = [
        Partition(kind=kind.name, day=f"{day}") for kind, day, keys in partitions(rt.lake) if len(keys) > 1
    ]
    return Output(partitions=several[:MAX_AT_ONCE])


handler = task(run, Input)
