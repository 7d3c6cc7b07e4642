"""What one state can see: the data that is there when it runs, and the types of what it makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from workflows.asl import context
from workflows.asl.context import ContextPath
from workflows.asl.expressions import Expression, expressions_in
from workflows.asl.intrinsics import Intrinsic
from workflows.asl.paths import Path
from workflows.asl.types import Constant, Record, Row, misfit
from workflows.asl.walk import PathProblem, follow, segments

_NOT_A_MAP = object()

Scalar = str | int | float | bool | None
_Rows = list[Any]
_TAKES: Mapping[str, tuple[Any, ...]] = {
    "StringToJson": (str,),
    "JsonToString": (Any,),
    "JsonMerge": (Any, Any, bool),
    "ArrayPartition": (_Rows, int),
    "ArrayContains": (_Rows, Any),
    "ArrayRange": (int, int, int),
    "ArrayGetItem": (_Rows, int),
    "ArrayLength": (_Rows,),
    "ArrayUnique": (_Rows,),
    "Base64Encode": (str,),
    "Base64Decode": (str,),
    "Hash": (Any, str),
    "MathAdd": (int, int),
    "MathRandom": (int, int, int),
    "StringSplit": (str, str),
    "UUID": (),
}


@dataclass(frozen=True)
class View:
    """`written` are the slots that every path to the state has filled; `item` is the type of a Map's item."""

    model: type[BaseModel]
    written: frozenset[str]
    item: Any = _NOT_A_MAP
    has_token: bool = False

    def type_of(self, value: Any, *, optional_leaf: bool = False) -> Any:
        """The type of a literal, an expression, or a template of both.

        Raises
        ------
        PathProblem
            If it reads what may not be there, or an intrinsic function gets what it does not take.
        """
        if isinstance(value, Path):
            return self._path(value, optional_leaf=optional_leaf)
        if isinstance(value, ContextPath):
            return self._context(value)
        if isinstance(value, Intrinsic):
            return self._intrinsic(value)
        if isinstance(value, Mapping):
            return Record({key: self.type_of(part) for key, part in value.items()})
        if isinstance(value, list | tuple):
            return Row(tuple(self.type_of(part) for part in value))
        return Constant(value)

    def safe_type_of(self, value: Any) -> Any:
        """Like `type_of`, but anything at all where that would raise: for when it was reported already."""
        try:
            return self.type_of(value)
        except PathProblem:
            return object

    def problems_in(self, value: Any) -> Iterator[PathProblem]:
        """What is wrong with each of the expressions inside."""
        for expression in expressions_in(value):
            try:
                self.type_of(expression)
            except PathProblem as problem:
                yield problem

    def _path(self, path: Path, *, optional_leaf: bool) -> Any:
        parts = segments(path.source)
        found = follow(self.model, parts, optional_leaf=optional_leaf)
        if parts[0] not in self.written:
            raise NotWritten(parts[0], path.source)
        return found

    def _context(self, path: ContextPath) -> Any:
        if path.source not in context.KNOWN:
            raise PathProblem("context-object", f"{path.source} is not in the context object")
        if path.source.startswith("$$.Map.") and self.item is _NOT_A_MAP:
            raise PathProblem("context-object", f"{path.source} exists only in a Map: read it there")
        if path == context.TASK_TOKEN and not self.has_token:
            raise PathProblem(
                "context-object", f"{path.source} exists only in a .waitForTaskToken task: use one"
            )
        return self.item if path == context.MAP_ITEM_VALUE else context.KNOWN[path.source].type

    def _intrinsic(self, call: Intrinsic) -> Any:
        given = [self.type_of(argument) for argument in call.arguments]
        is_format = call.name == "Format"
        wanted = self._format(call) if is_format else _TAKES[call.name][: len(given)]
        for position, (type_given, type_wanted) in enumerate(zip(given, wanted, strict=True), start=1):
            reason = misfit(type_given, type_wanted)
            if reason:
                raise PathProblem("intrinsic", f"States.{call.name}, argument {position}: {reason}")
        return call.result

    @staticmethod
    def _format(call: Intrinsic) -> tuple[Any, ...]:
        template, values = call.arguments[0], call.arguments[1:]
        if isinstance(template, str):
            holes = template.replace("\\{", "").count("{}")
            if holes != len(values):
                raise PathProblem(
                    "intrinsic",
                    f"States.Format has {holes} places and {len(values)} values: make them the same number",
                )
        return (str, *(Scalar for _ in values))


class NotWritten(PathProblem):
    """A slot that some path to the state leaves empty."""

    def __init__(self, slot: str, source: str) -> None:
        self.slot = slot
        self.source = source
        super().__init__("written-before", f"{source} is not written on every path that leads here")


def mentions(value: Any, wanted: Expression) -> bool:
    """Whether an expression stands anywhere in a template, also inside intrinsic functions."""
    return any(
        found == wanted or (isinstance(found, Intrinsic) and mentions(found.arguments, wanted))
        for found in expressions_in(value)
    )
