"""`python -m tests.mutation`: how many small mistakes in the domain and the order path would go unnoticed.

`--sample 400` tries so many, drawn by `--seed`, instead of all; `--module tasks.domain.pace` one module's.
`--list` shows the mutants and tries none. The survivors are printed; those of `docs/mutants.md` are known, and
why they may live is said there.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.mutation.mutants import ROOT, Mutant, mutants_of
from tests.mutation.runner import Session, Verdict
from tests.mutation.targets import TESTS, WITHOUT, modules

ENOUGH = 0.85
KNOWN = ROOT / "docs" / "mutants.md"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, help="so many mutants instead of all")
    parser.add_argument("--seed", type=int, default=1, help="draws the sample")
    parser.add_argument("--module", action="append", help="only of this module; may be given again")
    parser.add_argument("--list", action="store_true", help="show them, and try none")
    given = parser.parse_args(arguments)
    mutants = [mutant for module in given.module or modules() for mutant in mutants_of(module)]
    if given.sample and given.sample < len(mutants):
        mutants = sorted(
            random.Random(given.seed).sample(mutants, given.sample), key=lambda m: (m.module, m.number)
        )
    if given.list:
        say(*map(str, mutants), f"{len(mutants)} mutants")
        return 0
    os.nice(10)
    started = time.perf_counter()
    session = Session(mutants, say)
    tests = [str(ROOT / test) for test in TESTS]
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-summary", "-k", WITHOUT]
    pytest.main([*options, *tests], plugins=[session])
    if not session.verdicts:
        return 1
    return report(session.verdicts, time.perf_counter() - started)


def report(verdicts: Sequence[Verdict], took: float) -> int:
    killed = sum(verdict.killed for verdict in verdicts)
    known = KNOWN.read_text() if KNOWN.exists() else ""
    survivors = sorted((v for v in verdicts if not v.killed), key=lambda v: (v.mutant.module, v.mutant.line))
    say("", f"{'module':<40}{'mutants':>8}{'killed':>8}")
    rooms = Counter(_room(verdict.mutant) for verdict in verdicts)
    for room, count in rooms.items():
        dead = sum(v.killed for v in verdicts if _room(v.mutant) == room)
        say(f"{room:<40}{count:>8}{dead:>8}{dead / count:>8.0%}")
    say("", "survivors:")
    for one in survivors:
        why = "known" if f"`{one.mutant}`" in known else ("" if one.reached else "no test reaches it")
        say(f"  {one.mutant}  {why}".rstrip())
    score = killed / len(verdicts)
    say("", f"{killed} of {len(verdicts)} killed, {score:.1%}, in {took:.0f} s")
    return 0 if score >= ENOUGH else 1


def _room(mutant: Mutant) -> str:
    parts = mutant.module.split(".")
    return ".".join(parts[:2]) if len(parts) == 3 else "tasks (the order path's)"


def say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
