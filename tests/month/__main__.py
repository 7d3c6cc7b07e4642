"""`python -m tests.month` (`make month`): a month, told day by day, and what the lake makes of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tasks.domain.money import rupees
from tasks.lambda_task import logger
from tasks.objects import TABLES, FolderObjects, S3Objects
from tests.month.pipeline import running
from tests.month.play import Look, Played, Size, play


def main() -> int:
    usual = Size()
    parser = argparse.ArgumentParser(prog="python -m tests.month", description=__doc__)
    parser.add_argument("--days", type=int, default=usual.days, help="trading days")
    parser.add_argument("--users", type=int, default=usual.users)
    parser.add_argument("--strategies", type=int, default=usual.strategies)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--keep", type=Path, help="a folder to copy the lake's files to, for DuckDB")
    chosen = parser.parse_args()
    size = Size(chosen.days, chosen.users, chosen.strategies, chosen.seed)
    began = time.perf_counter()
    logger.setLevel("ERROR")
    with (
        tempfile.TemporaryDirectory(prefix="month-") as folder,
        running(Path(folder), Random(size.seed)) as pipeline,
    ):
        played = play(size, pipeline, lambda line: print(line, flush=True))
        if chosen.keep:
            _keep(chosen.keep, pipeline.objects)
    return _conclude(played, time.perf_counter() - began)


def _keep(folder: Path, objects: object) -> None:

    assert isinstance(objects, S3Objects)
    for key in objects.keys(f"{TABLES}/"):
        FolderObjects(folder).put(key, objects.get(key) or b"")


def _conclude(played: Played, seconds: float) -> int:
    before, after = played.before, played.after
    assert before is not None
    assert after is not None
    print(
        f"\n{len(played.traded_on)} trading days, {len(played.shut_on)} holidays,"
        f" {played.size.users} users, {played.size.strategies} strategies, {played.trades:,} trades;"
        f" {played.lambdas_killed} Lambdas killed, {played.replies_lost} replies lost"
    )
    print(
        f"{played.recorded:,} events and {played.updates:,} words of brokers in {played.messages:,} messages,"
        f" each put into the queue twice; the writer killed {played.writer_killed} times;"
        f" {len(played.poison)} poison message(s), set aside with a reason"
    )
    _tell("before compaction", before)
    _tell("after compaction", after)
    for line in [*before.wrong, *after.wrong][:20]:
        print(f"  {line}")
    for line in played.open_positions:
        print(f"  left open: {line}")
    spent = ", ".join(f"{what} {took:.0f} s" for what, took in played.seconds.items())
    print(f"{seconds:.0f} s in all: {spent}")
    lost = [played.recorded - look.events for look in (before, after)]
    whole = not any(lost) and before.updates == after.updates == played.updates
    agrees = not before.wrong and not after.wrong
    total = rupees(played.books.total)
    print(
        f"The exchange's ledger says {total} in {len(played.books.traded):,} lines;"
        f" the lake {'agrees to the paisa' if agrees else 'does not agree'}"
        f" and {'holds every event once' if whole else f'lacks {lost} events'}."
    )
    return 0 if agrees and whole else 1


def _tell(when: str, look: Look) -> None:
    print(
        f"  {when:17} {look.files:5,} files, {look.bytes / 1e6:6.2f} MB, {look.rows:9,} rows of events,"
        f" {look.events:9,} counted once"
    )


if __name__ == "__main__":
    sys.exit(main())
