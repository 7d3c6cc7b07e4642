"""How a state's fields read the data: paths, payload templates, and where the result goes."""

from __future__ import annotations

from collections.abc import Callable

from workflows.asl.interpreter import intrinsics, jsonpath
from workflows.asl.interpreter.data import MAX_EXPRESSION, Json, dumps, exceeds
from workflows.asl.interpreter.entropy import Entropy
from workflows.asl.interpreter.errors import RESULT_PATH_MATCH, RuntimeFailure, TooLarge

MANY_EXPRESSIONS = 16
"""So many references to the largest input are no danger; beyond that the result is measured first."""


class Scope:
    """What the expressions of one state see: its data and, when they ask for it, the context object."""

    __slots__ = ("_context", "_expressions", "_make_context", "data", "entropy")

    def __init__(self, data: Json, make_context: Callable[[], Json], entropy: Entropy) -> None:
        self.data = data
        self.entropy = entropy
        self._make_context = make_context
        self._context: Json = None
        self._expressions = 0

    @property
    def context(self) -> Json:
        """The context object, `$$`."""
        if self._context is None:
            self._context = self._make_context()
        return self._context

    def with_data(self, data: Json) -> Scope:
        return Scope(data, lambda: self.context, self.entropy)

    def read(self, path: str) -> Json:
        """Raises jsonpath.PathNotFound, or TooLarge."""
        self._expressions += 1
        parsed = jsonpath.parse(path[1:] if path.startswith("$$") else path)
        try:
            found = parsed.read(self.context if path.startswith("$$") else self.data)
        except jsonpath.PathError:
            raise TooLarge from None
        if not parsed.definite and exceeds(found, MAX_EXPRESSION):
            raise TooLarge
        return found

    def read_field(self, path: str, field: str) -> Json:
        """The value for `field`; a missing path ends the execution, in AWS's words.

        Raises
        ------
        RuntimeFailure
            If the path points to nothing.
        """
        try:
            return self.read(path)
        except jsonpath.PathNotFound:
            source = self.context if path.startswith("$$") else self.data
            raise RuntimeFailure(
                f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input "
                f"'{dumps(source)}'"
            ) from None

    def expression(self, text: str, field: str) -> Json:
        """A path or an intrinsic function.

        Raises
        ------
        RuntimeFailure
            States.Runtime for a missing path, States.IntrinsicFailure for arguments a function does not take.
        """
        if intrinsics.is_call(text):
            return intrinsics.parse(text).evaluate(lambda path: self.read_field(path, field), self.entropy)
        return self.read_field(text, field)

    def template(self, template: Json) -> Json:
        """A payload template: fields whose name ends in `.$` are expressions, the rest is copied.

        Raises
        ------
        RuntimeFailure
            As `expression` does.
        TooLarge
            If the result is beyond what may be passed on anyway.
        """
        filled = self._filled(template)
        if self._expressions > MANY_EXPRESSIONS and exceeds(filled, MAX_EXPRESSION):
            raise TooLarge
        return filled

    def _filled(self, template: Json) -> Json:
        if isinstance(template, dict):
            filled = {}
            for name, value in template.items():
                if name.endswith(".$"):
                    filled[name[:-2]] = self.expression(value, name)
                else:
                    filled[name] = self._filled(value)
            return filled
        if isinstance(template, list):
            return [self._filled(item) for item in template]
        return template

    def select(self, path: str | None) -> Json:
        """InputPath, OutputPath and ItemsPath: None gives an empty object.

        Raises
        ------
        RuntimeFailure
            If the path points to nothing.
        """
        if path is None:
            return {}
        if path == "$":
            return self.data
        try:
            return self.read(path)
        except jsonpath.PathNotFound as missing:
            raise RuntimeFailure(f"Invalid path '{path}' : {missing}") from None


def put(document: Json, path: str, value: Json) -> Json:
    """A copy of `document` with `value` at the reference path (ResultPath); what is on the way is made.

    Raises
    ------
    RuntimeFailure
        States.ResultPathMatchFailure, if something on the way is not an object.
    """
    steps = jsonpath.parse(path).steps
    return _put(document, steps, value, path, document)


def _put(node: Json, steps: tuple[jsonpath.Step, ...], value: Json, path: str, document: Json) -> Json:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, jsonpath.Name) and isinstance(node, dict):
        name = step.names[0]
        return {**node, name: _put(node.get(name, {}) if rest else None, rest, value, path, document)}
    if isinstance(step, jsonpath.Index) and isinstance(node, list) and 0 <= step.indexes[0] < len(node):
        index = step.indexes[0]
        changed = _put(node[index], rest, value, path, document)
        return [*node[:index], changed, *node[index + 1 :]]
    raise RuntimeFailure(f"Unable to apply ReferencePath {path} to input {dumps(document)}", RESULT_PATH_MATCH)
