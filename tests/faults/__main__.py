"""`python -m tests.faults`: play the matrix, or days from seeds, or one day with its story.

Without arguments every cell is played on every shape. `--seeds 20000 --first-seed 1` plays days with one fault
or two, all of it from the seed. `--seed 17`, or `--cell F5/P6 --shape 4h-3-slow`, plays one day and prints it.
`--pairs 2000` lets hypothesis look for a pair of faults that breaks something, and shrink it.
`--guards` switches the guards off, one by one.
"""

from __future__ import annotations

import argparse
import gc
import logging
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from multiprocessing import Pool

from tests.faults.beside import BESIDE
from tests.faults.matrix import CELLS, FAULTS, POINTS, Cell
from tests.faults.play import Scenario, play
from tests.faults.shapes import Shape, all_shapes
from tests.faults.story import story

PROCESSES = 2
CHUNK = 16


@dataclass(frozen=True, slots=True)
class Result:
    """What comes back from another process."""

    scenario: Scenario
    struck: bool
    violations: tuple[str, ...]


Some = Callable[[Sequence["Scenario"]], list["Result"]]


def some(scenarios: Sequence[Scenario]) -> list[Result]:
    results = [one(scenario) for scenario in scenarios]
    gc.collect()
    return results


def one(scenario: Scenario) -> Result:
    played = play(scenario, retry=len(scenario.cells) == 1)
    return Result(scenario, played.struck, tuple(map(str, played.violations)))


def some_on_moto(scenarios: Sequence[Scenario]) -> list[Result]:
    from tests.faults.moto import on_moto

    results = []
    for scenario in scenarios:
        with on_moto() as backing:
            played = play(scenario, backing=backing)
        results.append(Result(scenario, played.struck, tuple(map(str, played.violations))))
    gc.collect()
    return results


def play_all(scenarios: Iterable[Scenario], some: Some = some) -> Iterator[Result]:
    with Pool(PROCESSES, initializer=quiet) as pool:
        for results in pool.imap_unordered(some, batched(scenarios, CHUNK)):
            yield from results


def batched(scenarios: Iterable[Scenario], size: int) -> Iterator[tuple[Scenario, ...]]:
    source = iter(scenarios)
    while batch := tuple(islice(source, size)):
        yield batch


def quiet() -> None:
    """Without the tasks' own log lines, which are JSON on standard output, and without a collector that looks
    at a world again and again while it lives."""
    logging.disable(logging.CRITICAL)
    gc.freeze()
    gc.disable()


def matrix(seed: int, beside: str = "") -> Iterator[Scenario]:
    return (Scenario((cell,), shape, seed, beside) for cell in CELLS for shape in all_shapes())


def table(results: Iterable[Result]) -> list[str]:
    """Days by fault and point; a cell with violations says so."""
    days: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for result in results:
        for cell in result.scenario.cells:
            days[str(cell)] += 1
            broken[str(cell)] += bool(result.violations)
    width = max((len(str(n)) for n in days.values()), default=1) + 3
    lines = [" " * 36 + "".join(f"{point:>{width}}" for point in POINTS)]
    for fault, name in FAULTS.items():
        marks = (_mark(days[f"{fault}/{point}"], broken[f"{fault}/{point}"]) for point in POINTS)
        lines.append(f"{fault:<4}{name[:31]:<32}" + "".join(f"{mark:>{width}}" for mark in marks))
    return lines


def _mark(days: int, broken: int) -> str:
    if not days:
        return "·"
    return f"{broken}✗" if broken else str(days)


def report(scenarios: Iterable[Scenario], what: str, some: Some = some) -> int:
    started = time.perf_counter()
    results = list(play_all(scenarios, some))
    took = time.perf_counter() - started
    failed = [result for result in results if result.violations]
    unstruck = [result for result in results if not result.struck]
    say(*table(results), "")
    say(
        f"{len(results)} days of {what} in {took:.0f} s with {PROCESSES} processes ({_cpu():.0f} s of CPU): "
        f"{len(failed)} with violations, {len(unstruck)} whose fault was never reached"
    )
    for result in failed[:20]:
        say(f"  {result.scenario}: {'; '.join(result.violations[:2])}")
    return 1 if failed else 0


def _cpu() -> float:
    """Seconds of CPU that the other processes used: the truer number on a busy machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tell(scenario: Scenario) -> int:
    played = play(scenario, retry=len(scenario.cells) == 1)
    say(*story(played))
    return 1 if played.violations else 0


def cells(text: str) -> tuple[Cell, ...]:
    return tuple(map(Cell.parse, text.split("+")))


def say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="play one day and print its story")
    parser.add_argument("--cell", type=cells, help="with --shape: that day of the matrix; F5/P6+F9/P11 for two")
    parser.add_argument("--shape", type=Shape.parse, default=Shape("2", 1, "instant"))
    parser.add_argument("--seeds", type=int, help="play so many days from seeds")
    parser.add_argument("--first-seed", type=int)
    parser.add_argument(
        "--pairs", type=int, help="let hypothesis look for a pair of faults that breaks something"
    )
    parser.add_argument("--beside", choices=BESIDE, default="", help="what else is done on the day")
    parser.add_argument("--on", choices=["moto"], help="play a sample of the matrix on DynamoDB's own tables")
    parser.add_argument("--guards", action="store_true", help="switch the guards off, one by one")
    given = parser.parse_args(arguments)
    quiet()
    if given.guards:
        from tests.faults.guards import guard_table

        return guard_table(say)
    if given.pairs is not None:
        from tests.faults import pairs

        return pairs.report(given.pairs, given.first_seed, PROCESSES, say)
    one_day = _one_day(given)
    return tell(one_day) if one_day else _many(given)


def _one_day(given: argparse.Namespace) -> Scenario | None:
    if given.cell is not None:
        return Scenario(given.cell, given.shape, given.seed or 0, given.beside)
    return Scenario.of_seed(given.seed) if given.seed is not None and not given.beside else None


def _many(given: argparse.Namespace) -> int:
    if given.on == "moto":
        from tests.faults import moto

        return report(moto.sample(), "a sample of the matrix on moto's DynamoDB", some_on_moto)
    if given.seeds is not None:
        first = given.first_seed or 1
        seeds = range(first, first + given.seeds)
        return report(map(Scenario.of_seed, seeds), f"seeds {seeds.start} to {seeds.stop - 1}")
    beside = f" beside {given.beside}" if given.beside else ""
    return report(matrix(given.seed or 0, given.beside), f"the matrix{beside}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
