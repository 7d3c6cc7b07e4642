"""A machine as a mermaid flowchart, for documents: it looks like the console's graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from workflows.asl.conditions import AllOf, AnyOf, Condition, Negation, Test
from workflows.asl.expressions import Expression
from workflows.asl.flow import Edge, edges, is_end, reach, targets
from workflows.asl.states import Choice, Fail, Map, Parallel, State, Succeed, Wait, inner

if TYPE_CHECKING:
    from workflows.asl.machine import Machine

_SYMBOLS = {
    "Equals": "=",
    "LessThan": "<",
    "LessThanEquals": "≤",
    "GreaterThan": ">",
    "GreaterThanEquals": "≥",
    "Matches": "like",
}


def mermaid(machine: Machine, *, everything: bool = True) -> str:
    """The graph as mermaid text. Without `everything`, what only a Catch of States.ALL leads to is left out."""
    lines = ["flowchart TD", *_scope(machine.states, "    ", everything)]
    return "\n".join(lines) + "\n"


def _scope(states: Sequence[State], indent: str, everything: bool) -> Iterator[str]:
    ways = [edge for edge in edges(states) if everything or edge.errors != ("States.ALL",)]
    drawn = reach([states[0].name], targets(ways))
    for state in states:
        if state.name in drawn:
            yield from _node(state, indent, everything)
    for edge in ways:
        if edge.source in drawn:
            yield f"{indent}{_edge(edge)}"


def _node(state: State, indent: str, everything: bool) -> Iterator[str]:
    if isinstance(state, Map | Parallel):
        yield f'{indent}subgraph {state.name}["{state.name} · {type(state).__name__}"]'
        for scope in inner(state):
            yield from _scope(scope, indent + "    ", everything)
        yield f"{indent}end"
    else:
        yield f"{indent}{state.name}{_shape(state)}"


def _shape(state: State) -> str:
    name = state.name
    if isinstance(state, Choice):
        return f'{{"{name}"}}'
    if isinstance(state, Wait):
        return f'(["{name}"])'
    if isinstance(state, Succeed | Fail) or is_end(state):
        return f'((("{name}")))' if isinstance(state, Succeed) else f'(("{name}"))'
    return f'["{name}"]'


def _edge(edge: Edge) -> str:
    if edge.kind == "catch":
        errors = ", ".join(error.rpartition(".")[2] for error in edge.errors)
        return f'{edge.source} -. "{errors}" .-> {edge.target}'
    label = _label(edge.test) if edge.test else "else" if edge.kind == "default" else ""
    return f'{edge.source} -- "{label}" --> {edge.target}' if label else f"{edge.source} --> {edge.target}"


def _label(test: Test) -> str:
    match test:
        case Condition():
            return _comparison(test)
        case AllOf(parts):
            return " and ".join(map(_label, parts))
        case AnyOf(parts):
            return " or ".join(map(_label, parts))
        case Negation(part):
            return f"not ({_label(part)})"


def _comparison(condition: Condition) -> str:
    """`side = EXIT`: the last name of the path is enough for a picture."""
    variable = condition.variable.text.rpartition(".")[2]
    value = condition.value
    operand = value.text.rpartition(".")[2] if isinstance(value, Expression) else _literal(value)
    operator = condition.operator.removesuffix("Path")
    for family in ("String", "Numeric", "Boolean", "Timestamp"):
        operator = operator.removeprefix(family)
    return f"{variable} {_SYMBOLS.get(operator, operator)} {operand}"


def _literal(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
