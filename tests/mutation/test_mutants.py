"""The tool that counts unnoticed mistakes: what it changes, and how it sees what a test reaches."""

from __future__ import annotations

import ast
from datetime import datetime

from tasks.domain import pace
from tests.mutation import coverage
from tests.mutation.known import KNOWN
from tests.mutation.mutants import MODULE, code_of, mutants_of, path_of, text_of

NAME = "tasks.domain.pace"


def test_each_mutant_is_one_change_of_the_module() -> None:
    plain = compile(path_of(NAME).read_text(), "pace.py", "exec")
    mutants = mutants_of(NAME)
    changed = {str(mutant): code_of(mutant) for mutant in mutants}
    assert len(mutants) > 20
    assert all(code != plain for code in changed.values())
    assert all(mutant.what in str(mutant) and text_of(mutant) for mutant in mutants)


def test_comparisons_arithmetic_numbers_and_answers_are_changed() -> None:
    said = {mutant.what for mutant in mutants_of(NAME) if mutant.function == "_full_until"}
    assert {">= → >", "- → +", "< → <=", "return None", "1 → 2", "max → min"} <= said


def test_words_annotations_and_what_a_function_is_given_are_left_alone() -> None:
    lines = {mutant.line for mutant in mutants_of("tasks.place_order")}
    tree = ast.parse(path_of("tasks.place_order").read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom)):
            assert not lines & set(range(node.lineno, (node.end_lineno or 0) + 1))


def test_what_runs_at_import_is_told_from_what_runs_in_a_function() -> None:
    by_line = {text_of(mutant): mutant.function for mutant in mutants_of(NAME)}
    assert by_line["WINDOW = timedelta(milliseconds=1100)"] == MODULE
    assert by_line["in_minute=current.in_minute + 1,"] == "take"


def test_functions_report_the_statements_that_they_begin_and_then_no_more() -> None:
    before = pace._milliseconds.__code__
    with coverage.reporting([NAME]):
        coverage.HITS.clear()
        assert pace._at(pace.Pace(), datetime(2026, 11, 23, 9, 30)) is not None
    told = {line for module, line in coverage.HITS if module == NAME}
    source = path_of(NAME).read_text().splitlines()
    assert {source[line - 1].strip() for line in told} == {
        "since = _milliseconds(now - WINDOW)",
        'minute, day = f"{now:%Y%m%d%H%M}", f"{now:%Y%m%d}"',
        "return Pace(",
        "return int(at.timestamp() * 1000)",
    }
    assert pace._milliseconds.__code__ is before


def test_a_known_survivor_is_a_mutant_that_there_is() -> None:
    there = {(m.module, text_of(m), m.what) for module in {key[0] for key in KNOWN} for m in mutants_of(module)}
    assert set(KNOWN) <= there
