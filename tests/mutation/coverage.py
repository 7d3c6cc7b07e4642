"""Which tests reach which lines: the functions of the modules report each statement that they begin.

By code that is put into the functions and taken out again, because it also works inside of greenlets, which a
tracer does not follow.
"""

from __future__ import annotations

import ast
import functools
import gc
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType

from tests.mutation.mutants import path_of

Line = tuple[str, int]
HITS: set[Line] = set()
"""(module, line) since it was last cleared."""
_REPORT = "_mutation_hits"


def functions_of(modules: Iterable[str]) -> dict[tuple[str, str], list[FunctionType]]:
    """The living functions of these modules by (module, qualified name), methods among them."""
    names = {str(path_of(module)): module for module in modules}
    found: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename in names:
            found[names[thing.__code__.co_filename], thing.__code__.co_qualname].append(thing)
    return found


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """`code` and all that is written inside of it, without what belongs to a function's inside."""
    for const in code.co_consts:
        if isinstance(const, CodeType):
            if "<locals>" not in const.co_qualname and not const.co_name.startswith("<"):
                yield const
            yield from codes_in(const)


@contextmanager
def reporting(modules: Iterable[str]) -> Iterator[None]:
    """Every function of these modules adds to `HITS` what it does."""
    modules = list(modules)
    functions = functions_of(modules)
    before = {id(f): (f, f.__code__) for group in functions.values() for f in group}
    for module in modules:
        setattr(sys.modules[module], _REPORT, HITS)
        for code in codes_in(_instrumented(module)):
            for function in functions.get((module, code.co_qualname), ()):
                if function.__code__.co_freevars == code.co_freevars:
                    function.__code__ = code
    try:
        yield
    finally:
        for function, code in before.values():
            function.__code__ = code


def forget_answers() -> None:
    """Empty every `functools.cache`: what was answered before says nothing of the code that is tried now."""
    for thing in gc.get_objects():
        if isinstance(thing, functools._lru_cache_wrapper) and thing.__module__.startswith(("tasks", "tests")):
            thing.cache_clear()


def _instrumented(module: str) -> CodeType:
    path = path_of(module)
    tree = _Reports(module).visit(ast.parse(path.read_text()))
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


class _Reports(ast.NodeTransformer):
    def __init__(self, module: str) -> None:
        self._module = module

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        _Statements(self._module).visit(node)
        return node


class _Statements(ast.NodeTransformer):
    """Before each statement in each body: `HITS.add((module, line))`, for every line it begins on."""

    def __init__(self, module: str) -> None:
        self._module = module

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):
                setattr(node, name, [part for one in body for part in (self._report(one), one)])
        return node

    def _report(self, statement: ast.stmt) -> ast.stmt:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return statement  # a docstring
        text = f"{_REPORT}.add(({self._module!r}, {statement.lineno}))"
        report = ast.parse(text).body[0]
        return ast.copy_location(report, statement)


def statement_of(module: str) -> dict[int, int]:
    """For each line, the line on which the innermost statement around it begins."""
    tree = ast.parse(path_of(module).read_text())
    begins: dict[int, int] = {}
    for node in ast.walk(tree):  # from the outside in
        if isinstance(node, ast.stmt):
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                begins[line] = node.lineno
    return begins
