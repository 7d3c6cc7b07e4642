"""`python -m tasks.people export|erase USER`: a user's data in the lake, handed out or erased.

For an operator, with credentials that may read and write the lake's bucket (`LAKE_BUCKET`). What the law makes
us keep (orders, positions, runs, brokers' words: five years) stays under a pseudonym, which is printed. The
rest is gone, earlier versions of the objects too. docs/lake.md says what else holds a user's data.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from tasks.lake.people import Erased, StillThere, erase, export
from tasks.lake_bucket import lake_objects
from tasks.objects import FolderObjects, Objects

PSEUDONYM = "erased"


def main(arguments: list[str] | None = None, objects: Callable[[], Objects] = lake_objects) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.people", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    out = commands.add_parser("export", help="write everything that the lake has of a user into a folder")
    out.add_argument("user", help="the user's id")
    out.add_argument("--to", type=Path, required=True, help="the folder")
    gone = commands.add_parser("erase", help="take a user out of the lake")
    gone.add_argument("user", help="the user's id")
    gone.add_argument("--yes", action="store_true", help="without it nothing is done")
    chosen = parser.parse_args(arguments)
    if chosen.command == "export":
        return _export(chosen.user, chosen.to, objects())
    if not chosen.yes:
        sys.stderr.write("An erasure can't be undone. Export first, then say --yes.\n")
        return 2
    return _erase(chosen.user, objects())


def _export(user_id: str, folder: Path, objects: Objects) -> int:
    count = 0
    for count, (name, content) in enumerate(export(user_id, objects), start=1):  # noqa: B007  (said below)
        FolderObjects(folder).put(name, content)
    sys.stdout.write(f"{count} files in {folder}\n")
    return 0 if count else 1


def _erase(user_id: str, objects: Objects) -> int:
    try:
        done = erase(user_id, objects, pseudonym=f"{PSEUDONYM}{secrets.token_hex(6)}")
    except StillThere as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _tell(done)
    return 0


def _tell(done: Erased) -> None:
    sys.stdout.write(
        f"{sum(done.dropped.values())} rows dropped, {sum(done.kept.values())} kept for the law as"
        f" {done.pseudonym}, {done.files} files rewritten, {done.histories} histories\n"
    )


if __name__ == "__main__":
    sys.exit(main())
