"""JSONPath as Step Functions reads it (the Jayway dialect).

A *definite* path (names and single indexes) gives the value it points to; anything else (wildcard, slice,
filter, `..`, several names or indexes) gives a list, which may be empty. What AWS does and the dialect leaves
open is in the tests: a missing name in a definite path is an error, an index past the end is null, and an
indefinite path that finds nothing is an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

from workflows.asl.interpreter.data import Json
from workflows.asl.interpreter.jsonpath_filter import WORK

MAX_SCANNED = 300_000
"""Values one path may visit: a `..` over a deep document must not take the process down."""

MAX_COMPARED = 3_000_000
"""Items that the `in` of one filter, and its relatives, may look at."""


class PathError(ValueError):
    """The text is not a JSONPath."""


class PathNotFound(LookupError):
    """A definite path points to nothing. The message is Jayway's, which AWS passes on."""


@dataclass(frozen=True, slots=True)
class Name:
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Index:
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Wildcard:
    pass


@dataclass(frozen=True, slots=True)
class Descend:
    """`..`: the node itself and everything below it."""


@dataclass(frozen=True, slots=True)
class Filter:
    keeps: Callable[[Json, Json], bool]
    """(node, root) → keep it?"""


@dataclass(frozen=True, slots=True)
class Function:
    name: str


Step = Name | Index | Slice | Wildcard | Descend | Filter | Function


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path, to be read from any number of documents."""

    text: str
    steps: tuple[Step, ...]
    definite: bool
    names: tuple[str, ...] | None = None
    """Of a path that is single names only, as nearly all are."""

    def read(self, document: Json) -> Json:
        """The value, or the list of values, this path selects.

        Raises
        ------
        PathNotFound
            If the path is definite and a name on it is missing.
        """
        if self.names is not None:
            node = document
            for name in self.names:
                if not isinstance(node, dict) or name not in node:
                    return _read_definite(self.steps, document)  # which says what is missing
                node = node[name]
            return node
        if self.definite:
            return _read_definite(self.steps, document)
        return _read_indefinite(self.steps, document)


@lru_cache(maxsize=4096)
def parse(text: str) -> Path:
    """Raises PathError if the text is not a path that starts with `$`."""
    from workflows.asl.interpreter.jsonpath_syntax import parse_path  # noqa: PLC0415  (the two need each other)

    steps = parse_path(text)
    names = tuple(step.names[0] for step in steps if isinstance(step, Name) and len(step.names) == 1)
    definite = all(_is_definite(step) for step in steps)
    return Path(text, steps, definite, names if len(names) == len(steps) else None)


def is_reference(text: str) -> bool:
    """Reference paths (ResultPath, for one) point to exactly one place: names and single indexes only."""
    try:
        path = parse(text)
    except PathError:
        return False
    return path.definite and not any(isinstance(step, Function) for step in path.steps)


def _is_definite(step: Step) -> bool:
    if isinstance(step, Index):
        return len(step.indexes) == 1
    return isinstance(step, (Name, Function))


def _read_definite(steps: tuple[Step, ...], node: Json) -> Json:
    last = len(steps) - 1
    for position, step in enumerate(steps):
        if isinstance(step, Name):
            if len(step.names) > 1:
                node = _pick(step.names, node)
            elif isinstance(node, dict) and step.names[0] in node:
                node = node[step.names[0]]
            else:
                raise PathNotFound(_not_found(steps, position, leaf=position == last))
        elif isinstance(step, Index):
            if not isinstance(node, list):
                raise PathNotFound(_not_found(steps, position, leaf=position == last))
            if not -len(node) <= step.indexes[0] < len(node):
                return None
            node = node[step.indexes[0]]
        elif isinstance(step, Function):
            node = apply_function(step.name, node)
    return node


def _pick(names: tuple[str, ...], node: Json) -> Json:
    if not isinstance(node, dict):
        raise PathNotFound(f"Expected to find an object with properties {list(names)}")
    return {name: node[name] for name in names if name in node}


def _not_found(steps: tuple[Step, ...], position: int, *, leaf: bool) -> str:
    rendered = "$" + "".join(_render(step) for step in steps[: position + 1])
    return f"No results for path: {rendered}" if leaf else f"Missing property in path {rendered}"


def _render(step: Step) -> str:
    if isinstance(step, Name):
        return "[" + ",".join(f"'{name}'" for name in step.names) + "]"
    if isinstance(step, Index):
        return "[" + ",".join(str(index) for index in step.indexes) + "]"
    return "[*]"


def _read_indefinite(steps: tuple[Step, ...], document: Json) -> Json:
    nodes: list[Json] = [document]
    for step in steps:
        if isinstance(step, Function):
            return apply_function(step.name, nodes)
        found = chain.from_iterable(_select(step, node, document) for node in nodes)
        nodes = list(islice(found, MAX_SCANNED + 1))
        if len(nodes) > MAX_SCANNED:
            raise PathError(f"the path selects more than {MAX_SCANNED} values")
    return nodes


def _select(step: Step, node: Json, root: Json) -> Iterable[Json]:  # noqa: PLR0911  (one line for each kind)
    if isinstance(step, Name):
        if len(step.names) > 1:
            return [_pick(step.names, node)] if isinstance(node, dict) else []
        return [node[step.names[0]]] if isinstance(node, dict) and step.names[0] in node else []
    if isinstance(step, Wildcard):
        return _children(node)
    if isinstance(step, Descend):
        return _descend(node)
    if isinstance(step, Filter):
        return _kept(step, node if isinstance(node, list) else [node], root)
    if not isinstance(node, list):
        return []
    if isinstance(step, Slice):
        return node[step.start : step.stop]
    if isinstance(step, Index):
        return [node[index] for index in step.indexes if -len(node) <= index < len(node)]
    raise TypeError(f"a function can't select: {step}")


def _kept(step: Filter, candidates: list[Json], root: Json) -> Iterator[Json]:
    before = WORK.done
    for candidate in candidates:
        if WORK.done - before > MAX_COMPARED:
            raise PathError(f"the filter makes more than {MAX_COMPARED} comparisons")
        if step.keeps(candidate, root):
            yield candidate


def _children(node: Json) -> Iterable[Json]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _descend(node: Json) -> Iterator[Json]:
    stack, seen = [node], 0
    while stack:
        current = stack.pop()
        seen += 1
        if seen > MAX_SCANNED:
            raise PathError(f"the path visits more than {MAX_SCANNED} values")
        yield current
        stack.extend(reversed(list(_children(current))))


def _numbers(node: Json) -> list[float]:
    return [item for item in _children(node) if isinstance(item, (int, float)) and not isinstance(item, bool)]


FUNCTIONS: dict[str, Callable[[Json], Json]] = {
    "length": lambda node: len(node) if isinstance(node, (dict, list, str)) else None,
    "size": lambda node: len(node) if isinstance(node, (dict, list, str)) else None,
    "min": lambda node: min(_numbers(node)),
    "max": lambda node: max(_numbers(node)),
    "sum": lambda node: sum(_numbers(node)),
    "avg": lambda node: sum(_numbers(node)) / len(_numbers(node)),
    "keys": lambda node: list(node) if isinstance(node, dict) else None,
    "first": lambda node: node[0] if isinstance(node, list) else None,
    "last": lambda node: node[-1] if isinstance(node, list) else None,
}


def apply_function(name: str, node: Json) -> Json:
    """Raises PathNotFound if the function has nothing to work on."""
    try:
        return FUNCTIONS[name](node)
    except (ValueError, ZeroDivisionError, IndexError):
        raise PathNotFound(
            f"Aggregation function attempted to calculate value using empty array: {name}()"
        ) from None
