"""Choice rules: which way the data goes."""

from __future__ import annotations

from collections.abc import Callable

from workflows.asl.interpreter import jsonpath, timestamps
from workflows.asl.interpreter.data import Json
from workflows.asl.interpreter.errors import RuntimeFailure
from workflows.asl.interpreter.evaluation import Scope

Test = Callable[[Json, Json], bool]


def _text(test: Test) -> Test:
    return lambda left, right: isinstance(left, str) and isinstance(right, str) and test(left, right)


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(test: Test) -> Test:
    return lambda left, right: _is_number(left) and _is_number(right) and test(left, right)


def _moment(test: Test) -> Test:
    def compare(left: Json, right: Json) -> bool:
        first, second = timestamps.parse(left), timestamps.parse(right)
        return first is not None and second is not None and test(first, second)

    return compare


_ORDERED: dict[str, Test] = {
    "Equals": lambda left, right: bool(left == right),
    "LessThan": lambda left, right: bool(left < right),
    "LessThanEquals": lambda left, right: bool(left <= right),
    "GreaterThan": lambda left, right: bool(left > right),
    "GreaterThanEquals": lambda left, right: bool(left >= right),
}


def string_matches(text: str, pattern: str) -> bool:
    r"""`*` stands for any characters; `\*` is a star and `\\` a backslash.

    Matching is greedy from the left without going back, so that no pattern can take exponential time.
    """
    parts = _pattern_parts(pattern)
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _pattern_parts(pattern: str) -> list[str]:
    parts, current, at = [], "", 0
    while at < len(pattern):
        if pattern[at] == "\\" and pattern[at + 1 : at + 2] in ("*", "\\"):
            current += pattern[at + 1]
            at += 1
        elif pattern[at] == "*":
            parts.append(current)
            current = ""
        else:
            current += pattern[at]
        at += 1
    return [*parts, current]


COMPARISONS: dict[str, Test] = {
    **{f"String{name}": _text(test) for name, test in _ORDERED.items()},
    **{f"Numeric{name}": _number(test) for name, test in _ORDERED.items()},
    **{f"Timestamp{name}": _moment(test) for name, test in _ORDERED.items()},
    "BooleanEquals": lambda left, right: isinstance(left, bool) and left is right,
    "StringMatches": _text(string_matches),
}

_PATH_COMPARISONS: dict[str, Test] = {
    f"{name}Path": test for name, test in COMPARISONS.items() if name != "StringMatches"
}

TYPE_TESTS: dict[str, Callable[[Json], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsNumeric": _is_number,
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: timestamps.parse(value) is not None,
}

OPERATORS = frozenset([*COMPARISONS, *_PATH_COMPARISONS, *TYPE_TESTS, "IsPresent"])
COMBINATIONS = frozenset(["And", "Or", "Not"])
PATH_OPERATORS = frozenset(_PATH_COMPARISONS)


def holds(rule: dict[str, Json], scope: Scope) -> bool:
    """Is this choice rule true of the data?

    Raises
    ------
    RuntimeFailure
        If a path it compares points to nothing (IsPresent is the way to ask for that).
    """
    if "And" in rule:
        return all(holds(inner, scope) for inner in rule["And"])
    if "Or" in rule:
        return any(holds(inner, scope) for inner in rule["Or"])
    if "Not" in rule:
        return not holds(rule["Not"], scope)
    operator = next(name for name in rule if name in OPERATORS)
    return _compare(operator, rule["Variable"], rule[operator], scope)


def _compare(operator: str, variable: str, expected: Json, scope: Scope) -> bool:
    if operator == "IsPresent":
        return _is_present(variable, scope) is expected
    value = _variable(variable, scope)
    if operator in TYPE_TESTS:
        return TYPE_TESTS[operator](value) is expected
    if operator in _PATH_COMPARISONS:
        return _PATH_COMPARISONS[operator](value, _variable(expected, scope))
    return COMPARISONS[operator](value, expected)


def _is_present(variable: str, scope: Scope) -> bool:
    try:
        scope.read(variable)
    except jsonpath.PathNotFound:
        return False
    return True


def _variable(path: str, scope: Scope) -> Json:
    try:
        return scope.read(path)
    except jsonpath.PathNotFound:
        raise RuntimeFailure(
            f"Invalid path '{path}': The choice state's condition path references an invalid value."
        ) from None
