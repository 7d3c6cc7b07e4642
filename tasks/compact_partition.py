"""CompactPartition: the files of one kind and trading date become one, proven to hold the same."""

from __future__ import annotations

from datetime import date

from tasks.contracts import Slot
from tasks.find_small_files import Partition
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Lake

FUNCTION = Function(
    name="CompactPartition",
    module="tasks.compact_partition",
    timeout=600,
    memory=2048,
    parquet=True,
    lake=(Lake.READ, Lake.WRITE, Lake.DELETE),
)

Input = Partition


class Output(Slot):
    """Files before, and events after, each once. Both 0 where there was nothing to do."""

    files: int
    rows: int


def run(request: Partition, rt: Runtime) -> Output:
    """Raises `NotTheSame` if what was written is not what was there: nothing is deleted then."""
    from tasks.lake.compaction import compact  # noqa: PLC0415  (pyarrow is in the lake's layer alone)
    from tasks.lake.schemas import KINDS  # noqa: PLC0415

    done = compact(KINDS[request.kind], date.fromisoformat(request.day), rt.lake)
    return Output(files=done.files, rows=done.rows) if done else Output(files=0, rows=0)


handler = task(run, Input)
