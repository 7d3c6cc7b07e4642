"""Small mistakes, one at a time: each `Mutant` is a module with a single expression changed.

What is not changed: annotations, decorators, docstrings, the words of messages, and `FUNCTION` (what a Lambda
is given is `infra`'s matter, and tested there).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from types import CodeType

ROOT = Path(__file__).parents[2]
MODULE = "<module>"
"""Of `Mutant.function`: a statement that runs at import, in a class's body included."""

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
_LEFT_ALONE = frozenset({"FUNCTION", "logger", "handler", "__all__"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """The `number`th change that can be made in `module`, at `line`, inside `function`."""

    module: str
    number: int
    line: int
    function: str
    what: str

    def __str__(self) -> str:
        return f"{path_of(self.module).relative_to(ROOT)}:{self.line} {self.what}"


@dataclass(frozen=True, slots=True)
class _Site:
    line: int
    function: str
    what: str
    apply: Callable[[], object]


def path_of(module: str) -> Path:
    return ROOT / (module.replace(".", "/") + ".py")


@cache
def _lines(module: str) -> tuple[str, ...]:
    return tuple(path_of(module).read_text().splitlines())


def text_of(mutant: Mutant) -> str:
    """The line of code that it changes."""
    return _lines(mutant.module)[mutant.line - 1].strip()


def mutants_of(module: str) -> list[Mutant]:
    """All of one module, in the order of its text."""
    tree = ast.parse(path_of(module).read_text())
    return [Mutant(module, n, s.line, s.function, s.what) for n, s in enumerate(_sites(tree))]


def code_of(mutant: Mutant) -> CodeType:
    """The module's code with this one change."""
    path = path_of(mutant.module)
    tree = ast.parse(path.read_text())
    list(_sites(tree))[mutant.number].apply()
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


def _sites(tree: ast.Module) -> Iterator[_Site]:
    yield from _Finder().sites(tree)


class _Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self._found: list[_Site] = []
        self._names: list[str] = []
        self._functions = 0

    def sites(self, tree: ast.Module) -> list[_Site]:
        self.visit(tree)
        return self._found

    def _site(self, node: ast.AST, what: str, apply: Callable[[], object]) -> None:
        function = ".".join(self._names) if self._functions else MODULE
        self._found.append(_Site(getattr(node, "lineno", 0), function, what, apply))

    # --- where nothing is changed ---

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._names.append(node.name)
        self._functions += 1
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(default)
        for statement in node.body:
            self.visit(statement)
        self._functions -= 1
        self._names.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._names.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self._names.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if not names & _LEFT_ALONE:
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        """That it raises is tested, the words are not."""

    # --- what is changed ---

    def visit_Compare(self, node: ast.Compare) -> None:
        for at, op in enumerate(node.ops):
            other = _COMPARED[type(op)]
            said = f"{_words(op)} → {_words(other())}"
            self._site(node, said, lambda at=at, other=other: node.ops.__setitem__(at, other()))  # type: ignore[misc]
        for side in (node.left, *node.comparators):
            if isinstance(side, ast.Constant) and isinstance(side.value, str) and side.value:
                self._site(node, f"{side.value!r} → other text", lambda side=side: _set(side, side.value + "x"))  # type: ignore[misc]
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        self._site(node, f"{_words(node.op)} → {_words(other())}", lambda: setattr(node, "op", other()))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._site(node, "without not", lambda: setattr(node, "operand", _negated(node.operand)))
        elif isinstance(node.op, ast.USub):
            self._site(node, "-x → x", lambda: setattr(node, "op", ast.UAdd()))
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        other = _COUNTED.get(type(node.op))
        if other is not None:
            self._site(node, f"{_words(node.op)} → {_words(other())}", lambda: setattr(node, "op", other()))
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        other = _COUNTED.get(type(node.op))
        if other is not None:
            self._site(node, f"{_words(node.op)}= → {_words(other())}=", lambda: setattr(node, "op", other()))
        self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._site(node, f"{value} → {not value}", lambda: _set(node, not value))
        elif isinstance(value, (int, float)):
            self._site(node, f"{value} → {value + 1}", lambda: _set(node, value + 1))

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in _CALLED:
            other = _CALLED[name]
            self._site(node, f"{name} → {other}", lambda: setattr(node.func, "id", other))
        if name == "Decimal" and node.args and isinstance(node.args[0], ast.Constant):
            self._decimal(node.args[0])
        self.generic_visit(node)

    def _decimal(self, node: ast.Constant) -> None:
        try:
            text = str(node.value)
            more = str(Decimal(text) + 1) if isinstance(node.value, str) else ""
        except InvalidOperation:
            return
        if more:
            self._site(node, f"{text} → {more}", lambda: _set(node, more))

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            return
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._site(node, "return None", lambda: setattr(node, "value", ast.Constant(None)))
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node.value, ast.Call):
            self._site(node, "without this call", lambda: setattr(node, "value", ast.Constant(None)))
            self.visit(node.value)
        else:
            self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        self._negation(node)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negation(node)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for at, test in enumerate(node.ifs):
            if _plain(test):
                self._site(
                    test,
                    "if → if not",
                    lambda at=at, test=test: node.ifs.__setitem__(at, _negated(test)),  # type: ignore[misc]
                )
        self.generic_visit(node)

    def _negation(self, node: ast.If | ast.IfExp) -> None:
        if _plain(node.test):
            self._site(node, "if → if not", lambda: setattr(node, "test", _negated(node.test)))


def _plain(test: ast.expr) -> bool:
    """A test that no other change would turn round."""
    return not isinstance(test, (ast.Compare, ast.BoolOp, ast.UnaryOp))


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(op=ast.Not(), operand=test)


def _set(node: ast.Constant, value: object) -> None:
    node.value = value  # type: ignore[assignment]


def _words(op: ast.AST) -> str:
    one: ast.expr
    a, b = ast.Name("a", ast.Load()), ast.Name("b", ast.Load())
    if isinstance(op, ast.cmpop):
        one = ast.Compare(a, [op], [b])
    elif isinstance(op, ast.boolop):
        one = ast.BoolOp(op, [a, b])
    else:
        assert isinstance(op, ast.operator)
        one = ast.BinOp(a, op, b)
    return ast.unparse(one)[2:-2]
