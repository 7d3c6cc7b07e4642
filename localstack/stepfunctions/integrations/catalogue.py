"""Which resources the endpoint can call; anything else is refused when the machine is created."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workflows.asl.interpreter import InvalidDefinition, Machine, Pattern, Problem
from workflows.asl.interpreter.definition import States
from workflows.asl.interpreter.states_task import parse_resource

_CALL = (Pattern.REQUEST_RESPONSE,)
_CALL_OR_TOKEN = (Pattern.REQUEST_RESPONSE, Pattern.TOKEN)

OPTIMIZED: dict[str, tuple[Pattern, ...]] = {
    "lambda:invoke": _CALL_OR_TOKEN,
    "dynamodb:getItem": _CALL,
    "dynamodb:putItem": _CALL,
    "dynamodb:updateItem": _CALL,
    "dynamodb:deleteItem": _CALL,
    "sqs:sendMessage": _CALL_OR_TOKEN,
    "sns:publish": _CALL_OR_TOKEN,
    "events:putEvents": _CALL_OR_TOKEN,
    "states:startExecution": (*_CALL_OR_TOKEN, Pattern.SYNC, Pattern.SYNC_2),
}
"""The optimized integrations that run here, with the patterns AWS has for each."""

SDK = "aws-sdk"


@dataclass(frozen=True, slots=True)
class Integration:
    """What a resource stands for. `optimized` decides the names of arguments and errors."""

    service: str
    action: str
    pattern: Pattern
    optimized: bool
    function: str | None = None
    """The ARN, where the resource is a Lambda function itself."""


def read(resource: str) -> Integration | None:
    """None if the endpoint can't call it."""
    kind, pattern = parse_resource(resource)
    if kind.is_lambda:
        return Integration("lambda", "invoke", pattern, optimized=True, function=resource)
    action = kind.resource.removesuffix(pattern)
    if kind.resource_type.startswith(f"{SDK}:"):
        supported = pattern in _CALL_OR_TOKEN
        service = kind.resource_type.removeprefix(f"{SDK}:")
        return Integration(service, action, pattern, optimized=False) if supported else None
    if pattern not in OPTIMIZED.get(f"{kind.resource_type}:{action}", ()):
        return None
    return Integration(kind.resource_type, action, pattern, optimized=True)


def check(machine: Machine, *, express: bool = False) -> None:
    """Raises InvalidDefinition for tasks that nothing here, or no Express machine anywhere, can run."""
    found = [
        problem
        for where, resource in _tasks(machine.root, "")
        if (problem := _problem(resource, where, express=express)) is not None
    ]
    if found:
        raise InvalidDefinition(found)


def _problem(resource: str, where: str, *, express: bool) -> Problem | None:
    integration = read(resource)
    if integration is None:
        return Problem("UNSUPPORTED", f"The resource '{resource}' runs on AWS only; here run {_known()}", where)
    if express and integration.pattern is not Pattern.REQUEST_RESPONSE:
        words = f"Express machines have no {integration.pattern}: '{resource}' needs a Standard machine"
        return Problem("SCHEMA_VALIDATION_FAILED", words, where)
    return None


def _known() -> str:
    return f"Lambda functions, {', '.join(OPTIMIZED)} and {SDK}:*"


def _tasks(states: States, where: str) -> Iterator[tuple[str, str]]:
    for name, state in states.states.items():
        place = f"{where}/States/{name}"
        if state.type == "Task":
            yield f"{place}/Resource", state.fields["Resource"]
        for number, inner in enumerate(state.scopes):
            yield from _tasks(
                inner, f"{place}/Branches[{number}]" if state.type == "Parallel" else f"{place}/ItemProcessor"
            )
