"""Which definitions are refused, and with what words.

Codes are AWS's (ValidateStateMachineDefinitionDiagnostic). What AWS runs and this does not (JSONata,
variables, distributed Map, activities) is refused as UNSUPPORTED, with a message that says what runs where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workflows.asl.interpreter.data import Json
from workflows.asl.interpreter.errors import Problem
from workflows.asl.interpreter.validation_states import schema, state_problems, unsupported

MAX_NAME = 80

TARGET = "MISSING_TRANSITION_TARGET"


def problems(definition: Mapping[str, Json]) -> list[Problem]:
    """Everything that is wrong with a definition; an empty list if it can run."""
    found = list(_machine(definition))
    if found:
        return found
    names: dict[str, str] = {}
    found.extend(_duplicates(definition, "", names))
    return found


def _machine(definition: Mapping[str, Json]) -> Iterator[Problem]:
    timeout = definition.get("TimeoutSeconds")
    if timeout is not None and (not isinstance(timeout, int) or isinstance(timeout, bool) or timeout <= 0):
        yield schema("Expected a positive integer", "/TimeoutSeconds")
    if definition.get("Version", "1.0") != "1.0":
        yield schema("The only version is '1.0'", "/Version")
    for name in definition:
        if name not in _MACHINE_FIELDS:
            yield schema(f"Field '{name}' is not supported", "/")
    yield from scope_problems(definition, "")


_MACHINE_FIELDS = frozenset({"Comment", "StartAt", "States", "TimeoutSeconds", "Version", "QueryLanguage"})


def scope_problems(scope: Json, where: str) -> Iterator[Problem]:
    """Problems of the machine, of one branch, or of an item processor."""
    if not isinstance(scope, dict):
        yield schema("Expected an object with StartAt and States", where or "/")
        return
    if scope.get("QueryLanguage", "JSONPath") != "JSONPath":
        yield unsupported(
            "QueryLanguage 'JSONata' runs on AWS only; here definitions are JSONPath", f"{where}/QueryLanguage"
        )
        return
    states = scope.get("States")
    if not isinstance(states, dict) or not states:
        yield schema("Expected an object with at least one state", f"{where}/States")
        return
    if not isinstance(scope.get("StartAt"), str):
        yield schema("The field 'StartAt' is required and must be a string", where or "/")
    elif scope["StartAt"] not in states:
        yield Problem(TARGET, f"Missing 'StartAt' target: {scope['StartAt']}", f"{where}/StartAt")
    for name, state in states.items():
        yield from _state(name, state, f"{where}/States/{name}", states)
    if all(isinstance(state, dict) for state in states.values()):
        yield from _unreachable(scope, where)


def _state(name: str, state: Json, where: str, states: Mapping[str, Json]) -> Iterator[Problem]:
    if not 0 < len(name) <= MAX_NAME:
        yield Problem("INVALID_STATE_NAME", f"A state's name has 1 to {MAX_NAME} characters", where)
    if not isinstance(state, dict):
        yield schema("Expected an object", where)
        return
    yield from state_problems(state, where)
    for field, target in transitions(state):
        if not isinstance(target, str):
            yield schema("Expected a string", f"{where}{field}")
        elif target not in states:
            label = field.rsplit("/", 1)[-1]
            yield Problem(TARGET, f"Missing '{label}' target: {target}", f"{where}{field}")
    for place, scope in inner_scopes(state):
        yield from scope_problems(scope, f"{where}{place}")


def transitions(state: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """(place, target) of everything a state can lead to."""
    for field in ("Next", "Default"):
        if field in state:
            yield f"/{field}", state[field]
    for field in ("Choices", "Catch"):
        entries = state.get(field)
        for at, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and "Next" in entry:
                yield f"/{field}[{at}]/Next", entry["Next"]


def inner_scopes(state: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    if state.get("Type") == "Parallel" and isinstance(state.get("Branches"), list):
        for at, branch in enumerate(state["Branches"]):
            yield f"/Branches[{at}]", branch
    if state.get("Type") == "Map":
        for field in ("ItemProcessor", "Iterator"):
            if field in state:
                yield f"/{field}", state[field]


def _unreachable(scope: Mapping[str, Json], where: str) -> Iterator[Problem]:
    states, start = scope["States"], scope.get("StartAt")
    if start not in states:
        return
    reached, todo = {start}, [start]
    while todo:
        for _, target in transitions(states[todo.pop()]):
            if isinstance(target, str) and target in states and target not in reached:
                reached.add(target)
                todo.append(target)
    for name in states:
        if name not in reached:
            yield Problem(TARGET, f'State "{name}" is not reachable.', f"{where}/States/{name}")


def _duplicates(scope: Mapping[str, Json], where: str, names: dict[str, str]) -> Iterator[Problem]:
    for name, state in scope["States"].items():
        place = f"{where}/States/{name}"
        if name in names:
            yield Problem(
                "DUPLICATE_STATE_NAME", f"Duplicate State name: {name} (also at {names[name]})", place
            )
        names.setdefault(name, place)
        for inner, nested in inner_scopes(state):
            yield from _duplicates(nested, f"{place}{inner}", names)
