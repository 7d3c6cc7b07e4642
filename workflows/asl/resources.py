"""What a Task calls: a Lambda function, a Lambda function that answers by callback, or an AWS API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from workflows.asl.expressions import placeholder

Pattern = Literal["", "sync", "sync:2", "waitForTaskToken"]


@dataclass(frozen=True)
class Function:
    """A Lambda function as a machine needs to know it.

    Parameters
    ----------
    input, output
        What it takes and gives, as pydantic models.
    timeout, http_timeout
        Seconds: Lambda's own, and that of the slowest single request inside (0 where it makes none).
    idempotent
        False where running twice could do harm: no state may retry it.
    """

    name: str
    input: type[BaseModel]
    output: type[BaseModel]
    timeout: float
    http_timeout: float = 0
    idempotent: bool = True

    @property
    def arn(self) -> str:
        return placeholder(f"{self.name}Function")


@dataclass(frozen=True)
class Invoke:
    """Call a function and wait for what it returns. The state's arguments are its event."""

    function: Function


@dataclass(frozen=True)
class InvokeAndAwait:
    """Call a function, then wait until someone completes the task token with a `result`."""

    function: Function
    result: type[BaseModel]


@dataclass(frozen=True)
class Call:
    """Call an AWS API.

    Parameters
    ----------
    service, action
        `Call("dynamodb", "putItem")` is the optimized integration; with `sdk=True` the generic one.
    pattern
        How long the state waits: "" for the answer only, `sync` and `sync:2` until the job is done,
        `waitForTaskToken` until the token is completed.
    payloads
        Arguments whose content someone else defines, with the model it must fit: a child machine's `Input`.
    result
        What the call gives. `Any`: nobody reads it.
    idempotent
        False where calling twice could do harm: the state may not retry it.
    resources
        ARNs that the call touches, for the machine's role, where they can't be told from the arguments.
    """

    service: str
    action: str
    sdk: bool = False
    pattern: Pattern = ""
    payloads: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    result: Any = object
    idempotent: bool = True
    resources: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        service = f"aws-sdk:{self.service}" if self.sdk else self.service
        suffix = f".{self.pattern}" if self.pattern else ""
        return f"arn:aws:states:::{service}:{self.action}{suffix}"


Resource = Invoke | InvokeAndAwait | Call
