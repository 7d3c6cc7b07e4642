"""A definition as the interpreter reads it: the ASL JSON, checked and with its fields at hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows.asl.interpreter.data import Json
from workflows.asl.interpreter.errors import InvalidDefinition, Problem

MAX_DEFINITION_BYTES = 1_048_576
MAX_DEPTH = 100
"""Levels of nesting of the JSON: more would cost the reader its stack."""

DEFAULT_MAX_ATTEMPTS = 3
MAX_INLINE_CONCURRENCY = 40
"""Inline Map: "up to 40 concurrent iterations" (service quotas)."""


@dataclass(frozen=True, slots=True)
class Retrier:
    """One entry of Retry. Delays in seconds."""

    error_equals: tuple[str, ...]
    interval: float = 1
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    backoff_rate: float = 2.0
    max_delay: float | None = None
    full_jitter: bool = False

    def delay(self, attempt: int, fraction: float) -> float:
        """Seconds before the retry that follows `attempt` earlier ones; `fraction` is for the jitter."""
        try:
            seconds = self.interval * self.backoff_rate**attempt
        except OverflowError:
            seconds = float("inf")
        seconds = min(seconds, self.max_delay if self.max_delay is not None else 31_622_400)
        return seconds * fraction if self.full_jitter else seconds


@dataclass(frozen=True, slots=True)
class Catcher:
    error_equals: tuple[str, ...]
    next: str
    result_path: str | None = "$"


@dataclass(frozen=True, slots=True)
class State:
    """One state. `fields` is its JSON; what most states share is read out once."""

    name: str
    type: str
    fields: Mapping[str, Json]
    next: str | None
    input_path: str | None
    output_path: str | None
    result_path: str | None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()
    scopes: tuple[States, ...] = ()
    """The branches of a Parallel, the one item processor of a Map."""


@dataclass(frozen=True, slots=True)
class States:
    """A sequence of states: the machine itself, a branch of a Parallel, or what a Map does with each item."""

    start_at: str
    states: Mapping[str, State]


@dataclass(frozen=True, slots=True)
class Machine:
    """A checked definition, shared by all its executions."""

    root: States
    timeout_seconds: int | None = None
    definition: Mapping[str, Json] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, definition: str | Mapping[str, Json]) -> Machine:
        """Check a definition and read it.

        Raises
        ------
        InvalidDefinition
            With everything that is wrong, each with its place in the JSON.
        """
        from workflows.asl.interpreter.validation import problems  # noqa: PLC0415  (loaded on first use)

        raw = _load(definition) if isinstance(definition, str) else definition
        found = problems(raw)
        if found:
            raise InvalidDefinition(found)
        return cls(_states(raw), raw.get("TimeoutSeconds"), raw)


def _load(text: str) -> Mapping[str, Json]:
    if len(text.encode()) > MAX_DEFINITION_BYTES:
        raise InvalidDefinition(
            [Problem("SCHEMA_VALIDATION_FAILED", f"A definition has at most {MAX_DEFINITION_BYTES} bytes", "/")]
        )
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise InvalidDefinition([Problem("INVALID_JSON_DESCRIPTION", str(wrong), "/")]) from None
    if not isinstance(raw, dict):
        raise InvalidDefinition(
            [Problem("SCHEMA_VALIDATION_FAILED", "The definition is not a JSON object", "/")]
        )
    if _deeper_than(raw, MAX_DEPTH):
        raise InvalidDefinition(
            [
                Problem(
                    "SCHEMA_VALIDATION_FAILED", f"The definition is nested deeper than {MAX_DEPTH} levels", "/"
                )
            ]
        )
    return raw


def _deeper_than(value: Json, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True


def _states(raw: Mapping[str, Json]) -> States:
    return States(raw["StartAt"], {name: _state(name, fields) for name, fields in raw["States"].items()})


def _state(name: str, fields: Mapping[str, Json]) -> State:
    return State(
        name=name,
        type=fields["Type"],
        fields=fields,
        next=fields.get("Next"),
        input_path=fields.get("InputPath", "$"),
        output_path=fields.get("OutputPath", "$"),
        result_path=fields.get("ResultPath", "$"),
        retry=tuple(_retrier(entry) for entry in fields.get("Retry", ())),
        catch=tuple(_catcher(entry) for entry in fields.get("Catch", ())),
        scopes=_scopes(fields),
    )


def _scopes(fields: Mapping[str, Json]) -> tuple[States, ...]:
    if fields["Type"] == "Parallel":
        return tuple(_states(branch) for branch in fields["Branches"])
    if fields["Type"] == "Map":
        return (_states(fields.get("ItemProcessor") or fields["Iterator"]),)
    return ()


def _retrier(entry: Mapping[str, Json]) -> Retrier:
    return Retrier(
        error_equals=tuple(entry["ErrorEquals"]),
        interval=entry.get("IntervalSeconds", 1),
        max_attempts=entry.get("MaxAttempts", DEFAULT_MAX_ATTEMPTS),
        backoff_rate=entry.get("BackoffRate", 2.0),
        max_delay=entry.get("MaxDelaySeconds"),
        full_jitter=entry.get("JitterStrategy") == "FULL",
    )


def _catcher(entry: Mapping[str, Json]) -> Catcher:
    return Catcher(tuple(entry["ErrorEquals"]), entry["Next"], entry.get("ResultPath", "$"))
