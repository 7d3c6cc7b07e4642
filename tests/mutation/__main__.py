"""`python -m tests.mutation`: how many small mistakes in the domain and the order path would go unnoticed.

`--sample 400` tries so many, drawn by `--seed`, instead of all; `--module tasks.domain.pace` one module's.
`--list` shows the mutants and tries none; `--write` makes `docs/mutants.md` of what is found.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from tests.mutation.known import why
from tests.mutation.mutants import MODULE, ROOT, Mutant, mutants_of, text_of
from tests.mutation.runner import Session, Verdict
from tests.mutation.targets import TESTS, WITHOUT, modules

ENOUGH = 0.85
PAGE = ROOT / "docs" / "mutants.md"
NOT_REACHED = "no test of those that are run reaches it"
HEAD = (
    "# Small mistakes, and whether a test notices",
    "",
    "Made by `python -m tests.mutation --write`; what is said of survivors is in `tests/mutation/known.py`.",
    "",
    "One expression of `tasks/domain`, of `tasks/orderpath` or of the order path's tasks is changed at a time:",
    "a comparison, a logical or arithmetic operator, a number, an answer (`return None`), a condition turned",
    "round, a call left out. The tests that reach the line run until one fails. Left alone are annotations,",
    "decorators, the words of messages, and what a Lambda is given (`FUNCTION`, at which `tests/infra` looks).",
    "",
    "A runner of our own (`tests/mutation`), because mutmut and cosmic-ray import everything anew for each",
    "mutant or rewrite the tree: here a mutant is put into the living function of a forked process, and only",
    "what runs at import needs a fresh one. Of the tests that reach a line, as many run as take ten seconds",
    "together, the quickest first, and of each file at least one: a survivor may still fail `make faults`.",
    "",
    "```",
    "make mutants                                  # all of them",
    "make mutants SAMPLE=350 SEED=1                # so many, drawn by a seed",
    "make mutants MODULE=tasks.domain.pace         # one module's",
    "```",
    "",
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, help="so many mutants instead of all")
    parser.add_argument("--seed", type=int, default=1, help="draws the sample")
    parser.add_argument("--module", action="append", help="only of this module; may be given again")
    parser.add_argument("--list", action="store_true", help="show them, and try none")
    parser.add_argument("--write", action="store_true", help="make docs/mutants.md of it")
    given = parser.parse_args(arguments)
    mutants = [mutant for module in given.module or modules() for mutant in mutants_of(module)]
    what = f"All {len(mutants)} mutants"
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
    return report(session.verdicts, time.perf_counter() - started, what, write=given.write)


def report(verdicts: Sequence[Verdict], took: float, what: str, *, write: bool) -> int:
    survivors = sorted((v for v in verdicts if not v.killed), key=lambda v: (v.mutant.module, v.mutant.line))
    score = 1 - len(survivors) / len(verdicts)
    for one in survivors:
        say(f"{one.mutant}  {why(one.mutant) or ('' if one.reached else NOT_REACHED)}".rstrip())
    counted = f"{len(verdicts) - len(survivors)} of {len(verdicts)} killed, {score:.1%}"
    say("", f"{counted}, in {took:.0f} s")
    if write:
        PAGE.write_text("\n".join(page(verdicts, survivors, what, counted)) + "\n")
    return 0 if score >= ENOUGH else 1


def page(verdicts: Sequence[Verdict], survivors: Sequence[Verdict], what: str, counted: str) -> Iterator[str]:
    """`docs/mutants.md`."""
    yield from (*HEAD, f"{what}: {counted}.", "", "| | mutants | killed | |", "|---|---|---|---|")
    for room, count in Counter(_room(verdict.mutant) for verdict in verdicts).items():
        dead = sum(verdict.killed for verdict in verdicts if _room(verdict.mutant) == room)
        yield f"| {room} | {count} | {dead} | {dead / count:.0%} |"
    yield from ("", "## Survivors", "", "| where | line | change | why it may live |", "|---|---|---|---|")
    for one in survivors:
        mutant = one.mutant
        place = f"`{mutant.module}`" + ("" if mutant.function == MODULE else f" `{mutant.function}`")
        text = text_of(mutant).replace("|", "\\|")
        because = why(mutant) or ("" if one.reached else NOT_REACHED)
        yield f"| {place} | `{text}` | {mutant.what} | {because} |"


def _room(mutant: Mutant) -> str:
    parts = mutant.module.split(".")
    return ".".join(parts[:2]) if len(parts) == 3 else "tasks (the order path's)"


def say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
