"""A machine as a mermaid flowchart, for documents: it looks like the console's graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from workflows.asl.conditions import AllOf, AnyOf, Condition, Negation, Test
from workflows.asl.expressions import Expression
from workflows.asl.flow import Edge, edges, is_end
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


def mermaid(machine: Machine, *, catches: bool = True) -> str:
    """The graph as mermaid text. Without `catches`, only the ways of an execution where no error is caught."""
    lines = ["flowchart TD", *_scope(machine.states, "    ", catches=catches)]
    return "\n".join(lines) + "\n"


def _scope(states: Sequence[State], indent: str, *, catches: bool) -> Iterator[str]:
    drawn = _drawn(states, catches=catches)
    for state in drawn:
        yield from _node(state, indent, catches=catches)
    names = {state.name for state in drawn}
    for edge in edges(states):
        if edge.source in names and edge.target in names and (catches or edge.kind != "catch"):
            yield f"{indent}{_edge(edge)}"


def _drawn(states: Sequence[State], *, catches: bool) -> list[State]:
    """Without catches, a state that only errors lead to is left out."""
    if catches:
        return list(states)
    shown = [states[0].name]
    ways = [edge for edge in edges(states) if edge.kind != "catch"]
    for name in shown:
        shown.extend(
            dict.fromkeys(edge.target for edge in ways if edge.source == name and edge.target not in shown)
        )
    return [state for state in states if state.name in shown]


def _node(state: State, indent: str, *, catches: bool) -> Iterator[str]:
    if isinstance(state, Map | Parallel):
        yield f'{indent}subgraph {state.name}["{state.name} · {type(state).__name__}"]'
        for scope in inner(state):
            yield from _scope(scope, indent + "    ", catches=catches)
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
        return f'{edge.source} -. "{", ".join(edge.errors)}" .-> {edge.target}'
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
    operand = value.text.rpartition(".")[2] if isinstance(value, Expression) else str(value)
    operator = condition.operator.removesuffix("Path")
    for family in ("String", "Numeric", "Boolean", "Timestamp"):
        operator = operator.removeprefix(family)
    return f"{variable} {_SYMBOLS.get(operator, operator)} {operand}"
