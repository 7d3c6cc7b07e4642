"""Run the tests once and learn what reaches what; then once more in a fork for each mutant, until one fails.

A mutant inside a function is put into the living function of a forked process: nothing is imported again, and
only tests that reach its line run, the quickest first. One that stands outside of functions is tried in a
process that imports everything anew.
"""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

from tests.mutation import coverage
from tests.mutation.fresh import KILLED, SURVIVED, limit, try_fresh
from tests.mutation.mutants import MODULE, Mutant, code_of

WORKERS = 2
PRELOADED = [
    "pydantic",
    "boto3",
    "moto",
    "hypothesis",
    "pytest",
    "aws_lambda_powertools",
    "kiteconnect",
    "numpy",
]
IN_FORK = 10.0
"""Seconds of tests that one mutant is given in a fork, by how long they took; of each file at least one."""
OUT_OF_REACH = 77
"""Exit code of a fork in which the mutant's function could not be found."""
FORK_SECONDS, FRESH_SECONDS = 15, 60
"""Of CPU, after which a mutant that does not come to an end counts as noticed."""


@dataclass(slots=True)
class Verdict:
    mutant: Mutant
    killed: bool
    reached: bool = True


@dataclass(slots=True)
class Learned:
    """What the tests' own run has told."""

    took: dict[str, float] = field(default_factory=dict)
    reached: dict[coverage.Line, set[str]] = field(default_factory=lambda: defaultdict(set))
    failed: list[str] = field(default_factory=list)

    def tests_of(self, module: str) -> set[str]:
        """Tests that reach any line of this module."""
        return {test for (name, _), tests in self.reached.items() if name == module for test in tests}


class Session:
    """A pytest plugin that has the session's items run the way it needs."""

    def __init__(self, mutants: Sequence[Mutant], say: Callable[[str], None]) -> None:
        self.mutants = list(mutants)
        self.verdicts: list[Verdict] = []
        self.learned = Learned()
        self._say = say

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        logging.disable(logging.CRITICAL)
        _settle_hypothesis()
        items = {item.nodeid: item for item in session.items}
        started = time.perf_counter()
        self._learn(session.items)
        self._say(f"{len(items)} tests, run once in {time.perf_counter() - started:.0f} s")
        if self.learned.failed:
            self._say(f"left out, as they fail when run like this: {', '.join(self.learned.failed)}")
        coverage.forget_answers()
        self.verdicts = list(self._try_all(items))
        return True

    def _learn(self, items: Sequence[pytest.Item]) -> None:
        with coverage.reporting(sorted({mutant.module for mutant in self.mutants})):
            for item in items:
                coverage.HITS.clear()
                began = time.perf_counter()
                if not passes(item):
                    self.learned.failed.append(item.nodeid)
                    continue
                self.learned.took[item.nodeid] = time.perf_counter() - began
                for line in coverage.HITS:
                    self.learned.reached[line].add(item.nodeid)

    def _try_all(self, items: dict[str, pytest.Item]) -> Iterator[Verdict]:
        at_import = [mutant for mutant in self.mutants if mutant.function == MODULE]
        inside = [mutant for mutant in self.mutants if mutant.function != MODULE]
        tests = {mutant: self._chosen(self._reaching(mutant)) for mutant in inside}
        yield from (Verdict(mutant, killed=False, reached=False) for mutant in inside if not tests[mutant])
        reached = [mutant for mutant in inside if tests[mutant]]
        survived = 0
        forked = _in_parallel(reached, lambda mutant: _fork(mutant, [items[test] for test in tests[mutant]]))
        for done, (mutant, code) in enumerate(forked, start=1):
            if code == OUT_OF_REACH:
                at_import.append(mutant)
            else:
                yield Verdict(mutant, killed=code != SURVIVED)
            survived += code == SURVIVED
            if done % 100 == 0:
                self._say(f"{done} of {len(reached)} inside functions: {survived} survive")
        yield from self._import_again(at_import)

    def _reaching(self, mutant: Mutant) -> set[str]:
        line = _statements(mutant.module).get(mutant.line, mutant.line)
        return self.learned.reached.get((mutant.module, line), set())

    def _import_again(self, mutants: Sequence[Mutant]) -> Iterator[Verdict]:
        self._say(f"{len(mutants)} need a fresh import")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        running: dict[Any, Mutant] = {}
        waiting = [(mutant, self._chosen(self.learned.tests_of(mutant.module))) for mutant in mutants]
        yield from (Verdict(mutant, killed=False, reached=False) for mutant, tests in waiting if not tests)
        waiting = [(mutant, tests) for mutant, tests in waiting if tests]
        while waiting or running:
            while waiting and len(running) < WORKERS:
                mutant, tests = waiting.pop()
                process = context.Process(target=try_fresh, args=(mutant, tests, FRESH_SECONDS))
                process.start()
                running[process] = mutant
            multiprocessing.connection.wait([process.sentinel for process in running])
            for process in [one for one in running if one.exitcode is not None]:
                yield Verdict(running.pop(process), killed=process.exitcode != SURVIVED)

    def _chosen(self, tests: set[str]) -> list[str]:
        """The quickest, within the time; and of each file at least its quickest."""
        chosen, spent, files = [], 0.0, set()
        for test in sorted(tests, key=lambda test: (self.learned.took[test], test)):
            file = test.partition("::")[0]
            if spent < IN_FORK or file not in files:
                chosen.append(test)
                spent += self.learned.took[test]
                files.add(file)
        return chosen


@cache
def _statements(module: str) -> dict[int, int]:
    return coverage.statement_of(module)


def _settle_hypothesis() -> None:
    """The same examples each time, and fewer."""
    settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        max_examples=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutation")


def passes(item: pytest.Item) -> bool:
    """Run one test as pytest does, also for a second time."""
    if isinstance(item, pytest.Function):
        item._initrequest()
    reports = runtestprotocol(item, log=False, nextitem=None)
    return all(report.passed or report.skipped for report in reports)


def _fork(mutant: Mutant, items: Sequence[pytest.Item]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        limit(FORK_SECONDS)
        if not _put_in(mutant):
            os._exit(OUT_OF_REACH)
        for item in items:
            if not passes(item):
                os._exit(KILLED)
    except BaseException:  # noqa: BLE001  (a mutant may raise anything)
        os._exit(KILLED)
    os._exit(SURVIVED)


def _put_in(mutant: Mutant) -> bool:
    functions = coverage.functions_of([mutant.module])
    codes = {code.co_qualname: code for code in coverage.codes_in(code_of(mutant))}
    changed = False
    for (_, name), group in functions.items():
        for function in group:
            code = codes.get(name)
            if code is not None and code.co_freevars == function.__code__.co_freevars:
                changed |= name == mutant.function
                function.__code__ = code
    return changed


def _in_parallel(mutants: Sequence[Mutant], fork: Callable[[Mutant], int]) -> Iterator[tuple[Mutant, int]]:
    """Each mutant with its process's exit code."""
    running: dict[int, Mutant] = {}
    for mutant in mutants:
        running[fork(mutant)] = mutant
        if len(running) == WORKERS:
            yield _next(running)
    while running:
        yield _next(running)


def _next(running: dict[int, Mutant]) -> tuple[Mutant, int]:
    pid, status = os.wait()
    return running.pop(pid), os.waitstatus_to_exitcode(status)
