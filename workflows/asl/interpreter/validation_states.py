"""Checks of single states: their fields, and the types and forms of what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from workflows.asl.interpreter import choices, intrinsics, jsonpath, timestamps
from workflows.asl.interpreter.data import Json
from workflows.asl.interpreter.errors import ALL, Problem

SCHEMA = "SCHEMA_VALIDATION_FAILED"
MAX_SECONDS = 99_999_999
MAX_CHOICE_DEPTH = 50

_COMMON = {"Type", "Comment", "QueryLanguage"}
_PATHS = {"InputPath", "OutputPath"}
_FLOW = {"Next", "End"}
_RESULT = {"ResultPath", "ResultSelector"}
_ERRORS = {"Retry", "Catch"}
_DISTRIBUTED = (
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "Label",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
)
_JSONATA = ("Arguments", "Output", "Condition", "Items")

_LIMITS = {"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"}
_ITEMS = {"ItemProcessor", "Iterator", "ItemsPath", "ItemSelector", "MaxConcurrency", "MaxConcurrencyPath"}

FIELDS: dict[str, set[str]] = {
    "Task": _COMMON | _PATHS | _FLOW | _RESULT | _ERRORS
    | _LIMITS | {"Resource", "Parameters", "Credentials"},
    "Pass": _COMMON | _PATHS | _FLOW | {"Result", "ResultPath", "Parameters"},
    "Choice": _COMMON | _PATHS | {"Choices", "Default"},
    "Wait": _COMMON | _PATHS | _FLOW | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
    "Succeed": _COMMON | _PATHS,
    "Fail": _COMMON | {"Error", "ErrorPath", "Cause", "CausePath"},
    "Parallel": _COMMON | _PATHS | _FLOW | _RESULT | _ERRORS | {"Branches", "Parameters"},
    "Map": _COMMON | _PATHS | _FLOW | _RESULT | _ERRORS
    | _ITEMS | {"Parameters"},
}  # fmt: skip


def schema(message: str, where: str) -> Problem:
    return Problem(SCHEMA, message, where)


def unsupported(message: str, where: str) -> Problem:
    return Problem("UNSUPPORTED", message, where)


def state_problems(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    """Problems of one state on its own; its targets are checked by whoever knows the other states."""
    kind = state.get("Type")
    if not isinstance(kind, str) or kind not in FIELDS:
        yield schema(f"The field 'Type' must be one of {', '.join(FIELDS)}", f"{where}/Type")
        return
    if state.get("QueryLanguage", "JSONPath") != "JSONPath":
        yield unsupported(
            "QueryLanguage 'JSONata' runs on AWS only; here states are JSONPath", f"{where}/QueryLanguage"
        )
        return
    yield from _fields(state, kind, where)
    if {"Next", "End"} <= FIELDS[kind]:
        yield from _flow(state, where)
    yield from _paths(state, where)
    yield from _templates(state, where)
    yield from _retriers(state, where)
    yield from _catchers(state, where)
    yield from _KINDS.get(kind, _nothing)(state, where)


def _nothing(_state: Mapping[str, Json], _where: str) -> Iterator[Problem]:
    return iter(())


def _fields(state: Mapping[str, Json], kind: str, where: str) -> Iterator[Problem]:
    for name in state:
        if name in FIELDS[kind]:
            continue
        if name == "Assign":
            yield unsupported("Variables (Assign) run on AWS only", f"{where}/Assign")
        elif name in _DISTRIBUTED and kind == "Map":
            yield unsupported(
                f"'{name}' belongs to the distributed Map, which runs on AWS only", f"{where}/{name}"
            )
        elif name in _JSONATA:
            yield unsupported(f"'{name}' is a field of JSONata, which runs on AWS only", f"{where}/{name}")
        else:
            yield schema(f"Field '{name}' is not supported", where)


def _flow(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    if "Next" in state and "End" in state:
        yield schema("A state has either 'Next' or 'End', not both", where)
    elif "Next" not in state and state.get("End") is not True:
        yield schema("One of the fields 'Next' or 'End': true is required", where)


_PATH_FIELDS = (
    "InputPath", "OutputPath", "ItemsPath", "SecondsPath", "TimestampPath", "TimeoutSecondsPath",
    "HeartbeatSecondsPath", "MaxConcurrencyPath",
)  # fmt: skip


def _paths(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    for field in _PATH_FIELDS:
        value = state.get(field)
        if field in state and value is None and field in ("InputPath", "OutputPath"):
            continue
        if field in state and not is_path(value):
            yield schema("Value is not a valid JSONPath", f"{where}/{field}")
    for field in ("ErrorPath", "CausePath"):
        if field in state and not _is_expression(state[field]):
            yield schema("Value is not a valid JSONPath or intrinsic function call", f"{where}/{field}")
    yield from _result_path(state, where)


def _result_path(entry: Mapping[str, Json], where: str) -> Iterator[Problem]:
    value = entry.get("ResultPath")
    if value is not None and not (isinstance(value, str) and jsonpath.is_reference(value)):
        yield schema("Value is not a Reference Path", f"{where}/ResultPath")


def is_path(text: Json) -> bool:
    if not isinstance(text, str) or not text.startswith("$"):
        return False
    try:
        jsonpath.parse(text[1:] if text.startswith("$$") else text)
    except jsonpath.PathError:
        return False
    return True


def _is_expression(text: Json) -> bool:
    if isinstance(text, str) and intrinsics.is_call(text):
        try:
            intrinsics.parse(text)
        except intrinsics.IntrinsicSyntaxError:
            return False
        return True
    return is_path(text)


def _templates(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    for field in ("Parameters", "ResultSelector", "ItemSelector"):
        if field in state:
            yield from _template(state[field], f"{where}/{field}")


def _template(value: Json, where: str) -> Iterator[Problem]:
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from _template(item, f"{where}[{at}]")
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if not name.endswith(".$"):
            yield from _template(inner, f"{where}/{name}")
        elif not _is_expression(inner):
            yield schema(
                f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call",
                f"{where}/{name}",
            )


def _is_number(value: Json, least: float, *, whole: bool = True) -> bool:
    right_type = isinstance(value, int) or (isinstance(value, float) and not whole)
    return right_type and not isinstance(value, bool) and value >= least


def _error_names(entry: Json, where: str, *, last: bool) -> Iterator[Problem]:
    names = entry.get("ErrorEquals") if isinstance(entry, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        yield schema("ErrorEquals must be a list of at least one error name", where)
        return
    if ALL in names and (len(names) > 1 or not last):
        yield schema(f"{ALL} must appear alone and in the last entry", f"{where}/ErrorEquals")


def _entries(state: Mapping[str, Json], field: str, where: str) -> Iterator[tuple[Json, str, bool]]:
    entries = state.get(field, [])
    if not isinstance(entries, list):
        return
    for at, entry in enumerate(entries):
        yield entry, f"{where}/{field}[{at}]", at == len(entries) - 1


def _retriers(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    if not isinstance(state.get("Retry", []), list):
        yield schema("Expected an array", f"{where}/Retry")
    for entry, place, last in _entries(state, "Retry", where):
        yield from _error_names(entry, place, last=last)
        if not isinstance(entry, dict):
            continue
        for field, least, whole in _RETRY_NUMBERS:
            if field in entry and not _is_number(entry[field], least, whole=whole):
                yield schema(f"{field} must be a number of at least {least}", f"{place}/{field}")
        if entry.get("JitterStrategy", "NONE") not in ("NONE", "FULL"):
            yield schema("JitterStrategy must be NONE or FULL", f"{place}/JitterStrategy")


_RETRY_NUMBERS: tuple[tuple[str, float, bool], ...] = (
    ("IntervalSeconds", 1, True),
    ("MaxAttempts", 0, True),
    ("BackoffRate", 1.0, False),
    ("MaxDelaySeconds", 1, True),
)


def _catchers(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    if not isinstance(state.get("Catch", []), list):
        yield schema("Expected an array", f"{where}/Catch")
    for entry, place, last in _entries(state, "Catch", where):
        yield from _error_names(entry, place, last=last)
        if not isinstance(entry, dict):
            continue
        if "Next" not in entry:
            yield schema("The field 'Next' is required", place)
        if "Assign" in entry:
            yield unsupported("Variables (Assign) run on AWS only", f"{place}/Assign")
        yield from _result_path(entry, place)


def _task(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    resource = state.get("Resource")
    if not isinstance(resource, str) or not resource.startswith("arn:") or resource.count(":") < 5:
        yield Problem("INVALID_RESOURCE", "The field 'Resource' must be the ARN of a task", f"{where}/Resource")
    elif ":states:" in resource and ":activity:" in resource:
        yield unsupported("Activities run on AWS only", f"{where}/Resource")
    for field in ("TimeoutSeconds", "HeartbeatSeconds"):
        if field in state and f"{field}Path" in state:
            yield schema(f"A state has either '{field}' or '{field}Path'", where)
        if field in state and not (_is_number(state[field], 1) and state[field] <= MAX_SECONDS):
            yield schema(f"{field} must be an integer from 1 to {MAX_SECONDS}", f"{where}/{field}")
    if "HeartbeatSeconds" in state and "TimeoutSeconds" in state and not _smaller_heartbeat(state):
        yield schema("HeartbeatSeconds must be smaller than TimeoutSeconds", f"{where}/HeartbeatSeconds")


def _smaller_heartbeat(state: Mapping[str, Json]) -> bool:
    values = state["HeartbeatSeconds"], state["TimeoutSeconds"]
    return not all(isinstance(value, int) for value in values) or values[0] < values[1]


def _wait(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    given = [name for name in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath") if name in state]
    if len(given) != 1:
        yield schema("A Wait has exactly one of Seconds, SecondsPath, Timestamp and TimestampPath", where)
    if "Timestamp" in state and timestamps.parse(state["Timestamp"]) is None:
        yield schema("String does not match RFC3339 timestamp", f"{where}/Timestamp")
    if "Seconds" in state and not (_is_number(state["Seconds"], 0) and state["Seconds"] <= MAX_SECONDS):
        yield schema(f"Seconds must be an integer from 0 to {MAX_SECONDS}", f"{where}/Seconds")


def _fail(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    for field in ("Error", "Cause"):
        if field in state and f"{field}Path" in state:
            yield schema(f"A state has either '{field}' or '{field}Path'", where)
        if field in state and not isinstance(state[field], str):
            yield schema("Expected a string", f"{where}/{field}")


def _parallel(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    if not isinstance(state.get("Branches"), list) or not state["Branches"]:
        yield schema("Expected an array with at least one branch", f"{where}/Branches")


def _map(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    processors = [name for name in ("ItemProcessor", "Iterator") if name in state]
    if len(processors) != 1:
        yield schema("A Map has exactly one of ItemProcessor and Iterator", where)
        return
    processor = state[processors[0]]
    config = processor.get("ProcessorConfig", {}) if isinstance(processor, dict) else {}
    if isinstance(config, dict) and config.get("Mode", "INLINE") != "INLINE":
        yield unsupported(
            "A Map of mode DISTRIBUTED runs on AWS only; here it is INLINE",
            f"{where}/{processors[0]}/ProcessorConfig",
        )
    if "ItemSelector" in state and "Parameters" in state:
        yield schema("A Map has either 'ItemSelector' or 'Parameters'", where)
    if "MaxConcurrency" in state and not _is_number(state["MaxConcurrency"], 0):
        yield schema("MaxConcurrency must be an integer of at least 0", f"{where}/MaxConcurrency")


def _choice(state: Mapping[str, Json], where: str) -> Iterator[Problem]:
    rules = state.get("Choices")
    if not isinstance(rules, list) or not rules:
        yield schema("Expected an array with at least one choice rule", f"{where}/Choices")
        return
    for at, rule in enumerate(rules):
        place = f"{where}/Choices[{at}]"
        if isinstance(rule, dict) and "Next" not in rule:
            yield schema("The field 'Next' is required", place)
        yield from _rule(rule, place, 0)


def _rule(rule: Json, where: str, depth: int) -> Iterator[Problem]:
    if not isinstance(rule, dict) or depth > MAX_CHOICE_DEPTH:
        yield schema(f"Expected a choice rule, nested at most {MAX_CHOICE_DEPTH} deep", where)
        return
    if "Condition" in rule or "Assign" in rule:
        yield unsupported("Condition and Assign run on AWS only", where)
        return
    if depth and "Next" in rule:
        yield schema("Only the outermost rule has a 'Next'", where)
    combined = [name for name in rule if name in choices.COMBINATIONS]
    tests = [name for name in rule if name in choices.OPERATORS]
    if len(combined) + len(tests) != 1:
        yield schema("A choice rule has exactly one comparison operator", where)
    elif combined:
        yield from _combination(rule, combined[0], where, depth)
    else:
        yield from _test(rule, tests[0], where)


def _combination(rule: Mapping[str, Json], name: str, where: str, depth: int) -> Iterator[Problem]:
    inner = [rule[name]] if name == "Not" else rule[name]
    if not isinstance(inner, list) or not inner:
        yield schema(f"{name} takes a list of at least one rule", f"{where}/{name}")
        return
    for at, nested in enumerate(inner):
        yield from _rule(nested, f"{where}/{name}[{at}]", depth + 1)


def _test(rule: Mapping[str, Json], name: str, where: str) -> Iterator[Problem]:
    if not is_path(rule.get("Variable")):
        yield schema("Variable must be a JSONPath", f"{where}/Variable")
    value = rule[name]
    wrong = next((text for fits, text in _OPERANDS(name) if not fits(value)), None)
    if wrong:
        yield schema(f"{name} takes {wrong}", f"{where}/{name}")


def _OPERANDS(name: str) -> Sequence[tuple[Callable[[Json], bool], str]]:  # noqa: N802  (a table by name)
    if name in choices.PATH_OPERATORS:
        return [(is_path, "a JSONPath")]
    if name.startswith(("Is", "Boolean")):
        return [(lambda value: isinstance(value, bool), "true or false")]
    if name.startswith("Numeric"):
        return [(lambda value: isinstance(value, (int, float)) and not isinstance(value, bool), "a number")]
    if name.startswith("Timestamp"):
        return [(lambda value: timestamps.parse(value) is not None, "an RFC3339 timestamp")]
    return [(lambda value: isinstance(value, str), "a string")]


_KINDS: dict[str, Callable[[Mapping[str, Json], str], Iterator[Problem]]] = {
    "Task": _task,
    "Wait": _wait,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
    "Choice": _choice,
}
