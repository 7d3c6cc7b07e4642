"""The states of Amazon States Language (JSONPath) as pydantic models.

A state without `next` goes to the one below it; `end=True` ends its scope. Each state that gives something
writes it into one named `slot` of the data (`ResultPath: $.slot`). The last state of a scope may have no slot:
then its result is all that leaves the scope, which keeps the results of a Map small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from workflows.asl.conditions import When
from workflows.asl.errors import BuildError, Problem
from workflows.asl.paths import Path
from workflows.asl.resources import Resource

Seconds = Annotated[int, Field(gt=0, le=99_999_999)]


class Part(BaseModel):
    """Strict: a number in quotes or a field that does not exist is refused, with the state's name."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    @model_validator(mode="wrap")
    @classmethod
    def _say_which(cls, data: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        try:
            return handler(data)
        except ValidationError as error:
            name = str(data.get("name", cls.__name__)) if isinstance(data, Mapping) else cls.__name__
            raise BuildError(name, _problems(name, cls.__name__, error)) from None


def _problems(name: str, kind: str, error: ValidationError) -> list[Problem]:
    """One for each field, whatever was tried on it."""
    said: dict[str, list[str]] = {}
    for each in error.errors():
        field = str(each["loc"][0]) if each["loc"] else ""
        said.setdefault(f"{kind}.{field}", []).append(each["msg"])
    return [Problem(name, "field-types", f"{field}: {', or: '.join(texts)}") for field, texts in said.items()]


class Handler(Part):
    """What a state does about some errors."""

    errors: Sequence[str]


class Retry(Handler):
    """Try again after `interval` seconds, each time `backoff` times as long, but never over `max_delay`."""

    interval: Seconds = 1
    max_attempts: Annotated[int, Field(ge=0, le=99_999_999)] = 3
    backoff: Annotated[float, Field(ge=1)] = 2.0
    max_delay: Annotated[int, Field(gt=0, lt=31_622_400)] | None = None
    full_jitter: bool = False


class Catch(Handler):
    """Go on at `next`, with the error's name and cause in `slot`."""

    next: str
    slot: str


class State(Part):
    name: str
    comment: str | None = None
    input_path: str | None = None
    output_path: str | None = None


class Moving(State):
    """A state that something follows."""

    next: str | None = None
    end: bool = False
    assign: Mapping[str, Any] | None = None


class Task(Moving):
    """Work. `timeout` and `heartbeat` are in seconds.

    `redrivable` marks a state where people mend the cause and redrive: it has to fail in the open.
    """

    resource: Resource
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    slot: str | None = None
    timeout: Seconds | None = None
    heartbeat: Seconds | None = None
    retry: Sequence[Retry] = ()
    catch: Sequence[Catch] = ()
    result_selector: Mapping[str, Any] | None = None
    redrivable: bool = False


class Pass(Moving):
    """Write `value` into `slot`: a template, or a path whose value is copied as it is."""

    value: Mapping[str, Any] | Path | None = None
    slot: str | None = None


class Wait(Moving):
    """Wait a number of seconds, or until a moment (UTC, `2026-11-23T04:00:00Z`)."""

    seconds: Annotated[int, Field(ge=0, le=99_999_999)] | Path | None = None
    until: str | Path | None = None


class Choice(State):
    """Go where the first test that holds points, or else to `default`."""

    choices: Annotated[Sequence[When], Field(min_length=1)]
    default: str | None = None
    assign: Mapping[str, Any] | None = None


class Succeed(State):
    pass


class Fail(State):
    error: str
    cause: str


class Map(Moving):
    """Run `states` once for each of `items`.

    Parameters
    ----------
    item
        The data model inside: what `select` writes, and the slots that the states inside write.
    select
        What each iteration starts with; `MAP_ITEM_VALUE` is the item.
    result
        What leaves one iteration. The Map's slot is a list of these.
    distributed
        Run the iterations as executions of their own (AWS only).
    never_fails
        Refuse anything inside that could fail an iteration, which would abort the others.
    """

    items: Path
    item: type[BaseModel]
    select: Mapping[str, Any]
    states: Sequence[State]
    result: Any = object
    slot: str | None = None
    max_concurrency: Annotated[int, Field(ge=0)] = 0
    distributed: bool = False
    never_fails: bool = False
    retry: Sequence[Retry] = ()
    catch: Sequence[Catch] = ()
    result_selector: Mapping[str, Any] | None = None


class Parallel(Moving):
    """Run every branch on a copy of the same data. The slot is a list with one result per branch."""

    branches: Sequence[Sequence[State]]
    result: Any = object
    slot: str | None = None
    retry: Sequence[Retry] = ()
    catch: Sequence[Catch] = ()
    result_selector: Mapping[str, Any] | None = None


def inner(state: State) -> Iterator[Sequence[State]]:
    """The scopes inside a state."""
    if isinstance(state, Map):
        yield state.states
    elif isinstance(state, Parallel):
        yield from state.branches


def retries_of(state: State) -> Sequence[Retry]:
    return state.retry if isinstance(state, Task | Map | Parallel) else ()


def catches_of(state: State) -> Sequence[Catch]:
    return state.catch if isinstance(state, Task | Map | Parallel) else ()


def slot_of(state: State) -> str | None:
    return state.slot if isinstance(state, Task | Pass | Map | Parallel) else None
